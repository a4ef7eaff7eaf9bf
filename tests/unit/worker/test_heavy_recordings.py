"""Recordings that end their processes are remembered for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.snapshots import Page
from video_export_worker.activities.heavy import HeavyRecordings, Place, advise
from video_export_worker.contract import parse_request
from video_export_worker.errors import RecordingTooHeavy
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import RecordingLimits
from video_export_worker.storage import Storage

PLACE = Place("digest", "planning")


class _Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def recordings(tmp_path: Path, clock: _Clock) -> HeavyRecordings:
    return HeavyRecordings(Storage(f"file://{tmp_path}"), f"file://{tmp_path}", clock)


async def test_the_second_time_is_one_too_many(recordings: HeavyRecordings) -> None:
    await recordings.refuse(PLACE)
    await recordings.remember(PLACE, "913 MiB of 900 MiB")
    await recordings.refuse(PLACE)
    with pytest.raises(
        RecordingTooHeavy, match=r"planning: SIGSEGV; before that 913 MiB .* until 2026-01-02 00:00 UTC"
    ):
        await recordings.remember(PLACE, "SIGSEGV")
    with pytest.raises(RecordingTooHeavy, match="planning: SIGSEGV; before that 913 MiB of 900 MiB"):
        await recordings.refuse(PLACE)


@pytest.mark.parametrize(
    "other", [Place("another", "planning"), Place("digest", "assembly"), Place("digest", "planning", "another look")]
)
async def test_other_recordings_and_places_are_not_meant(recordings: HeavyRecordings, other: Place) -> None:
    await recordings.remember(PLACE, "once")
    await recordings.remember(other, "once")
    await recordings.refuse(other)


async def test_after_a_day_it_is_tried_again(recordings: HeavyRecordings, clock: _Clock) -> None:
    await recordings.remember(PLACE, "once")
    clock.now += timedelta(hours=23)
    with pytest.raises(RecordingTooHeavy):
        await recordings.remember(PLACE, "twice")
    clock.now += timedelta(hours=2)
    await recordings.refuse(PLACE)  # the first one is older than a day
    clock.now += timedelta(hours=23)
    await recordings.refuse(PLACE)


def _break_all(folder: Path) -> None:
    (file,) = folder.rglob("*.json")
    file.write_text("{")


async def test_a_record_that_cannot_be_read_refuses_nobody(recordings: HeavyRecordings, tmp_path: Path) -> None:
    await recordings.remember(PLACE, "once")
    _break_all(tmp_path)
    await recordings.refuse(PLACE)


async def test_what_to_do_about_a_large_page_is_told_with_numbers(recordings: HeavyRecordings) -> None:
    page = Page()
    rows = [page.element("p", "text") for _ in range(30_000)]
    page.show(page.document(rows)).end(500)
    plan = build_plan(page.recording().index, parse_request({"recording": "s3://a/b"}), RecordingLimits())
    place = Place("a", "rendering of frames 0 to 12", advice=advise(plan))
    await recordings.remember(place, "it took more memory than it may (700 MiB of 682 MiB)")
    with pytest.raises(
        RecordingTooHeavy,
        match=r"its page has 60,\d\d\d nodes, for which a worker should have 1\.0 GiB: give the workers more",
    ):
        await recordings.remember(place, "it took more memory than it may (700 MiB of 682 MiB)")
