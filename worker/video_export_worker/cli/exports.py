"""`video-export watch`, `result` and `cancel`: what becomes of an export that was submitted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from temporalio.client import WorkflowExecutionStatus

from video_export_worker.cli.connection import connect, read_temporal_settings, run_command
from video_export_worker.cli.failures import CommandFailed
from video_export_worker.cli.outcome import download_videos, find_export, follow, show_result

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
download = click.option(
    "--download", type=click.Path(path_type=Path, file_okay=False), help="Folder to download the videos to."
)


@click.command("watch")
@click.argument("export_id")
@download
@as_json
def watch_command(export_id: str, download: Path | None, as_json: bool) -> None:
    """Follow the export EXPORT_ID until it ends, then show its result. Interrupting this does not stop the export.

    \b
    video-export watch video-export-3f2a9c0d1e4b --download videos
    """
    run_command(_watch(export_id, download, as_json))


@click.command("result")
@click.argument("export_id")
@download
@as_json
def result_command(export_id: str, download: Path | None, as_json: bool) -> None:
    """Show the result of the finished export EXPORT_ID."""
    run_command(_result(export_id, download, as_json))


@click.command("cancel")
@click.argument("export_id")
@as_json
def cancel_command(export_id: str, as_json: bool) -> None:
    """Stop the export EXPORT_ID. Its worker stops rendering within seconds and removes what it stored."""
    run_command(_cancel(export_id, as_json))


async def _watch(export_id: str, folder: Path | None, as_json: bool) -> None:
    client = await connect(read_temporal_settings(os.environ))
    export = await find_export(client, export_id)
    result = await follow(client, export, quiet=as_json)
    show_result(export_id, result, await download_videos(export_id, result, folder), as_json)


async def _result(export_id: str, folder: Path | None, as_json: bool) -> None:
    client = await connect(read_temporal_settings(os.environ))
    export = await find_export(client, export_id)
    if (await export.describe()).status is WorkflowExecutionStatus.RUNNING:
        problem = f"{export_id} has not ended: video-export watch {export_id}"
        raise CommandFailed("NotEnded", problem, {"id": export_id})
    result = await follow(client, export, quiet=as_json)
    show_result(export_id, result, await download_videos(export_id, result, folder), as_json)


async def _cancel(export_id: str, as_json: bool) -> None:
    client = await connect(read_temporal_settings(os.environ))
    export = await find_export(client, export_id)
    status = (await export.describe()).status
    if status is not WorkflowExecutionStatus.RUNNING:
        ended = "ended" if status is None else status.name.lower()
        raise CommandFailed("NotRunning", f"{export_id} cannot be cancelled: it is {ended}", {"id": export_id})
    await export.cancel()
    told = json.dumps({"id": export_id, "status": "cancelling"})
    click.echo(told if as_json else f"{export_id}: cancelling")
