"""The workflow of the longest exports, and of those that meet an update, against a real Temporal server.

The activities only answer: rendering a thousand segments takes an hour.
"""

from __future__ import annotations

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from tests.integration.worker.answers import FRAMES, Answers
from video_export_worker.activities.attempt import as_application_error
from video_export_worker.contract import (
    DISCARD_PARTS,
    PLAN_EXPORT,
    PROGRESS_QUERY,
    Progress,
    Segment,
    SegmentInput,
)
from video_export_worker.errors import RendererDiffers
from video_export_worker.workflows import MOST_PLANS, WINDOW, VideoExportWorkflow

MIB = 2**20


async def test_a_thousand_segments_parts_and_five_thousand_cuts(temporal_client: Client) -> None:
    answers = Answers(segments=1000, cuts=5000)
    parts = [
        f"s3://recordings/team-1/session-0192837465/blob-{part:06}.jsonl.gz".ljust(90, "x") for part in range(1000)
    ]
    async with answers.export(temporal_client, recording=parts) as export:
        result = await export.result()
        history = await export.fetch_history()
    assert len(result.time_map) == 5000
    assert answers.joined == [(at * FRAMES, FRAMES) for at in range(1000)]
    assert answers.most_running <= WINDOW
    assert _longest_history(history, 1000) < MIB
    # In debug mode: a machine that does much else takes longer over it than the two seconds that a worker allows.
    replayer = Replayer(workflows=[VideoExportWorkflow], data_converter=pydantic_data_converter, debug_mode=True)
    assert (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure is None


def _longest_history(history: WorkflowHistory, segments: int) -> int:
    """Bytes of the history without what the client sends and gets, if each segment were a workflow task of its own."""
    sizes: dict[str, list[int]] = {}
    for event in history.events:
        sizes.setdefault(str(event.WhichOneof("attributes")), []).append(event.ByteSize())
    of_activities = sum(
        size for name, found in sizes.items() if "activity" in name for size in sorted(found)[:segments]
    )
    of_tasks = sum(max(found) for name, found in sizes.items() if "workflow_task" in name)
    return of_activities + segments * of_tasks


async def test_the_rest_of_a_segment_becomes_a_segment(temporal_client: Client) -> None:
    answers = Answers(segments=3, render=lambda given: min(given.segment.count, 400))
    async with answers.export(temporal_client) as export:
        await export.result()
    assert answers.joined == [
        (first + at, count) for first in (0, 900, 1800) for at, count in ((0, 400), (400, 400), (800, 100))
    ]


async def test_a_rest_in_pieces_is_rendered_side_by_side(temporal_client: Client) -> None:
    """Two browsers have come to 100 and to 600 of 900 frames; what is between, and what follows, is cut in three."""

    def rest(given: SegmentInput) -> list[Segment]:
        pieces = ((100, 200), (300, 150), (600, 300))
        return [Segment(first=first, count=count) for first, count in pieces] if given.segment.count == FRAMES else []

    def render(given: SegmentInput) -> int:
        return 100 if given.segment.count == FRAMES else given.segment.count

    answers = Answers(segments=1, render=render, rest=rest, together=3)
    async with answers.export(temporal_client) as export:
        await export.result()
        progress: Progress = await export.query(PROGRESS_QUERY, result_type=Progress)
    assert answers.joined == [(0, 100), (100, 200), (300, 150), (450, 150), (600, 300)]
    assert answers.most_running == 3
    assert (progress.frames, progress.frames_done) == (FRAMES, FRAMES)


def _refuse(given: SegmentInput) -> int:
    raise as_application_error(RendererDiffers("planned by another one"), try_again=False) from None


async def test_an_export_whose_renderer_is_gone_is_planned_anew(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_export_worker.activities.attempt.RETRY_DELAYS", {})

    def render(given: SegmentInput) -> int:
        return given.segment.count if given.plan.digest.endswith("2") else _refuse(given)

    answers = Answers(segments=2, render=render)
    async with answers.export(temporal_client) as export:
        await export.result()
    assert answers.calls.count(PLAN_EXPORT) == 2
    assert answers.joined == [(0, FRAMES), (FRAMES, FRAMES)], "only parts of the second plan"


async def test_plans_are_not_made_for_ever(temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("video_export_worker.activities.attempt.RETRY_DELAYS", {})
    answers = Answers(segments=1, render=_refuse)
    async with answers.export(temporal_client) as export:
        with pytest.raises(WorkflowFailureError) as failure:
            await export.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "RendererDiffers"
    assert answers.calls.count(PLAN_EXPORT) == MOST_PLANS
    assert answers.calls[-1] == DISCARD_PARTS
