"""Many exports in one process: none may be lost, and nothing may pile up. `python -m benchmarks.rendering.soak`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.processes import family_of, proportional_mb
from video_export_worker.contract import Segment, parse_request
from video_export_worker.driver import Driver
from video_export_worker.errors import VideoExportError
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

CHECKOUT: Final = Path(__file__).parents[2]
RECORDINGS: Final = CHECKOUT / "tests" / "recordings"
NAMES: Final = ("form", "animations", "canvas", "iframe", "long-list", "shadow-dom", "text")
WARM: Final = 20  # exports after which caches are full
TARGET: Final = CHECKOUT / "build" / "bench" / "soak.json"


async def export(name: str, folder: Path, chromium: ChromiumSettings) -> int:
    """Two seconds of a recording as a small MP4; how often a browser was restarted."""
    fields = {"recording": "file:///recording", "start": 1, "end": 3, "width": 320}
    request = parse_request(fields)
    artefact = folder / "artefact"
    artefact.mkdir()
    plan = await plan_export([RECORDINGS / f"{name}.json.gz"], request, artefact, limits=RecordingLimits())
    whole = Segment(first=0, count=plan.frames)
    rendered = await render_segment(artefact, request, plan, whole, folder, chromium=chromium)
    await assemble(request, plan, rendered.parts, folder)
    return rendered.restarts


def resident_mb() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def soak(exports: int, seconds: float) -> dict[str, Any]:
    """Export after export, with one driver as in a worker, until there were so many or the time is over."""
    lost = restarts = done = 0
    first = drivers = 0.0
    failures: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        tempfile.tempdir = root  # what the exports leave behind, they leave here
        async with Driver() as driver:
            chromium = dataclasses.replace(ChromiumSettings.from_environment(os.environ), browsers=1, driver=driver)
            while done < exports and time.monotonic() - began < seconds:
                try:
                    with tempfile.TemporaryDirectory() as folder:
                        restarts += await export(NAMES[done % len(NAMES)], Path(folder), chromium)
                except VideoExportError as error:
                    lost += 1
                    failures.append(str(error))
                done += 1
                if done == min(WARM, exports):
                    first = resident_mb()
                if done % 50 in (0, 49):  # a driver serves a hundred
                    idle = sum(map(proportional_mb, family_of(os.getpid()) - {os.getpid()}))
                    drivers = max(drivers, idle)
                    memory = f"{resident_mb():.0f} MB, the driver {idle:.0f}"
                    print(f"{done} exports, {memory}, {restarts} restarts, {lost} lost", flush=True)
        left_files = len(os.listdir(root))
        tempfile.tempdir = None
    return {
        "exports": done,
        "lost": lost,
        "browser_restarts": restarts,
        "rss_first_mb": round(first, 1),
        "rss_last_mb": round(resident_mb(), 1),
        "driver_mb": round(drivers, 1),
        "left_processes": len(family_of(os.getpid())) - 1,
        "left_files": left_files,
        "seconds": round(time.monotonic() - began, 1),
        "failures": failures[:10],
    }


def main() -> None:
    """Soak, print and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exports", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=3600, help="stop after this time (3600)")
    given = parser.parse_args()
    numbers = asyncio.run(soak(given.exports, given.seconds))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(numbers, indent=2) + "\n")
    print(json.dumps(numbers, indent=2))


if __name__ == "__main__":
    main()
