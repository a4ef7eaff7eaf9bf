"""What the page could not apply is told, the first of it by its place."""

from __future__ import annotations

import pytest

from tests.snapshots import Page
from video_export_worker.errors import RecordingInvalid
from video_export_worker.rendering.faults import MAX_REPORTED, MORE, report
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.page_state import Fault


def test_of_many_faults_the_first_are_listed_and_the_others_are_mentioned() -> None:
    page = Page()
    index = page.recording_of(100).index
    counts = RenderCounts()
    faults = [Fault(2, f"reason {number}") for number in range(MAX_REPORTED)]
    report(faults, MAX_REPORTED, index, counts, strict=False)
    assert len(counts.warnings) == MAX_REPORTED
    assert counts.warnings[0].startswith("not applied: "), counts.warnings[0]
    assert faults == []
    for left_out in (MAX_REPORTED + 1, MAX_REPORTED + 500):  # a page tells no more than the first
        report([], left_out, index, counts, strict=False)
    assert counts.warnings[MAX_REPORTED:] == [MORE]


def test_strict_refuses_the_first_fault() -> None:
    page = Page()
    index = page.recording_of(100).index
    with pytest.raises(RecordingInvalid, match="some reason; repair the recording"):
        report([Fault(2, "some reason")], 1, index, RenderCounts(), strict=True)


def test_half_a_character_in_a_reason_can_be_told() -> None:
    page = Page()
    index = page.recording_of(100).index
    counts = RenderCounts()
    report([Fault(2, "half: \ud83d"), Fault(-1, "\ude00")], 2, index, counts, strict=False)
    assert [warning[-1] for warning in counts.warnings] == ["\N{REPLACEMENT CHARACTER}"] * 2
