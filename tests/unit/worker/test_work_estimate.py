"""Videos are cut into pieces that take about the same time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.snapshots import Page
from video_export_worker.contract import VideoExportRequest
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.planning.work_estimate import (
    RENDER,
    REPEAT,
    REPLAY,
    FrameWork,
    WorkEstimate,
    estimate_work,
)


def lay_work(busy: list[bool], snapshots: tuple[int, ...] = ()) -> WorkEstimate:
    """Work of frames with events and without; a replay may begin at each frame of `snapshots`."""
    begins = [max([0, *(at for at in snapshots if at <= frame)]) for frame in range(len(busy))]
    render = np.where(busy, RENDER, REPEAT)
    return WorkEstimate(FrameWork(render, np.where(busy, REPLAY, 0.0), np.array(begins)))


def estimate(page: Page) -> WorkEstimate:
    recording = page.recording()
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    return estimate_work(recording.index, build_timeline(request, recording.duration_ms, [], 1e9))


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 6), st.data())
def test_pieces_cover_every_frame_once_and_in_order(busy: list[bool], pieces: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(busy) - 1))
    frames = range(first, data.draw(st.integers(first + 1, len(busy))))
    cut = lay_work(busy).cut(frames, pieces)
    assert 1 <= len(cut) <= pieces
    assert [frame for piece in cut for frame in piece] == list(frames)
    assert all(cut)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 6))
def test_the_longest_piece_is_never_longer_than_the_whole(busy: list[bool], pieces: int) -> None:
    work = lay_work(busy)
    frames = range(len(busy))
    assert max(map(work.of, work.cut(frames, pieces))) <= work.of(frames) + 1e-9


def test_work_is_shared_out_evenly_with_what_the_later_piece_has_to_replay() -> None:
    work = lay_work([True] * 1000)
    first, second = work.cut(range(1000), 2)
    assert len(first) > len(second)
    assert abs(work.of(first) - work.of(second)) <= 2 * RENDER


def test_idle_time_weighs_little() -> None:
    first, second = lay_work([True] * 100 + [False] * 1000).cut(range(1100), 2)
    assert len(first) < 100 < len(second)


def test_a_later_piece_replays_from_the_last_snapshot_only() -> None:
    near, far = lay_work([True] * 1000, snapshots=(500,)), lay_work([True] * 1000)
    later = range(600, 1000)
    assert near.of(later) < far.of(later)
    pieces = near.cut(range(1000), 2)
    assert sum(map(near.of, pieces)) < 1.15 * near.of(range(1000))


def test_a_page_that_moves_by_itself_is_work_all_the_time() -> None:
    still, moving = Page(), Page()
    still.show(still.document([still.element("p", "x")])).end(10_000)
    css = "@keyframes turn{to{rotate:1turn}} p{animation:turn 1s infinite}"
    moving.show(moving.document([moving.element("p", "x")], css)).end(10_000)
    frames = range(250)
    assert estimate(moving).of(frames) > 20 * estimate(still).of(frames)


def test_what_moves_is_gone_with_its_page() -> None:
    page = Page()
    css = "@keyframes turn{to{rotate:1turn}} p{animation:turn 1s infinite}"
    page.show(page.document([page.element("p", "x")], css))
    page.show(page.document([page.element("p", "y")]), 1000).end(10_000)
    assert estimate(page).of(range(250)) < 0.5
