"""Memory and processors decide how many browsers work and how many attempts run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.capacity.limits import (
    MIB,
    WAITING_BYTES,
    Capacity,
    choose_browsers,
    expect_segment,
    grant,
    memory_for,
)

POD = Capacity(memory=2048 * MIB, cpus=16, slots=2)  # the default of the operator, on a large node
capacities = st.builds(
    Capacity, memory=st.integers(256 * MIB, 64 * 1024 * MIB), cpus=st.floats(0.1, 64), slots=st.integers(1, 16)
)
sides = st.tuples(st.integers(16, 3840), st.integers(16, 2160))


def test_the_default_pod_runs_two_usual_segments_at_once() -> None:
    usual = grant(POD, expect_segment(1280, 720, 1))
    assert 2 * usual + 2 * WAITING_BYTES <= POD.room
    assert choose_browsers(POD, 1280, 720) == 2, "by its processors they would be four"


def test_a_segment_of_the_largest_size_runs_alone() -> None:
    large = grant(POD, expect_segment(3840, 2160, 1))
    assert large + grant(POD, expect_segment(1280, 720, 1)) > POD.room
    assert choose_browsers(POD, 3840, 2160) == 1


def test_a_page_of_very_many_elements_has_the_whole_default_pod() -> None:
    """150,000 elements with their texts took 1,041 MiB."""
    granted = grant(POD, expect_segment(1280, 720, 1, nodes=216_666))
    assert granted == POD.room > 1.5 * 1041 * MIB
    assert choose_browsers(POD, 1280, 720, nodes=216_666) == 1
    told = memory_for(expect_segment(1280, 720, 1, nodes=216_666))
    assert Capacity(told, 2, 1).room == pytest.approx(expect_segment(1280, 720, 1, nodes=216_666) * 1.6, rel=1e-6)


@pytest.mark.parametrize(
    ("cpus", "slots", "browsers"), [(2, 2, 1), (2, 1, 1), (4, 1, 2), (8, 2, 2), (0.5, 2, 1), (16, 1, 4)]
)
def test_where_there_is_memory_processors_decide(cpus: float, slots: int, browsers: int) -> None:
    assert choose_browsers(Capacity(32 * 1024 * MIB, cpus, slots), 1280, 720) == browsers


@given(capacities, sides, st.integers(1, 4))
def test_an_attempt_is_never_granted_more_than_there_is(
    capacity: Capacity, size: tuple[int, int], browsers: int
) -> None:
    granted = grant(capacity, expect_segment(*size, browsers))
    assert min(capacity.share, capacity.room) <= granted <= capacity.room


@given(capacities, sides)
def test_browsers_fit_into_their_slots_share(capacity: Capacity, size: tuple[int, int]) -> None:
    browsers = choose_browsers(capacity, *size)
    assert 1 <= browsers <= 4
    assert browsers == 1 or expect_segment(*size, browsers) <= capacity.share


@given(capacities, st.integers(1, 8))
def test_more_memory_never_means_fewer_browsers(capacity: Capacity, factor: int) -> None:
    more = Capacity(capacity.memory * factor, capacity.cpus, capacity.slots)
    assert choose_browsers(more, 1280, 720) >= choose_browsers(capacity, 1280, 720)
