"""Following an export to its end, and showing how it ended."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

import click
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError, RPCStatusCode

from video_export_worker.cli.connection import is_namespace_missing
from video_export_worker.cli.failures import CommandFailed
from video_export_worker.cli.progress import ExportProgress
from video_export_worker.cli.queue_watch import QueueWatch
from video_export_worker.contract import PROGRESS_QUERY, RENDER_SEGMENT, Progress, VideoExportResult
from video_export_worker.storage import Storage

if TYPE_CHECKING:
    from temporalio.client import WorkflowExecutionDescription

Export: TypeAlias = "WorkflowHandle[Any, VideoExportResult]"

POLL_INTERVAL: Final = 1.0  # seconds; heartbeats carry no more often
QUERY_TIMEOUT: Final = timedelta(seconds=2)  # without a worker nobody answers


async def find_export(client: Client, export_id: str) -> Export:
    """Look up an export by its workflow id. Raises CommandFailed where there is none."""
    export: Export = client.get_workflow_handle(export_id, result_type=VideoExportResult)
    try:
        await export.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND or is_namespace_missing(error):
            raise
        raise CommandFailed(
            "ExportNotFound",
            f"there is no export {export_id!r} in the namespace {client.namespace!r}: check the id "
            "(`video-export list` shows them), or set TEMPORAL_NAMESPACE",
            {"id": export_id},
        ) from error
    return export


async def follow(client: Client, export: Export, *, quiet: bool) -> VideoExportResult:
    """Show progress until the export ends, and answer its result.

    Raises:
        CommandFailed: it failed, was cancelled or terminated; the message says why.
    """
    ending = asyncio.create_task(export.result())
    waiting = QueueWatch(client, export)
    with ExportProgress(quiet=quiet) as shown:
        while not ending.done():
            await asyncio.wait({ending}, timeout=POLL_INTERVAL)
            if not ending.done():
                progress = await observe_progress(export)
                shown.update(progress)
                if (advice := await waiting.look(progress)) is not None:
                    shown.say(advice)
    try:
        return await ending
    except WorkflowFailureError as error:
        raise describe_failure(export.id, error) from error


async def observe_progress(export: Export) -> Progress:
    """Ask how far the export is: the workflow knows finished segments, heartbeats those on their way."""
    try:
        progress: Progress = await export.query(PROGRESS_QUERY, result_type=Progress, rpc_timeout=QUERY_TIMEOUT)
        description = await export.describe()
    except RPCError:
        return Progress()  # nobody answers a query before a worker has taken the export
    done = progress.frames_done + await _count_frames_on_their_way(description)
    return progress.model_copy(update={"frames_done": min(done, progress.frames)})


async def _count_frames_on_their_way(description: WorkflowExecutionDescription) -> int:
    frames = 0
    for pending in description.raw_description.pending_activities:
        if pending.activity_type.name == RENDER_SEGMENT and pending.HasField("heartbeat_details"):
            details = await description.data_converter.decode(pending.heartbeat_details.payloads, [Progress])
            frames += details[0].frames_done
    return frames


def describe_failure(export_id: str, error: WorkflowFailureError) -> CommandFailed:
    """Build what the command line says of an export that did not finish."""
    cause = error.cause
    while cause.__cause__ is not None and not isinstance(cause, (ApplicationError, CancelledError)):
        cause = cause.__cause__
    code = cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    message = cause.message if isinstance(cause, ApplicationError) else str(cause)
    if isinstance(cause, CancelledError):
        code, message = "Cancelled", "the export was cancelled"
    return CommandFailed(code, f"{export_id}: {message}", {"id": export_id})


async def download_videos(export_id: str, result: VideoExportResult, folder: Path | None) -> list[Path]:
    """Download the videos to `<folder>/<export id>.<format>`; a file is there whole or not at all.

    Of several windows' videos each has its number: `<export id>-2.<format>`.
    """
    if folder is None:
        return []
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    storage = Storage(os.environ.get("VIDEO_EXPORT_STORAGE_URI"))
    paths = name_downloads(export_id, result, folder)
    for video, target in zip(result.videos, paths, strict=True):
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        await storage.fetch(video.uri, partial)
        await asyncio.to_thread(partial.replace, target)
    return paths


def name_downloads(export_id: str, result: VideoExportResult, folder: Path) -> list[Path]:
    """Return where each video goes; windows that have one each are counted from 1, as in the storage."""
    stem, formats = quote(export_id, safe=" "), [video.format for video in result.videos]
    several = len(set(formats)) < len(formats)
    return [
        folder / (f"{stem}-{formats[: at + 1].count(name)}.{name}" if several else f"{stem}.{name}")
        for at, name in enumerate(formats)
    ]


def show_result(export_id: str, result: VideoExportResult, files: list[Path], as_json: bool) -> None:
    """Print the videos, and where they were downloaded to."""
    if as_json:
        shown = {"id": export_id, **result.model_dump(mode="json"), "files": [str(path) for path in files]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for video in result.videos:
        click.echo(
            f"{video.uri}: {video.width}x{video.height} {video.codec}, {video.duration:.2f} s, "
            f"{video.frames} frames, {video.size / 1000:.0f} kB"
        )
    for path in files:
        click.echo(f"downloaded {path}")
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
