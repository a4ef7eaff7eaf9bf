"""`video-export list`: the exports that Temporal knows of, the newest first."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from video_export_worker.cli.connection import connect, read_temporal_settings, run_command
from video_export_worker.contract.messages import WORKFLOW_NAME

STATUSES: Final = {
    "running": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Canceled",
    "terminated": "Terminated",
    "timed-out": "TimedOut",
}
"""What people call them, and Temporal's own words."""
GAP: Final = "   "


@click.command("list")
@click.option("--status", type=click.Choice(list(STATUSES)), help="Only those.")
@click.option("--task-queue", help="Only those of one queue.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(status: str | None, task_queue: str | None, limit: int, as_json: bool) -> None:
    """List exports, the newest first.

    \b
    video-export list --status running
    video-export list --status failed --limit 100 --json
    """
    run_command(_list(build_query(status, task_queue), limit, as_json))


def build_query(status: str | None, task_queue: str | None) -> str:
    """Return Temporal's query for exports."""
    parts = [f"WorkflowType = '{WORKFLOW_NAME}'"]
    if status:
        parts.append(f"ExecutionStatus = '{STATUSES[status]}'")
    if task_queue:
        quoted = task_queue.replace("'", "''")
        parts.append(f"TaskQueue = '{quoted}'")
    return " AND ".join(parts)


async def _list(query: str, limit: int, as_json: bool) -> None:
    client = await connect(read_temporal_settings(os.environ))
    found = [execution async for execution in client.list_workflows(query, limit=limit)]
    rows = [describe(execution) for execution in found]
    if as_json:
        click.echo(json.dumps({"exports": rows}, indent=2, ensure_ascii=False))
    elif rows:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(format_table(rows, columns))
    else:
        click.echo("no exports", err=True)


def describe(execution: WorkflowExecution) -> dict[str, str | int]:
    """Return what is told of an export; times in UTC."""
    names = {word: name for name, word in STATUSES.items()}
    status = execution.status or WorkflowExecutionStatus.RUNNING
    word = "".join(part.capitalize() for part in status.name.split("_"))
    end = execution.close_time or datetime.now(UTC)
    return {
        "id": execution.id,
        "status": names.get(word, word.lower()),
        "started": f"{execution.start_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round((end - execution.start_time).total_seconds()),
        "task_queue": execution.task_queue,
    }


def format_table(rows: Sequence[Mapping[str, object]], columns: int | None = None) -> str:
    """Return rows as a table with a heading; columns are as wide as their widest cell.

    Args:
        rows: with the same names.
        columns: of the terminal. Where all do not fit into it, the last ones are left out, but for the first two.
    """
    heading = {name: name.upper().replace("_", " ") for name in rows[0]}
    lines = [heading, *({name: str(cell) for name, cell in row.items()} for row in rows)]
    widths = {name: max(len(line[name]) for line in lines) for name in lines[0]}
    while columns is not None and len(widths) > 2 and sum(widths.values()) + len(GAP) * (len(widths) - 1) > columns:
        widths.popitem()
    return "\n".join(GAP.join(line[name].ljust(width) for name, width in widths.items()).rstrip() for line in lines)
