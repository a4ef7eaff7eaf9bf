"""`video-export list`: what is asked of Temporal, and the table."""

from __future__ import annotations

from video_export_worker.cli.listing import build_query, format_table


def test_exports_alone_are_asked_for() -> None:
    assert build_query(None, None) == "WorkflowType = 'VideoExportWorkflow'"
    assert build_query("cancelled", "media's") == (
        "WorkflowType = 'VideoExportWorkflow' AND ExecutionStatus = 'Canceled' AND TaskQueue = 'media''s'"
    )


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [{"id": "a", "task_queue": "q"}, {"id": "a-longer-one", "task_queue": "q"}]
    assert format_table(rows).splitlines() == ["ID             TASK QUEUE", "a              q", "a-longer-one   q"]
