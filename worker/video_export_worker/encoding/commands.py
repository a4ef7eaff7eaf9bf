"""The ffmpeg commands that make videos of parts, as data: what they do can be tried in a shell."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import ffmpeg

from video_export_worker.contract import Quality, VideoFormat

PALETTE_COLOURS: Final = {Quality.LOW: 64, Quality.MEDIUM: 256, Quality.HIGH: 256}
# Ordered dithering changes only where the picture changes, so that a GIF of a still page stays small.
DITHER: Final = {Quality.LOW: "none", Quality.MEDIUM: "none", Quality.HIGH: "bayer:bayer_scale=4"}
QUIET: Final = ("-nostdin", "-hide_banner", "-loglevel", "error")


def build_join(playlist: str, output: str, name: VideoFormat, seconds: Fraction) -> list[str]:
    """Join the parts of an MP4 or a WebM, which last so many seconds, without encoding them again."""
    source = ffmpeg.input(playlist, format="concat", safe=0)
    extra = {}
    if name is VideoFormat.MP4:
        # An MP4's track ends with the packet that is decoded last, which need not be the one that is shown last.
        extra = {"movflags": "+faststart", "bsf:v": f"setts=pts=PTS:dts=DTS:duration={seconds}/TB-PTS"}
    return _compile(source.output(output, c="copy", map_metadata=-1, fflags="+bitexact", **extra))


def build_palette(playlist: str, palette: str, quality: Quality) -> list[str]:
    """First pass of a GIF: the colours that serve all its frames best. One pass for both would hold every frame."""
    source = ffmpeg.input(playlist, format="concat", safe=0)
    colours = source.filter("palettegen", max_colors=PALETTE_COLOURS[quality], stats_mode="full", reserve_transparent=1)
    return _compile(colours.output(palette, update=1))


def build_gif(playlist: str, palette: str, output: str, fps: Fraction, quality: Quality) -> list[str]:
    """Second pass of a GIF."""
    frames = ffmpeg.input(playlist, format="concat", safe=0)
    dither, _, option = DITHER[quality].partition(":")
    scale = {"bayer_scale": int(option.partition("=")[2])} if option else {}
    picture = ffmpeg.filter(
        [frames, ffmpeg.input(palette)], "paletteuse", dither=dither, diff_mode="rectangle", **scale
    )
    delay = max(1, round(100 / fps))
    # Of a few frames ffmpeg takes a rate of its own for its time base, and rounds their times to that.
    exact = {"fps_mode": "passthrough", "enc_time_base": f"{fps.denominator}/{fps.numerator}"}
    return _compile(picture.output(output, **exact, final_delay=delay, loop=0, map_metadata=-1))


def build_poster(video: str, output: str) -> list[str]:
    """A PNG of the first frame."""
    return _compile(ffmpeg.input(video).output(output, **{"frames:v": 1, "update": 1}))


def build_playlist(parts: list[tuple[str, float]]) -> str:
    """List of the concat demuxer: each part with its exact length in seconds, else a held last frame is lost."""
    lines = ["ffconcat version 1.0"]
    for path, seconds in parts:
        quoted = path.replace("'", "'\\''")
        lines += [f"file '{quoted}'", f"duration {seconds:.9f}"]
    return "\n".join(lines) + "\n"


def _compile(stream: Any) -> list[str]:
    command: list[str] = ffmpeg.compile(stream, overwrite_output=True)
    return [command[0], *QUIET, *command[1:]]
