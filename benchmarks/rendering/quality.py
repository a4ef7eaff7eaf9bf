"""`python -m benchmarks.rendering.quality [RECORDING ...]`: what the videos' speed costs their pictures.

The product's MP4 beside the usual one, every frame at a constant rate with CRF 23 at preset veryfast: SSIM of each
frame against the same one without loss, and bytes. Both are made of the same frames.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.in_worker import export
from benchmarks.rendering.processes import feed
from video_export_worker.contract import parse_request
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.recording import RecordingLimits, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.settings import ChromiumSettings

CHECKOUT: Final = Path(__file__).parents[2]
RECORDINGS: Final = CHECKOUT / "tests" / "recordings"
DEFAULT: Final = ("form", "animations", "canvas", "long-list", "text", "iframe", "shadow-dom", "resize")
TABLE: Final = CHECKOUT / "build" / "bench" / "quality.json"
COLUMNS: Final = ("recording", "method", "frames", "kilobytes", "share_of_usual", "ssim_mean", "ssim_1st_percentile")
LARGEST: Final = 1.1
"""How many times as large as the usual one a video may be."""
CONVERT: Final = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p"
USUAL: Final = "-c:v libx264 -preset veryfast -crf 23"
LOSSLESS: Final = "-c:v libx264 -preset ultrafast -qp 0"


async def encode_every_frame(source: Path, usual: Path, lossless: Path) -> None:
    """Write every frame of the product twice."""
    recording = await asyncio.to_thread(lambda: parse_recording([source.read_bytes()]))
    request = parse_request({"recording": "file:///recording"})
    plan = build_plan(recording.index, request, RecordingLimits())
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    options = RenderOptions(width=plan.width, height=plan.height, mouse=request.mouse)
    raw = f"ffmpeg -v error -y -f rawvideo -pix_fmt bgra -s {plan.width}x{plan.height} -r {request.fps:g} -i pipe:0"
    outputs = [["-vf", CONVERT, *coder.split(), str(path)] for coder, path in ((USUAL, usual), (LOSSLESS, lossless))]
    rendered = render_frames(
        recording, timeline, options, range(timeline.frames), chromium=ChromiumSettings(), counts=RenderCounts()
    )
    with feed([*raw.split(), *outputs[0], *outputs[1]]) as sink:
        shown, index = b"", 0
        async with contextlib.aclosing(rendered):
            async for frame in rendered:
                for _ in range(frame.index - index):
                    sink.write(shown)
                shown, index = frame.picture.tobytes(), frame.index
        for _ in range(timeline.frames - index):
            sink.write(shown)


def compare(video: Path, truth: Path) -> list[float]:
    """SSIM of every frame, of all planes together."""
    with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
        graph = f"[0:v]fps=25[a];[a][1:v]ssim=stats_file={log.name}"
        command = ["ffmpeg", "-v", "error", "-i", str(video), "-i", str(truth), "-lavfi", graph, "-f", "null", "-"]
        subprocess.run(command, check=True)
        return [float(found) for found in re.findall(r"All:([0-9.]+)", log.read())]


async def judge(source: Path) -> list[dict[str, Any]]:
    """Both videos of a recording."""
    request = parse_request({"recording": "file:///recording"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, finished = await export(source, request, folder, ChromiumSettings())
        usual, truth = folder / "usual.mp4", folder / "truth.mkv"
        await encode_every_frame(source, usual, truth)
        rows = []
        for method, video in (("product", finished.path), ("usual", usual)):
            seen = sorted(compare(video, truth))
            figures = {
                "recording": source.name.partition(".")[0],
                "method": method,
                "frames": len(seen),
                "kilobytes": round(video.stat().st_size / 1000, 1),
                "share_of_usual": round(video.stat().st_size / usual.stat().st_size, 3),
                "ssim_mean": round(statistics.fmean(seen), 6),
                "ssim_1st_percentile": seen[max(0, math.ceil(len(seen) / 100) - 1)],
            }
            rows.append(figures)
        return rows


def main() -> None:
    """Compare, print the table, write it; the exit status is 1 if quality was traded for speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="recordings; by default the project's own")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(" | ".join(COLUMNS))
    for recording in given.recordings or [RECORDINGS / f"{name}.json.gz" for name in DEFAULT]:
        for row in asyncio.run(judge(recording)):
            rows.append(row)
            print(" | ".join(str(row[name]) for name in COLUMNS), flush=True)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"written to {TABLE.relative_to(CHECKOUT)}")
    sys.exit(any(map(is_worse, rows[::2], rows[1::2])))


def is_worse(ours: dict[str, Any], usual: dict[str, Any]) -> bool:
    """Whether the product's video is larger than it may be, or worse than the usual one."""
    measures = ("ssim_mean", "ssim_1st_percentile")
    return ours["share_of_usual"] > LARGEST or any(ours[name] < usual[name] for name in measures)


if __name__ == "__main__":
    main()
