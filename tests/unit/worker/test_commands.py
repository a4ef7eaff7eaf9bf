"""The ffmpeg commands."""

from fractions import Fraction

import pytest

from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding.commands import (
    build_encode,
    build_gif,
    build_join,
    build_palette,
    build_playlist,
)

ALL = {VideoFormat.GIF: "part.lossless.mp4", VideoFormat.MP4: "part.mp4", VideoFormat.WEBM: "part.webm"}


def values_after(command: list[str], option: str) -> list[str]:
    return [command[index + 1] for index, word in enumerate(command) if word == option]


def test_every_part_keeps_exact_timestamps() -> None:
    command = build_encode(ALL, Fraction(2997, 100), Quality.MEDIUM)
    assert values_after(command, "-fps_mode") == ["passthrough"] * 3
    assert values_after(command, "-enc_time_base") == ["100/2997"] * 3


def test_one_input_serves_all_formats() -> None:
    command = build_encode(ALL, Fraction(25), Quality.MEDIUM)
    assert values_after(command, "-i") == ["pipe:0"]
    assert [word for word in command if word in ALL.values()] == list(ALL.values())


def test_colours_are_converted_and_flagged() -> None:
    both = {VideoFormat.MP4: "part.mp4", VideoFormat.GIF: "part.lossless.mp4"}
    command = build_encode(both, Fraction(25), Quality.MEDIUM)
    (graph,) = values_after(command, "-filter_complex")
    assert "out_color_matrix=bt709" in graph
    assert "out_range=tv" in graph
    assert values_after(command, "-colorspace") == ["bt709"]
    assert values_after(command, "-color_range") == ["tv"]


def test_frames_never_wait_for_later_ones() -> None:
    command = build_encode({VideoFormat.MP4: "part.mp4"}, Fraction(25), Quality.MEDIUM)
    assert values_after(command, "-bf") == ["0"]


@pytest.mark.parametrize("name", [VideoFormat.MP4, VideoFormat.WEBM])
def test_quality_orders_the_rate_factor(name: VideoFormat) -> None:
    factors = [
        float(values_after(build_encode({name: "part"}, Fraction(25), quality), "-crf")[0])
        for quality in (Quality.HIGH, Quality.MEDIUM, Quality.LOW)
    ]
    assert factors == sorted(set(factors))


def test_parts_for_a_gif_are_lossless() -> None:
    command = build_encode({VideoFormat.GIF: "part.lossless.mp4"}, Fraction(25), Quality.LOW)
    assert values_after(command, "-vcodec") == ["libx264rgb"]
    assert values_after(command, "-qp") == ["0"]
    assert "-filter_complex" not in command


def test_a_join_encodes_nothing_and_starts_fast() -> None:
    command = build_join("list", "out.mp4", VideoFormat.MP4)
    assert values_after(command, "-c") == ["copy"]
    assert values_after(command, "-movflags") == ["+faststart"]


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
