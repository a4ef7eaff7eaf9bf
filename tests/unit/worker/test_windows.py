"""Which window is shown when, and what is no window."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.snapshots import Page
from video_export_worker.contract import ExportPlan, Segment, parse_request
from video_export_worker.errors import InvalidRequest, RecordingTooLarge
from video_export_worker.pipeline import choose_chunks
from video_export_worker.planning.export_plan import MAX_TURNS, build_plan
from video_export_worker.recording import (
    INDEX_NAME,
    ChunkFolder,
    Recording,
    RecordingLimits,
    open_recording,
    parse_recording,
    save_index,
)


def window(begin: int, *moves: int, end: int, size: tuple[int, int] = (640, 400), href: str = "http://a.test/") -> Page:
    """A window in which the user moves the mouse at these milliseconds."""
    page = Page(*size)
    box = page.element("div")
    page.show(page.document([box]), begin)
    page.events[0]["data"]["href"] = href
    for at in moves:
        page.move(at, 5, 5, box)
    return page.end(end)


def session(**windows: Page) -> bytes:
    lines = [json.dumps([name, event]) for name, page in windows.items() for event in page.events]
    return "\n".join(lines).encode()


TABS = session(
    first=window(0, 1000, 2000, 9000, end=10_000), second=window(4000, 5000, 6000, end=8000), blind=Page().end(70)
)


def plan(recording: Recording, **fields: Any) -> ExportPlan:
    request = parse_request({"recording": "s3://a/b", "fps": 10, **fields})
    return build_plan(recording.index, request, RecordingLimits())


def shown(made: ExportPlan) -> list[tuple[float, float, str | None]]:
    return [(round(span.video, 6), round(span.recording, 6), span.window) for span in made.time_map]


def test_the_user_is_followed() -> None:
    made = plan(parse_recording([TABS]))
    assert shown(made) == [(0, 0, "first"), (5, 5, "second"), (9, 9, "first")]
    assert made.frames == 101


def test_idle_stretches_are_those_of_all_windows() -> None:
    made = plan(parse_recording([TABS]), skip_inactivity={"threshold": 2})
    assert shown(made) == [
        (0, 0, "first"),
        (3, 4, "first"),
        (4, 5, "second"),
        (6, 8, "second"),
        (7, 9, "first"),
    ]


def test_a_window_by_its_name_begins_when_it_does() -> None:
    made = plan(parse_recording([TABS]), windows="second")
    assert shown(made) == [(0, 4, "second")]
    assert made.frames == 41
    with pytest.raises(
        InvalidRequest,
        match="no window 'third' that can be shown: it has 'first', 'second'",
    ):
        plan(parse_recording([TABS]), windows="third")


def test_each_window_has_a_video_on_the_same_clock() -> None:
    made = plan(parse_recording([TABS]), windows="each")
    assert [(video.name, video.width, video.height) for video in made.videos] == [
        ("first", 640, 400),
        ("second", 640, 400),
    ]
    assert sum(segment.count for segment in made.segments) == 2 * made.frames == 202
    assert shown(made) == [(0, 0, None)]
    assert shown(made.of_video(1)) == [(0, 0, "second")]
    assert made.split_frames(Segment(first=150, count=3)) == (1, Segment(first=49, count=3))
    limits = RecordingLimits(video_seconds=15)
    with pytest.raises(RecordingTooLarge, match="2 windows make videos of"):
        build_plan(parse_recording([TABS]).index, parse_request({"recording": "s3://a/b", "windows": "each"}), limits)


def test_a_window_in_which_the_user_did_nothing_is_not_shown() -> None:
    made = plan(parse_recording([session(first=window(0, 1000, end=10_000), early=window(4000, end=8000))]))
    assert shown(made) == [(0, 0, "first")]


def test_a_frame_of_a_window_is_no_window() -> None:
    outer = Page(640, 400)
    frame = outer.element("iframe", src="http://ads.test/frame")
    outer.show(outer.document([frame])).move(1000, 5, 5, frame).end(10_000)
    inner = window(500, 3000, 4000, end=9000, size=(300, 120), href="http://ads.test/frame")
    popup = window(500, 6000, end=9000, size=(300, 120), href="http://other.test/")
    recording = parse_recording([session(outer=outer, inner=inner, popup=popup)])
    assert [index.name for index in recording.index.session] == ["outer", "popup"]
    assert recording.warnings == ["inner is a frame of the window outer: its 5 events are not shown"]
    assert shown(plan(recording)) == [(0, 0, "outer"), (6, 6, "popup")]


def test_a_user_who_changes_windows_without_end_is_not_followed() -> None:
    """The result lists each change, and Temporal takes 2 MiB."""
    turns = range(1000, 1000 + 2 * MAX_TURNS)
    recording = parse_recording([session(a=window(0, *turns[::2], end=20_000), b=window(0, *turns[1::2], end=20_000))])
    with pytest.raises(RecordingTooLarge, match=r"changes between windows 1\d,\d{3} times.* name one window"):
        plan(recording)
    assert len(plan(recording, windows="each").videos) == 2
    assert len(plan(recording, windows="a").time_map) == 1


def test_a_video_has_as_many_stretches_as_a_result_can_list() -> None:
    recording = parse_recording([session(a=window(0, *range(1000, 15_000 * 3100, 3100), end=15_000 * 3100))])
    skip = {"threshold": 1, "mode": "cut"}
    with pytest.raises(RecordingTooLarge, match=r"1\d,\d{3} stretches .*`threshold` of skip_inactivity"):
        plan(recording, speed=100, skip_inactivity=skip)
    assert len(plan(recording, speed=100, skip_inactivity=skip, end=5000 * 3.1).time_map) == 5000


def test_names_and_addresses_with_half_characters_can_be_told() -> None:
    pages = {
        "a\ud800": window(0, 1000, end=9000, href="http://a.test/\ud800"),
        "b": window(0, 2000, end=8000, size=(300, 120), href="http://a.test/\ud800"),
    }
    made = plan(parse_recording([session(**pages)]))
    assert [name for _, _, name in shown(made)] == ["a\N{REPLACEMENT CHARACTER}", "b"]
    made.model_dump_json().encode()


def test_the_artefact_holds_every_window_and_a_segment_reads_those_that_it_shows(tmp_path: Any) -> None:
    written = parse_recording([TABS], chunks=ChunkFolder(tmp_path))
    save_index(written.index, tmp_path / INDEX_NAME)
    read = open_recording(tmp_path)
    assert {number: each.events for number, each in read.session.items()} == {
        number: each.events for number, each in written.session.items()
    }
    made = plan(read)
    index = read.index

    def chunks_of(*names: str) -> list[int]:
        return sorted(each.first_chunk for each in index.session if each.name in names)

    assert choose_chunks(index, made, Segment(first=0, count=49)) == chunks_of("first")
    assert choose_chunks(index, made, Segment(first=51, count=30)) == chunks_of("second")
    assert choose_chunks(index, made, Segment(first=0, count=101)) == chunks_of("first", "second")
