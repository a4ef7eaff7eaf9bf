"""Which frames have to be stepped through."""

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.replay.steps import Step, StepPlanner

STILL = Step(at_ms=1000, had_event=False, damaged=False, animating=False)


def test_the_first_frame_is_always_stepped() -> None:
    assert StepPlanner([]).must_step(0, None)


def test_a_still_page_is_not_stepped() -> None:
    assert not StepPlanner([900, 1000, 1100]).must_step(1099, STILL)


def test_an_event_is_stepped_at_its_own_time() -> None:
    assert StepPlanner([900, 1000, 1100]).must_step(1100, STILL)


def test_what_may_settle_late_is_stepped_on() -> None:
    planner = StepPlanner([])
    assert planner.must_step(1040, Step(1000, had_event=True, damaged=False, animating=False))
    assert planner.must_step(1040, Step(1000, had_event=False, damaged=True, animating=False))
    assert planner.must_step(1040, Step(1000, had_event=False, damaged=False, animating=True))


@given(
    events=st.lists(st.integers(0, 5000)).map(sorted),
    frame_ms=st.integers(10, 200),
)
def test_no_event_is_ever_passed_over(events: list[int], frame_ms: int) -> None:
    planner = StepPlanner(events)
    previous: Step | None = None
    for at in range(0, 5001, frame_ms):
        if not planner.must_step(at, previous):
            assert not [e for e in events if previous and previous.at_ms < e <= at], f"an event before {at} ms is lost"
            continue
        before = -1.0 if previous is None else previous.at_ms
        previous = Step(at, planner.has_event(before, at), damaged=False, animating=False)
