"""Videos are cut into pieces that take about the same time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.snapshots import Page
from video_export_worker.contract import VideoExportRequest
from video_export_worker.planning.frame_work import REPEAT, REPLAY, SHOW, STEP, FrameWork
from video_export_worker.planning.segments import MOST_WORK, SEGMENT_WORK, cut_rest, cut_segments
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.planning.work_estimate import WorkEstimate, estimate_work

RENDER = STEP + SHOW


def lay_work(busy: list[bool], snapshots: tuple[int, ...] = (), replay: float = REPLAY) -> WorkEstimate:
    """Work of frames with events and without; a replay may begin at each frame of `snapshots`."""
    begins = np.array([max([0, *(at for at in snapshots if at <= frame)]) for frame in range(len(busy))])
    replayed = np.concatenate([[0.0], np.cumsum(np.where(busy, replay, 0.0))])
    frames = np.arange(len(busy))
    return WorkEstimate(FrameWork(np.where(busy, RENDER, REPEAT), replayed[frames] - replayed[begins]))


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
    assert estimate(page).of_frames(range(30, 250)) < 0.1 < estimate(page).of_frames(range(1, 25))


def test_segments_take_about_the_same_time() -> None:
    work = lay_work([True] * 10_000)
    cut = cut_segments(work, range(10_000))
    assert [frame for piece in cut for frame in piece] == list(range(10_000))
    assert max(map(work.of, cut)) <= 1.3 * SEGMENT_WORK
    assert len(cut) >= work.of(range(10_000)) / SEGMENT_WORK


def test_where_replaying_is_dear_there_are_few_segments() -> None:
    dear = lay_work([True] * 20_000, replay=RENDER / 8)
    cut = cut_segments(dear, range(20_000))
    assert 1 < len(cut) < len(cut_segments(lay_work([True] * 20_000), range(20_000)))
    assert sum(map(dear.of, cut)) <= MOST_WORK * dear.of(range(20_000))


def test_a_rest_is_cut_by_the_pace_that_was_seen() -> None:
    work = lay_work([True] * 3000)
    rendered, rest = range(1000), range(1000, 3000)
    assert cut_rest(work, rendered, work.of_frames(rendered), range(1000, 1000)) == []
    quick = cut_rest(work, rendered, work.of_frames(rendered), rest)
    slow = cut_rest(work, rendered, 10 * work.of_frames(rendered), rest)
    assert len(quick) < len(slow)
    assert [frame for piece in slow for frame in piece] == list(rest)


TURN = "@keyframes turn{to{rotate:1turn}} .a{animation:turn 1s infinite}"


def test_an_animation_that_no_element_has_is_no_work() -> None:
    used, unused = Page(), Page()
    used.show(used.document([used.element("p", "x", class_="a b")], TURN)).end(10_000)
    unused.show(unused.document([unused.element("p", "x", class_="b")], TURN)).end(10_000)
    assert estimate(used).of(range(250)) > 50 * estimate(unused).of(range(250))


def test_an_animation_is_work_from_its_beginning_to_its_end() -> None:
    page = Page()
    box, inner = page.element("div"), page.element("p", "x", class_="a")
    page.show(page.document([box], TURN)).append(2000, box, inner).remove(4000, box, inner).end(10_000)
    work = estimate(page)
    assert work.of_frames(range(60, 95)) > 0.9
    assert work.of_frames(range(1, 45)) < 0.1
    assert work.of_frames(range(110, 250)) < 0.1


def test_an_animation_ends_with_what_is_around_it() -> None:
    page = Page()
    inner = page.element("p", "x", style="animation: turn 1s infinite")
    outer = page.element("div", page.element("div", inner))
    body = page.element("section", outer)
    page.show(page.document([body], "@keyframes turn{}")).remove(4000, body, outer).end(10_000)
    assert estimate(page).of_frames(range(110, 250)) < 0.1 < estimate(page).of_frames(range(1, 90))


def test_the_pointer_is_work_without_any_change_of_the_page() -> None:
    still, moving = Page(), Page()
    for page in (still, moving):
        box = page.element("p", "x")
        page.show(page.document([box]))
    for step in range(20):
        moving.move(500 * step, step, step, box)
    assert estimate(moving.end(10_000)).of(range(250)) > 20 * estimate(still.end(10_000)).of(range(250))
