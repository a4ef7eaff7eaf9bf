"""A replay does not begin at a checkout that forgets what a frame holds."""

from __future__ import annotations

import pytest

from tests.snapshots import Page
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.recording.chunks import SMALLEST_CHUNK


def session(*, again_at: int | None = None, loads: bool = False, without_frame: bool = False) -> Page:
    """A page with a frame, and a checkout of it at 10 s."""
    page = Page()
    frame = page.element("iframe")
    padding = page.element("p", "x" * SMALLEST_CHUNK)
    document = page.document([frame, padding])
    page.show(document)
    inner = page.document([page.element("p", "inner")])
    page.attach(40, frame, inner)
    if loads:
        page.add(9990, 0, {})
    page.show(page.document([padding]) if without_frame else document, at=10_000)
    if again_at is not None:
        page.attach(again_at, frame, inner)
    return page.end(20_000)


@pytest.mark.parametrize(
    ("page", "begins", "frames"),
    [
        (session(), 0, 1),
        (session(again_at=10_050), 10_000, 0),
        (session(again_at=18_000), 0, 1),
        (session(without_frame=True), 10_000, 0),
        (session(loads=True), 10_000, 0),
    ],
    ids=["forgotten", "filled again", "filled again too late", "gone", "another page"],
)
def test_where_a_replay_after_a_checkout_begins(page: Page, begins: int, frames: int) -> None:
    beginning = choose_beginning(page.recording().index, 15_000)
    assert beginning.at_ms == begins
    assert len(beginning.contexts[-1].frames) == frames


def test_a_frame_whose_number_no_browser_can_tell_from_others_is_none() -> None:
    page = Page()
    frame = {**page.element("iframe"), "id": 10**30}
    page.show(page.document([frame])).attach(40, frame, page.document([page.element("p", "inner")]))
    index = page.show(page.document([frame]), at=10_000).end(20_000).recording().index
    assert len(index.forgotten_frame) == 0
