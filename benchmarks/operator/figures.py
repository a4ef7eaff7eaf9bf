"""What the small benchmarks of this package share: an option, and figures as a line and as a file."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.operator.fleet import CHECKOUT


def measure(name: str, doc: str | None, rounds: int, once: Callable[[int, Path], dict[str, Any]]) -> Path:
    """Measure as often as the command line asks for, print the figures, write them and return where they are.

    Args:
        name: of the module and of its file in `build/bench`.
        doc: what `--help` says.
        rounds: how often all pods are taken, where the command line does not say it.
        once: measures with so many rounds; the path is where a log may be written.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.operator.{name}", description=doc)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often all pods are taken ({rounds})")
    given = parser.parse_args()
    target = CHECKOUT / "build" / "bench" / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = {**once(given.rounds, target.with_suffix(".log")), "load": round(os.getloadavg()[0], 1)}
    target.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures))
    return target.relative_to(CHECKOUT)
