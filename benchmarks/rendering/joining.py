"""What joining a long video takes: time, disk and memory. `python -m benchmarks.rendering.joining [HOURS] [FORMAT]`.

One minute is rendered, stored as a part, and joined with itself as often as it takes. Parts come from the storage as a
stream, as in a worker, and the video goes back to it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from video_export_worker.activities.feeding import StoredPart, feed_parts
from video_export_worker.activities.publication import Publication
from video_export_worker.contract import ExportPlan, VideoExportRequest, VideoFormat, parse_request
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.storage import Storage, join_uri

RECORDING: Final = Path(__file__).parents[2] / "tests" / "recordings" / "form.json.gz"
SECONDS: Final = 60
MIB: Final = 2**20
NAME: Final = "part"


async def measure(hours: float, video_format: VideoFormat, folder: Path) -> dict[str, Any]:
    """Join so many hours."""
    storage = Storage(f"file://{folder}/stored")
    request = parse_request({"recording": RECORDING.as_uri(), "format": [video_format], "end": SECONDS, "fps": 25})
    minute = await _render_minute(request, storage, folder / "minute")
    parts = [StoredPart(join_uri(str(storage.root), NAME), minute.frames)] * round(hours * 3600 / SECONDS)
    frames = minute.frames * len(parts)
    plan = minute.model_copy(update={"frames": frames})

    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    workdir = folder / "videos"
    await asyncio.to_thread(workdir.mkdir)
    async with feed_parts(storage, {video_format: parts}, folder / "parts") as fed:
        [video] = await assemble(request, plan, fed, workdir)
    joined = time.monotonic()
    await Publication(storage, f"{storage.root}/videos").publish({"video": video.path})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "hours": hours,
        "format": str(video_format),
        "parts": len(parts),
        "frames": video.frames,
        "joined in s": round(joined - began, 1),
        "published in s": round(time.monotonic() - joined, 1),
        "CPU s of ffmpeg": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "MiB": round(await asyncio.to_thread(lambda: video.path.stat().st_size) / MIB, 1),
    }


async def _render_minute(request: VideoExportRequest, storage: Storage, folder: Path) -> ExportPlan:
    """Store a part of a minute; answers its plan."""
    artefact, parts = folder / "artefact", folder / "parts"
    for made in (artefact, parts):
        await asyncio.to_thread(made.mkdir, parents=True)
    plan = await plan_export([RECORDING], request, artefact, limits=RecordingLimits())
    chromium = ChromiumSettings(browsers=1)
    [segment] = plan.segments
    rendered = await render_segment(artefact, request, plan, segment, parts, chromium=chromium)
    [part] = rendered.parts[request.format[0]]
    await storage.publish(part.path, join_uri(str(storage.root), NAME))
    return plan


def main() -> None:
    """Measure and print."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    video_format = VideoFormat(sys.argv[2]) if len(sys.argv) > 2 else VideoFormat.MP4
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(asyncio.run(measure(hours, video_format, Path(name)))))


if __name__ == "__main__":
    main()
