"""Which moment of the recording each frame shows."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.contract import SkipInactivity, VideoExportRequest
from video_export_worker.errors import NothingToRender, RecordingTooLarge
from video_export_worker.planning.timeline import IDLE_MARGIN_MS, build_timeline

HOURS = 8 * 3600.0


def request(**fields: object) -> VideoExportRequest:
    return VideoExportRequest.model_validate({"recording": "file:///recording.json", **fields})


def test_a_whole_recording_ends_with_its_last_moment() -> None:
    timeline = build_timeline(request(), 81_080, [], HOURS)
    assert timeline.frames == 2028
    assert timeline.recording_ms(0) == 0
    assert timeline.recording_ms(1) == 40
    assert timeline.recording_ms(2027) == 81_080


def test_the_last_frame_shows_the_end_even_off_the_grid() -> None:
    timeline = build_timeline(request(), 1010, [], HOURS)
    assert timeline.frames == 26
    assert timeline.recording_ms(25) == 1010


def test_a_range_has_exactly_the_frames_that_fit() -> None:
    timeline = build_timeline(request(start=2, end=12), 81_080, [], HOURS)
    assert timeline.frames == 250
    assert timeline.recording_ms(0) == 2000
    assert timeline.recording_ms(249) == pytest.approx(2000 + 249 * 40)


def test_an_event_on_the_grid_belongs_to_its_frame() -> None:
    timeline = build_timeline(request(start=1, end=5), 10_000, [], HOURS)
    assert [timeline.recording_ms(frame) for frame in range(100)] == [1000 + 40 * frame for frame in range(100)]


def test_speed_shortens_the_video() -> None:
    timeline = build_timeline(request(speed=4, end=40), 81_080, [], HOURS)
    assert timeline.frames == 250
    assert timeline.recording_ms(100) == pytest.approx(16_000)


def test_idle_stretches_are_cut_but_for_a_margin() -> None:
    idle = [(10_000.0, 60_000.0)]
    timeline = build_timeline(request(skip_inactivity={"threshold": 10}), 70_000, idle, HOURS)
    assert timeline.frames == 22 * 25 + 1
    times = [timeline.recording_ms(frame) for frame in range(timeline.frames)]
    assert not [at for at in times if 10_000 + IDLE_MARGIN_MS < at < 60_000 - IDLE_MARGIN_MS]
    assert times[-1] == 70_000


def test_idle_stretches_play_faster_on_request() -> None:
    skip = SkipInactivity(mode="speed", speed=24, threshold=10)
    timeline = build_timeline(request(skip_inactivity=skip), 70_000, [(10_000.0, 60_000.0)], HOURS)
    assert timeline.frames == (11 + 2 + 11) * 25 + 1


def test_a_start_after_the_end_says_how_long_the_recording_is() -> None:
    with pytest.raises(NothingToRender, match=r"start is 90 s, but the recording is 81.08 s long"):
        build_timeline(request(start=90), 81_080, [], HOURS)


def test_an_end_before_the_window_opens_says_when_that_is() -> None:
    with pytest.raises(NothingToRender, match=r"end is 3 s, but there is nothing to show before 5.2 s: choose a later"):
        build_timeline(request(end=3), 9000, [], HOURS, begin_ms=5200)


def test_a_video_over_the_limit_is_refused_with_the_ways_out() -> None:
    with pytest.raises(RecordingTooLarge, match="limit is 8 h: choose a range, a higher speed or skip_inactivity"):
        build_timeline(request(), 9 * 3600 * 1000, [], HOURS)


idle_stretches = st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 3e4)), max_size=5).map(
    lambda pairs: [(a, a + b) for a, b in sorted(pairs)]
)


@given(
    duration=st.floats(1, 120_000),
    fps=st.sampled_from([1, 10, 12.5, 24, 25, 29.97, 30, 50, 60]),
    speed=st.floats(0.1, 20),
    idle=idle_stretches,
    mode=st.sampled_from([None, "cut", "speed"]),
)
def test_time_only_moves_forward_and_stays_inside(
    duration: float, fps: float, speed: float, idle: list[tuple[float, float]], mode: str | None
) -> None:
    skip = {"threshold": 1, "mode": mode} if mode else None
    timeline = build_timeline(request(fps=fps, speed=speed, skip_inactivity=skip), duration, idle, math.inf)
    sample = range(0, timeline.frames, max(1, timeline.frames // 500))
    times = [timeline.recording_ms(frame) for frame in sample] + [timeline.recording_ms(timeline.frames - 1)]
    assert all(0 <= at <= duration for at in times), "a frame shows a time outside of the recording"
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(times)), "time runs backwards"
    assert times[-1] == duration, "the end is cut off"


@given(
    start=st.floats(0, 50),
    length=st.floats(0.01, 50),
    fps=st.sampled_from([10, 25, 29.97, 60]),
    speed=st.floats(0.2, 9),
)
def test_the_duration_is_within_a_frame_of_what_was_asked(
    start: float, length: float, fps: float, speed: float
) -> None:
    timeline = build_timeline(request(start=start, end=start + length, fps=fps, speed=speed), 200_000, [], HOURS)
    assert abs(timeline.frames / timeline.fps - length / speed) <= 1 / fps + 1e-6
