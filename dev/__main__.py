"""`python -m dev COMMAND`: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from dev.cluster import Cluster
from dev.errors import DevError
from dev.images import ensure_images
from dev.kubernetes_binaries import PROGRAMS, ensure_programs
from dev.steps import say, warn


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev", description="The whole system on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, description) in _COMMANDS.items():
        commands.add_parser(name, help=description, description=description)
    chosen = parser.parse_args(arguments)
    try:
        _COMMANDS[chosen.command][0]()
    except DevError as error:
        warn(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _up() -> None:
    cluster = Cluster()
    cluster.up()
    say(f"The cluster runs: export KUBECONFIG={cluster.kubeconfig} PATH={cluster.programs}:$PATH")


_COMMANDS: dict[str, tuple[Callable[[], object], str]] = {
    "up": (_up, "start the local cluster with Temporal and storage"),
    "down": (lambda: Cluster().down(), "end the local cluster and leave nothing behind"),
    "images": (ensure_images, "build the base and both images"),
    "kubernetes": (lambda: say(str(ensure_programs((*PROGRAMS, "pause")))), "build Kubernetes, etcd and helm"),
}

if __name__ == "__main__":
    sys.exit(main())
