"""Joins parts into the finished video and verifies it: what ffprobe reads must be what was planned."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding.commands import (
    build_gif,
    build_join,
    build_palette,
    build_playlist,
    build_poster,
)
from video_export_worker.encoding.process import run_ffmpeg, run_ffprobe
from video_export_worker.errors import EncodeFailed

CODECS = {VideoFormat.MP4: "h264", VideoFormat.WEBM: "vp9", VideoFormat.GIF: "gif"}
GIF_TICK = 0.01  # seconds: delays are whole centiseconds


@dataclass(frozen=True)
class Expected:
    """What a video has to be: frames at `fps`, and pixels."""

    frames: int
    fps: Fraction
    width: int
    height: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.frames / self.fps)


@dataclass(frozen=True)
class FinishedVideo:
    """A verified video on this machine's disk.

    Attributes:
        duration: seconds, as the file says.
        frames: frames at the requested rate.
    """

    format: VideoFormat
    path: Path
    size: int
    duration: float
    frames: int
    width: int
    height: int
    codec: str


async def join_parts(
    name: VideoFormat, parts: list[tuple[Path, int]], workdir: Path, expected: Expected, quality: Quality
) -> FinishedVideo:
    """Make the finished video of its parts, given with their numbers of frames, in order; an only part is the video.

    Raises:
        EncodeFailed: ffmpeg failed, or the video is not what was planned.
    """
    output = workdir / f"video.{name}"
    if len(parts) == 1 and name is not VideoFormat.GIF:
        parts[0][0].replace(output)
        return await verify_video(name, output, expected)
    playlist = workdir / f"{name}.ffconcat"
    playlist.write_text(build_playlist([(str(path.absolute()), float(count / expected.fps)) for path, count in parts]))
    if name is VideoFormat.GIF:
        palette = workdir / "palette.png"
        await run_ffmpeg(build_palette(str(playlist), str(palette), quality), "palette")
        await run_ffmpeg(build_gif(str(playlist), str(palette), str(output), expected.fps, quality), "gif")
    else:
        await run_ffmpeg(build_join(str(playlist), str(output), name, expected.frames / expected.fps), "join")
    return await verify_video(name, output, expected)


async def make_poster(video: Path, output: Path) -> Path:
    """PNG of the video's first frame. Raises EncodeFailed."""
    await run_ffmpeg(build_poster(str(video), str(output)), "poster")
    return output


async def verify_video(name: VideoFormat, path: Path, expected: Expected) -> FinishedVideo:
    """Read the file back and compare it with the plan.

    Raises:
        EncodeFailed: it differs; the message lists every difference.
    """
    probed = await run_ffprobe(str(path))
    problems = find_differences(name, probed, expected)
    if problems:
        raise EncodeFailed(f"verify: {path.name} is not what was planned: " + "; ".join(problems))
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    duration = float(probed["format"]["duration"])
    return FinishedVideo(name, path, size, duration, expected.frames, expected.width, expected.height, CODECS[name])


def find_differences(name: VideoFormat, probed: dict[str, Any], expected: Expected) -> list[str]:
    """Every way in which what ffprobe says differs from the plan."""
    stream = probed["streams"][0] if len(probed.get("streams", [])) == 1 else {}
    packets = [packet for packet in probed.get("packets", []) if "pts_time" in packet]
    times = sorted(float(packet["pts_time"]) for packet in packets)
    timed = [packet for packet in packets if "dts_time" in packet]  # in the order of decoding
    tick = GIF_TICK if name is VideoFormat.GIF else 0.001
    # Players go by the one or by the other; a WebM's track has none.
    durations = float(probed.get("format", {}).get("duration", 0)), float(stream.get("duration", expected.duration))
    differences = []
    if stream.get("codec_name") != CODECS[name]:
        differences.append(f"codec {stream.get('codec_name')} instead of {CODECS[name]}")
    if (stream.get("width"), stream.get("height")) != (expected.width, expected.height):
        differences.append(
            f"{stream.get('width')}x{stream.get('height')} pixels instead of {expected.width}x{expected.height}"
        )
    for duration, whose in zip(durations, ("", " of its track"), strict=True):
        if abs(duration - expected.duration) > 1.01 * tick:
            differences.append(f"{duration:.3f} s{whose} instead of {expected.duration:.3f} s")
    if not times or abs(times[0]) > tick:
        differences.append(f"the first frame is at {times[0] if times else 'no time'} instead of 0")
    if len(set(times)) < len(times):
        differences.append("two frames are shown at the same time")
    if any(float(packet["dts_time"]) > float(packet["pts_time"]) for packet in timed):
        differences.append("a frame is decoded after it is shown")
    if any(float(later["dts_time"]) <= float(earlier["dts_time"]) for earlier, later in itertools.pairwise(timed)):
        differences.append("two frames are decoded at the same time")
    if len(times) > expected.frames:
        differences.append(f"{len(times)} frames in the file, more than the {expected.frames} of the plan")
    return differences
