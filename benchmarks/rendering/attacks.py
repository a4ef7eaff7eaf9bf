"""Attacks that are too large for the tests, in a worker's children with a default pod's memory.

`python -m benchmarks.rendering.attacks [NAME ...]` prints a JSON line for each: how it ends, seconds, MiB. Right are a
video and a typed error; wrong is a process that dies, other than by the limit that it is told in the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.attempts.running import ChildDied
from video_export_worker.capacity.limits import Capacity
from video_export_worker.contract import parse_request
from video_export_worker.errors import VideoExportError
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

POD: Final = Capacity(memory=2 * 2**30, cpus=2, slots=2)
START_MS: Final = 1_700_000_000_000
MILLION: Final = 10**6


def _recording(body: Iterator[str], events: Iterable[str] = ()) -> Iterator[str]:
    """JSON of a page with these elements, of the events that follow, and of half a second."""
    yield f'[{{"type":4,"timestamp":{START_MS},"data":{{"href":"","width":320,"height":200}}}},'
    yield f'{{"type":2,"timestamp":{START_MS},"data":{{"initialOffset":{{"left":0,"top":0}},"node":'
    yield '{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"html","attributes":{},"childNodes":['
    yield '{"type":2,"id":3,"tagName":"body","attributes":{},"childNodes":['
    for number, element in enumerate(body):
        yield ("," if number else "") + element
    yield "]}]}]}}}"
    for event in events:
        yield "," + event
    yield f',{{"type":5,"timestamp":{START_MS + 500},"data":{{"tag":"end","payload":{{}}}}}}]'


def _elements(count: int) -> Iterator[str]:
    for number in range(count):
        yield f'{{"type":2,"id":{number + 10},"tagName":"b","attributes":{{}},"childNodes":[]}}'


def _moves(count: int) -> Iterator[str]:
    event = '{"type":3,"timestamp":%d,"data":{"source":1,"positions":[{"x":1,"y":%d,"id":3,"timeOffset":0}]}}'
    return (event % (START_MS + 100, number % 200) for number in range(count))


def _titles(count: int) -> Iterator[str]:
    event = (
        '{"type":3,"timestamp":%d,"data":{"source":0,"texts":[],"removes":[],"adds":[],'
        '"attributes":[{"id":3,"attributes":{"title":"%d"}}]}}'
    )
    return (event % (START_MS + 100, number) for number in range(count))


ATTACKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "moves": lambda: _recording(_elements(1), _moves(MILLION)),
    "mutations": lambda: _recording(_elements(1), _titles(MILLION)),
    "wide": lambda: _recording(_elements(150_000)),
    "wider": lambda: _recording(_elements(500_000)),
}


async def attack(name: str, pipeline: IsolatedPipeline, folder: Path) -> dict[str, Any]:
    """Export the recording of this attack, up to the segment's parts."""
    source, artefact, workdir = folder / "recording.json", folder / "artefact", folder / "parts"
    await asyncio.to_thread(_prepare, ATTACKS[name](), source, [artefact, workdir])
    request = parse_request({"recording": source.as_uri(), "fps": 10})
    began = time.monotonic()
    planned, ends = None, "video"
    try:
        plan = await pipeline.plan_export([source], request, artefact, limits=RecordingLimits())
        planned = round(time.monotonic() - began, 1)
        await pipeline.render_segment(artefact, request, plan, plan.segments[0], workdir)
    except VideoExportError as error:
        ends = f"{error.code}: {error}"
    except ChildDied as died:
        ends = f"a process died: {died}"
    return {
        "attack": name,
        "ends": ends,
        "planned in s": planned,
        "seconds": round(time.monotonic() - began, 1),
        "MiB of JSON": round(await asyncio.to_thread(lambda: source.stat().st_size) / 2**20, 1),
    }


def _prepare(texts: Iterator[str], source: Path, folders: list[Path]) -> None:
    for folder in folders:
        folder.mkdir()
    with source.open("w") as file:
        file.writelines(texts)


async def run(names: list[str]) -> None:
    """Run attacks one after the other, by the children of one worker."""
    async with IsolatedPipeline(POD, ChromiumSettings(), os.environ, wait=False) as pipeline:
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(await attack(name, pipeline, Path(folder))), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:] or list(ATTACKS)))
