"""How each format's parts are encoded: one table row per format, each number with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from video_export_worker.contract import Quality, VideoFormat

# A player can only seek to a keyframe; and a part has one at its start, so segments join anywhere.
KEYFRAME_INTERVAL_SECONDS: Final = 10
# Players hold a frame badly for longer, and a muxer's first decoding time moves by the largest gap.
MAX_GAP_SECONDS: Final = 2
# Chromium paints sRGB; H.264 and VP9 players assume BT.709 in limited range for these sizes, so convert and say so.
BT709: Final = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709", "color_range": "tv"}


@dataclass(frozen=True)
class PartFormat:
    """How the parts of one format are encoded.

    Attributes:
        suffix: of a part's file.
        encoder: what libavcodec calls it.
        pixel_format: that the encoder is given.
        threads: of the encoder; 0: as many as it likes.
        options: of the encoder.
        by_quality: options of the encoder that depend on the quality.
        container: options of the muxer.
    """

    suffix: str
    encoder: str
    pixel_format: str
    threads: int
    options: Mapping[str, str]
    by_quality: Mapping[Quality, Mapping[str, str]]
    container: Mapping[str, str] = field(default_factory=dict)


PARTS: Final[Mapping[VideoFormat, PartFormat]] = {
    VideoFormat.MP4: PartFormat(
        suffix=".mp4",
        encoder="libx264",
        pixel_format="yuv420p",
        threads=1,  # a browser keeps the other cores busy
        # Pages hardly fade, move far and in whole pixels, and have sharp edges: no weighted prediction, the simplest
        # subpixel search but a wide one in two frames, small transforms; half the bytes of a canvas for a twentieth of
        # the time (docs/decisions/0016).
        options={
            "preset": "veryfast",
            "profile": "high",
            "x264-params": "weightp=0:subme=1:me=umh:ref=2:no-8x8dct=1:rc-lookahead=15:qcomp=0.7:b-adapt=0",
            **BT709,
        },
        # CRF 23 is x264's default; 6 steps halve or double the size. These options keep its quality at a little more.
        by_quality={Quality.LOW: {"crf": "29"}, Quality.MEDIUM: {"crf": "23.8"}, Quality.HIGH: {"crf": "17"}},
        container={"movflags": "+faststart"},  # the only part of an export is its video
    ),
    VideoFormat.WEBM: PartFormat(
        suffix=".webm",
        encoder="libvpx-vp9",
        pixel_format="yuv420p",
        threads=0,
        # Realtime at speed 7 is what keeps VP9 within 3x of H.264; no alternate reference frames, which need lag.
        options={
            "b": "0",
            "deadline": "realtime",
            "cpu-used": "7",
            "row-mt": "1",
            "tile-columns": "1",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            **BT709,
        },
        by_quality={Quality.LOW: {"crf": "42"}, Quality.MEDIUM: {"crf": "33"}, Quality.HIGH: {"crf": "24"}},
    ),
    VideoFormat.GIF: PartFormat(
        # Parts for a GIF are lossless RGB: one palette for the whole GIF is chosen from them when all are there.
        suffix=".lossless.mp4",
        encoder="libx264rgb",
        pixel_format="bgr0",
        threads=0,
        options={"preset": "ultrafast", "qp": "0", "bf": "0"},
        by_quality={},
    ),
}
