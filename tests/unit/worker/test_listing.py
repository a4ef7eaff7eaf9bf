"""`video-export list`: what is asked of Temporal, and the table."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from video_export_worker.cli.listing import build_query, describe, format_table


def test_exports_alone_are_asked_for() -> None:
    assert build_query(None, None) == "WorkflowType = 'VideoExportWorkflow'"
    assert build_query("cancelled", "media's") == (
        "WorkflowType = 'VideoExportWorkflow' AND ExecutionStatus = 'Canceled' AND TaskQueue = 'media''s'"
    )


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [{"id": "a", "task_queue": "q"}, {"id": "a-longer-one", "task_queue": "q"}]
    assert format_table(rows).splitlines() == ["ID             TASK QUEUE", "a              q", "a-longer-one   q"]


def test_a_table_fits_into_the_terminal() -> None:
    row = {
        "id": "video-export-3f2a9c0d1e4b",
        "status": "completed",
        "started": "2026-11-27T20:00:00Z",
        "seconds": 12,
        "task_queue": "video-export-task-queue",
    }
    widths = {columns: max(map(len, format_table([row], columns).splitlines())) for columns in (120, 80, 40, 20)}
    assert widths[120] > 80, "all of it"
    assert widths[80] <= 80
    assert widths[40] <= 40
    assert format_table([row], 20).split() == ["ID", "STATUS", row["id"], "completed"], "these are always there"
    assert format_table([row]) == format_table([row], 120), "a program gets all of it"


def test_seconds_are_a_number() -> None:
    began, ended = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC), datetime(2026, 1, 1, 12, 0, 7, 600_000, tzinfo=UTC)
    status = WorkflowExecutionStatus.TIMED_OUT
    export: Any = SimpleNamespace(id="a", status=status, start_time=began, close_time=ended, task_queue="q")
    told = describe(export)
    assert (told["status"], told["started"], told["seconds"]) == ("timed-out", "2026-01-01T12:00:00Z", 8)
    assert format_table([told]).splitlines()[1].split() == ["a", "timed-out", "2026-01-01T12:00:00Z", "8", "q"]
