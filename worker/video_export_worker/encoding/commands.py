"""The ffmpeg commands: one table row per format, each number with its reason, and functions that compile them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import ffmpeg

from video_export_worker.contract import Quality, VideoFormat

# A player can only seek to a keyframe; and a part has one at its start, so segments join anywhere.
KEYFRAME_INTERVAL_SECONDS: Final = 10
# Chromium paints sRGB; H.264 and VP9 players assume BT.709 in limited range for these sizes, so convert and say so.
BT709: Final = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709", "color_range": "tv"}


@dataclass(frozen=True)
class Encoder:
    """How the parts of one format are encoded."""

    suffix: str
    codec: str
    pixel_format: str
    arguments: Mapping[str, Any]
    by_quality: Mapping[Quality, Mapping[str, Any]]


PARTS: Final[Mapping[VideoFormat, Encoder]] = {
    VideoFormat.MP4: Encoder(
        suffix=".mp4",
        codec="h264",
        pixel_format="yuv420p",
        # No B-frames: with gaps of up to 2 s between frames they would move the first decoding time before zero.
        # Pages hardly fade and move in whole pixels: a third of the time is saved without weighted prediction and with
        # the simplest subpixel search, and looking further ahead pays it back (docs/decisions/0016). One thread, since
        # a browser keeps the other cores busy.
        arguments={
            "vcodec": "libx264",
            "preset": "veryfast",
            "bf": 0,
            "x264-params": "weightp=0:subme=1:rc-lookahead=30:qcomp=0.7",
            "threads": 1,
            "profile:v": "high",
            "movflags": "+faststart",  # the only part of an export is its video
            **BT709,
        },
        # CRF 23 is x264's default; 6 steps halve or double the size. The fifth more is what keeps the size.
        by_quality={Quality.LOW: {"crf": 29}, Quality.MEDIUM: {"crf": 23.2}, Quality.HIGH: {"crf": 17}},
    ),
    VideoFormat.WEBM: Encoder(
        suffix=".webm",
        codec="vp9",
        pixel_format="yuv420p",
        # Realtime at speed 7 is what keeps VP9 within 3x of H.264; no alternate reference frames, which need lag.
        arguments={
            "vcodec": "libvpx-vp9",
            "b:v": 0,
            "deadline": "realtime",
            "cpu-used": 7,
            "row-mt": 1,
            "tile-columns": 1,
            "lag-in-frames": 0,
            "auto-alt-ref": 0,
            **BT709,
        },
        by_quality={Quality.LOW: {"crf": 42}, Quality.MEDIUM: {"crf": 33}, Quality.HIGH: {"crf": 24}},
    ),
    VideoFormat.GIF: Encoder(
        # Parts for a GIF are lossless RGB: one palette for the whole GIF is chosen from them when all are there.
        suffix=".lossless.mp4",
        codec="h264",
        pixel_format="gbrp",
        arguments={"vcodec": "libx264rgb", "preset": "ultrafast", "qp": 0, "bf": 0},
        by_quality={},
    ),
}
PALETTE_COLOURS: Final = {Quality.LOW: 64, Quality.MEDIUM: 256, Quality.HIGH: 256}
# Ordered dithering changes only where the picture changes, so that a GIF of a still page stays small.
DITHER: Final = {Quality.LOW: "none", Quality.MEDIUM: "none", Quality.HIGH: "bayer:bayer_scale=4"}
QUIET: Final = ("-nostdin", "-hide_banner", "-loglevel", "error")


def choose_stream_format(formats: Iterable[VideoFormat]) -> str:
    """Pixel format that the encoders are fed with: that of all of them, or BGRA where one needs the colours whole."""
    wanted = {PARTS[name].pixel_format for name in formats}
    return "yuv420p" if wanted == {"yuv420p"} else "bgra"


def build_encode(outputs: Mapping[VideoFormat, str], fps: Fraction, quality: Quality) -> list[str]:
    """Encode the NUT stream on standard input, of `choose_stream_format`, into one part per format."""
    source = ffmpeg.input("pipe:0", format="nut")
    converted = source
    if choose_stream_format(outputs) != "yuv420p":
        converted = source.filter("scale", out_color_matrix="bt709", out_range="tv", flags="bicubic+accurate_rnd")
        converted = converted.filter("format", "yuv420p")
    wanted = sum(PARTS[name].pixel_format == "yuv420p" for name in outputs)
    split = converted.filter_multi_output("split", wanted)
    streams = []
    branches = (split[index] for index in range(wanted))
    for name, path in outputs.items():
        encoder = PARTS[name]
        picture = next(branches) if encoder.pixel_format == "yuv420p" else source
        streams.append(
            picture.output(
                path,
                **encoder.arguments,
                **encoder.by_quality.get(quality, {}),
                # Without both ffmpeg turns exact timestamps into a constant rate, silently.
                fps_mode="passthrough",
                enc_time_base=f"{fps.denominator}/{fps.numerator}",
                force_key_frames=f"expr:gte(t,n_forced*{KEYFRAME_INTERVAL_SECONDS})",
                map_metadata=-1,
                # The same input gives the same bytes, whatever built it.
                fflags="+bitexact",
            )
        )
    return _compile(ffmpeg.merge_outputs(*streams))


def build_join(playlist: str, output: str, name: VideoFormat) -> list[str]:
    """Join the parts of an MP4 or a WebM without encoding them again."""
    extra = {"movflags": "+faststart"} if name is VideoFormat.MP4 else {}
    source = ffmpeg.input(playlist, format="concat", safe=0)
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
