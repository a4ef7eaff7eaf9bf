from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_export_operator.reconcile.schedule import Budget, Schedule, spread
from video_export_operator.resource import Key

A, B = Key("media", "a"), Key("media", "b")


def test_the_earliest_time_of_a_resource_counts() -> None:
    schedule = Schedule()
    schedule.set(A, 10.0)
    schedule.set(B, 7.0)
    schedule.set(A, 5.0)
    schedule.set(A, 8.0)
    assert schedule.pop(4.9) is None
    assert schedule.pop(6.0) == (A, 5.0)
    assert schedule.pop(6.0) is None
    assert schedule.next_due == 7.0
    schedule.remove(B)
    assert schedule.next_due is None


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.floats(0, 100))))
def test_resources_come_in_the_order_of_their_times(times: list[tuple[Key, float]]) -> None:
    schedule = Schedule()
    for key, due in times:
        schedule.set(key, due)
    popped = []
    while (found := schedule.pop(100.0)) is not None:
        popped.append(found)
    earliest = {key: min(due for other, due in times if other == key) for key, _ in times}
    assert dict(popped) == earliest
    assert [due for _, due in popped] == sorted(earliest.values())


def test_a_budget_that_binds_widens_all_intervals_evenly() -> None:
    budget = Budget(100.0)
    for number in range(50):
        budget.want(Key("media", str(number)), 1.0)
    assert budget.stretch == 1.0
    for number in range(200):
        budget.want(Key("media", str(number)), 1.0)
    assert budget.stretch == 2.0
    for number in range(200):
        budget.want(Key("media", str(number)), 0.0)
    assert budget.stretch == 1.0


@given(st.floats(0, 1, exclude_max=True))
def test_first_intervals_are_spread_over_the_second_half(random: float) -> None:
    # Just below 1 the product rounds up to the interval itself.
    assert 5.0 <= spread(10.0, lambda: random) <= 10.0
