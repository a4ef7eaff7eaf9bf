"""A run of frames ends when its time is up, and always renders some."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.rendering.allotments import Allotment, TimeBudget


class Machine:
    """A machine that takes so many seconds before the first frame, and for each frame."""

    def __init__(self, before: float, frame: float) -> None:
        self._before, self._frame = before, frame
        self.now = 100.0

    def render(self, frames: range, budget: TimeBudget | None) -> tuple[range, float]:
        """Render; the frames that were rendered, and the seconds that it took."""
        began = self.now
        allotment = Allotment(frames, budget, clock=lambda: self.now)
        self.now += self._before
        for frame in frames:
            if not allotment.admits(frame):
                break
            self.now += self._frame
        return allotment.rendered, self.now - began


def test_without_a_budget_there_is_no_end() -> None:
    assert Machine(before=5, frame=100).render(range(10, 500), None)[0] == range(10, 500)


def test_it_ends_when_its_time_is_up() -> None:
    rendered, seconds = Machine(before=1, frame=1).render(range(10, 500), TimeBudget(60))
    assert rendered == range(10, 10 + 59)
    assert seconds == 60


def test_its_frames_take_at_least_as_long_as_what_came_before_them() -> None:
    rendered, seconds = Machine(before=50, frame=1).render(range(500), TimeBudget(60))
    assert (rendered, seconds) == (range(50), 100)


def test_what_is_done_sooner_than_begun_anew_is_finished() -> None:
    rendered, _ = Machine(before=10, frame=1).render(range(55), TimeBudget(60))
    assert rendered == range(55), "five seconds are left, beginning anew takes ten"


def test_a_slow_end_is_left_after_all() -> None:
    allotment = Allotment(range(1000), TimeBudget(10), clock=iter([0.0, 4.0, 9.0, 12.0, 13.0, 400.0]).__next__)
    assert [allotment.admits(frame) for frame in (0, 500, 990, 995, 996)] == [True, True, True, True, False]
    assert allotment.rest == range(996, 1000)


@given(st.floats(0, 100), st.floats(0.001, 10), st.integers(1, 300), st.floats(0, 100))
def test_however_little_time_there_is_a_video_is_rendered_in_few_runs(
    before: float, frame: float, count: int, seconds: float
) -> None:
    left, runs, spent = range(count), 0, 0.0
    while left:
        rendered, took = Machine(before, frame).render(left, TimeBudget(seconds))
        assert len(rendered) >= 1
        assert took <= max(seconds, 2 * before) + before + frame + 1e-6
        left, runs, spent = range(rendered.stop, count), runs + 1, spent + took
    assert runs <= 1 + count * frame / max(before, frame) + 1e-6, "each renders for as long as it has taken to begin"
    assert spent <= 2 * count * frame + before + frame + 1e-6


@pytest.mark.parametrize("stop", [3, 4])
def test_a_run_that_begins_again_keeps_its_time(stop: int) -> None:
    times = iter([0.0, 1.0, 2.0, 30.0])
    allotment = Allotment(range(10), TimeBudget(20), clock=times.__next__)
    assert allotment.admits(0)
    assert allotment.admits(1)
    assert not allotment.admits(stop), "its browser was lost, and its time is up"
    assert (allotment.rendered, allotment.rest) == (range(stop), range(stop, 10))
