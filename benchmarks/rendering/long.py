"""`python -m benchmarks.rendering.long [ROW ...]`: what long recordings cost, as a table and in build/bench/long.json.

Rows that are not measured keep what the file has. PUBLIC=file adds a recording that is compared with every frame.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.long_rows import MEASUREMENTS, Row

TARGET: Final = Path("build/bench/long.json")


def merge(known: list[dict[str, Any]], rows: list[Row]) -> list[dict[str, Any]]:
    """The rows of the file with new values in the places of the old ones, and new rows behind them."""
    fresh = {row.name: asdict(row) for row in rows}
    kept = [fresh.pop(row["name"], row) for row in known]
    return [*kept, *fresh.values()]


def describe(row: dict[str, Any]) -> str:
    """A line of the table."""
    return f"{row['name']} | {row['value']:g} {row['unit']} | {row['goal']:g} {row['unit']}"


def main() -> None:
    """Measure, print, and keep what was measured after each of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(MEASUREMENTS)}; all by default")
    chosen = parser.parse_args().rows or list(MEASUREMENTS)
    unknown = sorted(set(chosen) - set(MEASUREMENTS))
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}: choose from {', '.join(MEASUREMENTS)}")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    print("what | value | goal", flush=True)
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            rows = MEASUREMENTS[name](Path(folder))
        known = json.loads(TARGET.read_text()) if TARGET.exists() else []
        TARGET.write_text(json.dumps(merge(known, rows), indent=2) + "\n")
        for row in rows:
            print(describe(asdict(row)), flush=True)


if __name__ == "__main__":
    main()
