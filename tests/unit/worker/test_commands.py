"""The table of formats and the ffmpeg commands."""

from fractions import Fraction

import pytest

from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding.commands import (
    build_gif,
    build_join,
    build_palette,
    build_playlist,
)
from video_export_worker.encoding.formats import PARTS


def values_after(command: list[str], option: str) -> list[str]:
    return [command[index + 1] for index, word in enumerate(command) if word == option]


@pytest.mark.parametrize("name", [VideoFormat.MP4, VideoFormat.WEBM])
def test_quality_orders_the_rate_factor(name: VideoFormat) -> None:
    by_quality = PARTS[name].by_quality
    factors = [float(by_quality[quality]["crf"]) for quality in (Quality.HIGH, Quality.MEDIUM, Quality.LOW)]
    assert factors == sorted(set(factors))


def test_a_join_encodes_nothing_and_starts_fast() -> None:
    command = build_join("list", "out.mp4", VideoFormat.MP4, Fraction(12, 5))
    assert values_after(command, "-c") == ["copy"]
    assert values_after(command, "-movflags") == ["+faststart"]
    assert values_after(command, "-bsf:v") == ["setts=pts=PTS:dts=DTS:duration=12/5/TB-PTS"]


def test_a_gif_takes_two_passes_and_holds_its_last_frame() -> None:
    assert "palettegen" in values_after(build_palette("list", "palette.png", Quality.MEDIUM), "-filter_complex")[0]
    command = build_gif("list", "palette.png", "out.gif", Fraction(25), Quality.MEDIUM)
    assert values_after(command, "-final_delay") == ["4"]
    assert values_after(command, "-i") == ["list", "palette.png"]


def test_the_playlist_states_every_duration_and_quotes_paths() -> None:
    playlist = build_playlist([("/tmp/it's a part.mp4", 4.8), ("/tmp/b.mp4", 1 / 3)])
    assert playlist == (
        "ffconcat version 1.0\n"
        "file '/tmp/it'\\''s a part.mp4'\nduration 4.800000000\n"
        "file '/tmp/b.mp4'\nduration 0.333333333\n"
    )
