"""What makes a finished file differ from its plan."""

from fractions import Fraction
from typing import Any

import pytest

from video_export_worker.contract import VideoFormat
from video_export_worker.encoding.videos import Expected, find_differences

EXPECTED = Expected(frames=50, fps=Fraction(25), width=320, height=200)


def probed(**changes: Any) -> dict[str, Any]:
    stream = {"codec_name": "h264", "width": 320, "height": 200}
    answer = {
        "streams": [stream | changes.pop("stream", {})],
        "format": {"duration": "2.000000"},
        "packets": [{"pts_time": "0.000000"}, {"pts_time": "0.400000"}, {"pts_time": "1.960000"}],
    }
    return answer | changes


def test_the_planned_video_passes() -> None:
    assert find_differences(VideoFormat.MP4, probed(), EXPECTED) == []


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"stream": {"codec_name": "vp9"}}, "codec vp9 instead of h264"),
        ({"stream": {"height": 201}}, "320x201 pixels instead of 320x200"),
        ({"format": {"duration": "1.960000"}}, "1.960 s instead of 2.000 s"),
        ({"stream": {"duration": "1.5"}}, "1.500 s of its track instead of 2.000 s"),
        ({"packets": []}, "the first frame is at no time instead of 0"),
        ({"packets": [{"pts_time": "0.080"}]}, "the first frame is at 0.08 instead of 0"),
        ({"packets": [{"pts_time": "0"}, {"pts_time": "0"}]}, "two frames are shown at the same time"),
        ({"packets": [{"pts_time": "0", "dts_time": "0.04"}]}, "a frame is decoded after it is shown"),
        (
            {"packets": [{"pts_time": "0", "dts_time": "0"}, {"pts_time": "0.04", "dts_time": "0"}]},
            "two frames are decoded at the same time",
        ),
        ({"packets": [{"pts_time": str(n / 100)} for n in range(51)]}, "51 frames in the file, more than the 50"),
        ({"streams": []}, "codec None instead of h264"),
    ],
)
def test_each_difference_is_named(changes: dict[str, Any], difference: str) -> None:
    assert any(difference in found for found in find_differences(VideoFormat.MP4, probed(**changes), EXPECTED))
