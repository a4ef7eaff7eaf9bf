"""Videos are cut into pieces that take about the same time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.planning.work_estimate import RENDER, WorkEstimate


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 6), st.data())
def test_pieces_cover_every_frame_once_and_in_order(busy: list[bool], pieces: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(busy) - 1))
    frames = range(first, data.draw(st.integers(first + 1, len(busy))))
    cut = WorkEstimate(busy).cut(frames, pieces)
    assert 1 <= len(cut) <= pieces
    assert [frame for piece in cut for frame in piece] == list(frames)
    assert all(cut)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 6))
def test_the_longest_piece_is_never_longer_than_the_whole(busy: list[bool], pieces: int) -> None:
    work = WorkEstimate(busy)
    frames = range(len(busy))
    assert max(map(work.of, work.cut(frames, pieces))) <= work.of(frames) + 1e-9


def test_work_is_shared_out_evenly_with_what_the_later_piece_has_to_replay() -> None:
    work = WorkEstimate([True] * 1000)
    first, second = work.cut(range(1000), 2)
    assert len(first) > len(second)
    assert abs(work.of(first) - work.of(second)) <= 2 * RENDER


def test_idle_time_weighs_little() -> None:
    first, second = WorkEstimate([True] * 100 + [False] * 1000).cut(range(1100), 2)
    assert len(first) < 100 < len(second)
