"""`python -m dev COMMAND`: what the Makefile calls."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.cluster import Cluster
from dev.debian_program import PROMTOOL, REGISTRY
from dev.demo import demonstrate
from dev.demo_target import choose_target
from dev.docker_cluster import PROVIDERS, DockerCluster
from dev.errors import DevError
from dev.foreground import NEEDS, SERVERS, run_processes, serve, wait
from dev.go_program import ACTIONLINT, TEMPORAL_SERVER
from dev.images import ensure_images
from dev.kubernetes_binaries import PROGRAMS, ensure_programs
from dev.notices import write_page
from dev.places import CHECKOUT
from dev.steps import run, say, warn


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.do(chosen) or 0)
    except DevError as error:
        warn(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev", description="The whole system on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: object, description: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=description, description=description)
        added.set_defaults(do=do)
        return added

    command("up", _up, "start the local cluster with Temporal and storage")
    down = command("down", _down, "end the local cluster, or take the demo out of an existing one")
    demo = command(
        "demo",
        _demo,
        "show the product: exports through worker pods. An existing cluster needs kubectl and helm on PATH and "
        "OPERATOR_IMAGE, WORKER_IMAGE, TEMPORAL_ADDRESS, VIDEO_EXPORT_STORAGE_URI (and AWS_...) in the environment",
    )
    for each in (down, demo):
        elsewhere = each.add_mutually_exclusive_group()
        elsewhere.add_argument("--context", help="an existing cluster's context instead of the local cluster")
        elsewhere.add_argument("--provider", choices=PROVIDERS, help="a cluster in Docker instead of the local cluster")
    demo.add_argument("--output", type=Path, default=CHECKOUT / "build" / "demo", help="folder of the page")
    command("build", _build, "build what takes long, side by side: Kubernetes, Temporal and, as root, the images")
    command("images", lambda _: ensure_images() and 0, "build the base and both images")
    command("kubernetes", _kubernetes, "build Kubernetes, etcd and helm, and say where they are")
    command("temporal", _temporal, "build a Temporal server that can do TLS, and say where it is")
    command("promtool", _promtool, "fetch Prometheus' promtool, and say where it is")
    command("notices", lambda _: write_page(), "write THIRD-PARTY-NOTICES.md")
    command("actionlint", _actionlint, "lint GitHub's workflows")
    servers = command("serve", lambda chosen: serve(chosen.name), "become a server, in the foreground")
    servers.add_argument("name", choices=SERVERS)
    waits = command("wait", lambda chosen: wait(chosen.names), "wait until something is there")
    waits.add_argument("names", nargs="+", choices=NEEDS, metavar="NAME", help=", ".join(NEEDS))
    runs = command("run", lambda chosen: run_processes(chosen.names), "run processes of dev/mprocs.yaml without mprocs")
    runs.add_argument("names", nargs="*", metavar="NAME", help="all, if none is named")
    return parser


def _up(_: argparse.Namespace) -> None:
    cluster = Cluster()
    cluster.up()
    say(f"The cluster runs: export KUBECONFIG={cluster.kubeconfig} PATH={cluster.programs}:$PATH")


def _down(chosen: argparse.Namespace) -> None:
    if chosen.context:
        choose_target(chosen.context).uninstall()
    elif chosen.provider:
        DockerCluster(PROVIDERS[chosen.provider]).down()
    else:
        Cluster().down()


def _demo(chosen: argparse.Namespace) -> None:
    page = demonstrate(choose_target(chosen.context, chosen.provider), chosen.output)
    say("`make demo-down` ends it all. The videos, their storyboards and the size over time:")
    print(page)


def _build(chosen: argparse.Namespace) -> None:
    with ThreadPoolExecutor(2) as pool:
        images = pool.submit(ensure_images) if os.geteuid() == 0 else None
        _kubernetes(chosen)
        _temporal(chosen)
        _promtool(chosen)
        REGISTRY.ensure()
        if images:
            images.result()


def _kubernetes(_: argparse.Namespace) -> None:
    say(f"Kubernetes: {ensure_programs((*PROGRAMS, 'pause'))}")


def _temporal(_: argparse.Namespace) -> None:
    say(f"Temporal: {TEMPORAL_SERVER.ensure()}")


def _promtool(_: argparse.Namespace) -> None:
    say(f"promtool: {PROMTOOL.ensure()}")


def _actionlint(_: argparse.Namespace) -> None:
    print(run([ACTIONLINT.ensure()], directory=CHECKOUT), end="")


if __name__ == "__main__":
    sys.exit(main())
