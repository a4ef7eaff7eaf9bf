"""Which size of a page decides the size of its video."""

from __future__ import annotations

from typing import Any

import pytest

from tests.snapshots import Page
from video_export_worker.contract import parse_request
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import Recording, RecordingLimits


def resized(*sizes: tuple[int, int, int]) -> Recording:
    """A page that has these sizes (milliseconds, width, height), for 10 s."""
    (_, width, height), *later = sizes
    page = Page(width, height)
    page.show(page.document([]))
    for at, wide, high in later:
        page.add(at, 3, {"source": 4, "width": wide, "height": high})
    return page.end(10_000).recording()


def plan(recording: Recording, **fields: Any) -> tuple[tuple[int, int] | None, tuple[int, int]]:
    request = parse_request({"recording": "s3://a/b", **fields})
    made = build_plan(recording.index, request, RecordingLimits())
    return made.page, (made.width, made.height)


GROWING = resized((0, 360, 240), (400, 1600, 900), (7000, 1920, 1000))


@pytest.mark.parametrize(
    ("fields", "page", "size"),
    [
        ({}, (1600, 900), (1280, 720)),
        ({"viewport": "largest"}, (1920, 1000), (1280, 666)),
        ({"end": 0.3}, (360, 240), (360, 240)),
        ({"end": 0.3, "viewport": "largest"}, (360, 240), (360, 240)),
        ({"start": 8}, (1920, 1000), (1280, 666)),
        ({"viewport": "largest", "width": 960}, (1920, 1000), (960, 500)),
    ],
)
def test_the_size_that_is_seen_longest_or_the_largest_decides(
    fields: dict[str, Any], page: tuple[int, int], size: tuple[int, int]
) -> None:
    assert plan(GROWING, **fields) == (page, size)


def test_what_is_cut_out_is_not_seen() -> None:
    recording = resized((0, 800, 600), (3000, 400, 300), (9500, 800, 600))
    assert plan(recording)[0] == (400, 300)
    assert plan(recording, skip_inactivity={"threshold": 5})[0] == (800, 600)


def test_sizes_of_hidden_windows_and_of_frames_count_for_nothing() -> None:
    page = Page(640, 400)
    page.show(page.document([])).add(1000, 3, {"source": 4, "width": 0, "height": 0})
    page.add(1500, 3, {"source": 4, "width": 1, "height": 1})
    page.add(2000, 4, {"href": "https://elsewhere.test/", "width": 300, "height": 120})
    recording = page.move(2500, 5, 5, {"id": 1}).end(10_000).recording()
    assert recording.viewports == [(0, 640, 400)]
    assert [event["type"] for event in recording.events] == [4, 2, 3, 3, 3, 5], (
        "a Meta event without a snapshot is gone"
    )
