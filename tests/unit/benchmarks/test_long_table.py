"""The table of `make bench-long`."""

from __future__ import annotations

import pytest

from benchmarks.rendering.long import merge
from benchmarks.rendering.long_rows import MEASUREMENTS, Row, _schedule


def test_rows_that_are_measured_again_keep_their_place() -> None:
    known = [{"name": "a", "value": 1, "goal": 5, "unit": "s"}, {"name": "b", "value": 2, "goal": 5, "unit": "s"}]
    merged = merge(known, [Row("c", 3, 5, "s"), Row("a", 4, 5, "s")])
    assert [(row["name"], row["value"]) for row in merged] == [("a", 4), ("b", 2), ("c", 3)]


@pytest.mark.parametrize(("count", "seconds"), [(1, 18.0), (2, 11.0), (3, 9.0)])
def test_workers_take_the_next_segment_when_they_are_free(count: int, seconds: float) -> None:
    assert _schedule([3, 3, 2, 4, 6], count) == seconds


def test_there_is_a_measurement_for_each_row_of_the_table() -> None:
    assert list(MEASUREMENTS) == ["late", "clip", "segments", "workers", "plan", "pod", "memory", "start", "methods"]
