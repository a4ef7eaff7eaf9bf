"""`video-export submit`: start an export on the workers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from video_export_worker.cli.connection import connect, read_temporal_settings, run_command
from video_export_worker.cli.failures import CommandFailed
from video_export_worker.cli.outcome import Export, download_videos, follow, show_result
from video_export_worker.cli.render_files import find_recordings
from video_export_worker.cli.request_files import Draft, file_option, read_drafts
from video_export_worker.cli.request_options import build_request, format_option, request_options
from video_export_worker.contract import (
    DEFAULT_TASK_QUEUE,
    SCHEMES,
    WORKFLOW_NAME,
    VideoExportRequest,
    VideoExportResult,
    VideoFormat,
    find_uri_problem,
)
from video_export_worker.storage import Storage, join_uri
from video_export_worker.storage.places import RECORDINGS


@click.command("submit")
@click.argument("recording", nargs=-1)
@file_option
@format_option
@click.option("--output", metavar="URI", help="URI prefix of the results; by default the workers decide.")
@click.option("--id", "export_id", help="Workflow id of the export; by default a new one.")
@click.option("--task-queue", default=DEFAULT_TASK_QUEUE, show_default=True, help="Queue of the workers.")
@click.option("--priority", type=int, help="1 runs first, 5 last (3).")
@click.option("--fairness-key", metavar="KEY", help="Tenants with different keys share the workers evenly.")
@click.option("--wait", "--watch", "wait", is_flag=True, help="Follow the export and show its result.")
@click.option("--download", type=click.Path(path_type=Path, file_okay=False), help="Download to a folder; waits.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@request_options
def submit_command(
    recording: tuple[str, ...],
    request_file: Path | None,
    formats: tuple[str, ...],
    export_id: str | None,
    task_queue: str,
    wait: bool,
    download: Path | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Export RECORDING (or its parts, in order) on the workers, and print the export's id.

    RECORDING is a URI that the workers can read, or a file here (- is the standard input): it is uploaded to
    VIDEO_EXPORT_STORAGE_URI first.

    \b
    video-export submit s3://recordings/session.json --watch --download videos
    video-export submit session.json.gz -f mp4 -f gif --skip-inactivity 10 --mask .card-number
    video-export submit --file requests.yaml --id nightly
    """
    drafts = read_drafts(request_file, recording)
    wait = wait or download is not None
    if len(drafts) > 1 and wait:
        raise click.UsageError(f"{request_file} holds {len(drafts)} requests: submit them, then watch each by its id")
    values["formats"] = [VideoFormat(name) for name in formats]
    with tempfile.TemporaryDirectory(prefix="video-export-", ignore_cleanup_errors=True) as folder:
        orders = [
            _order(draft, dict(values), _choose_id(export_id, number, len(drafts)), Path(folder))
            for number, draft in enumerate(drafts, 1)
        ]
        run_command(_submit(orders, task_queue, wait, download, as_json))


@dataclass(frozen=True)
class Order:
    """An export that can be started: everything about it was checked.

    Attributes:
        export_id: the workflow's id.
        request: what goes to the workers.
        uploads: files of this machine and where they go first.
    """

    export_id: str
    request: VideoExportRequest
    uploads: Mapping[Path, str]


def _choose_id(wanted: str | None, number: int, count: int) -> str:
    """Return the workflow id; of several exports each has the wanted one with its number."""
    if wanted is None:
        return f"video-export-{uuid.uuid4().hex[:12]}"
    return wanted if count == 1 else f"{wanted}-{number}"


def _order(draft: Draft, values: dict[str, Any], export_id: str, folder: Path) -> Order:
    sources = find_sources(draft.recordings, folder)
    uris = [_plan_uri(source) if isinstance(source, Path) else source for source in sources]
    more = {name: values.pop(name) for name in ("output", "priority", "fairness_key")}
    with draft.placing_problems():
        request = build_request(values, uris, values.pop("formats"), fields=draft.fields, **more)
    return Order(export_id, request, {s: uri for s, uri in zip(sources, uris, strict=True) if isinstance(s, Path)})


async def _submit(orders: Sequence[Order], task_queue: str, wait: bool, folder: Path | None, as_json: bool) -> None:
    client = await connect(read_temporal_settings(os.environ))
    for order in orders:
        await _upload(order.uploads)
        export = await _start(client, order.export_id, task_queue, order.request)
        if wait:
            click.echo(f"export {order.export_id}", err=True)
            result = await follow(client, export, quiet=as_json)
            show_result(order.export_id, result, await download_videos(order.export_id, result, folder), as_json)
            continue
        shown = {"id": order.export_id, "run_id": export.result_run_id, "task_queue": task_queue}
        click.echo(json.dumps(shown) if as_json else order.export_id)


def summarise(request: VideoExportRequest) -> str:
    """Return what Temporal's UI shows of the export beside its id."""
    name = request.recording[0].rpartition("/")[2][:100]
    more = f" and {len(request.recording) - 1} more" if len(request.recording) > 1 else ""
    return f"{', '.join(request.format)} of {name}{more}"


async def _start(client: Client, export_id: str, task_queue: str, request: VideoExportRequest) -> Export:
    try:
        return await client.start_workflow(
            WORKFLOW_NAME,
            request.model_dump(mode="json", exclude_defaults=True),
            id=export_id,
            task_queue=task_queue,
            static_summary=summarise(request),
            result_type=VideoExportResult,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            priority=Priority(priority_key=request.priority, fairness_key=request.fairness_key),
        )
    except WorkflowAlreadyStartedError as error:
        raise CommandFailed(
            "AlreadyRunning",
            f"an export {export_id!r} is running: video-export watch {export_id}, or choose another --id",
            {"id": export_id},
        ) from error


def find_sources(recordings: Sequence[str], folder: Path) -> list[str | Path]:
    """Return the recordings as URIs and as files of this machine; the standard input is copied into the folder.

    Raises:
        click.UsageError: what is neither; a URI that lacks a slash is one of them.
    """
    for name in recordings:
        scheme = re.match(r"([a-z][a-z0-9]*):/?(?!/)", name)
        if scheme and scheme[1] in SCHEMES and not Path(name).exists():
            raise click.UsageError(f"there is no file {name}: did you mean {scheme[1]}://{name[scheme.end() :]}?")
    files = iter(find_recordings([name for name in recordings if "://" not in name], folder))
    return [name if "://" in name else next(files) for name in recordings]


def _plan_uri(path: Path) -> str:
    """Choose where a local recording goes: under the hash of its content, so that it is uploaded once."""
    root = os.environ.get("VIDEO_EXPORT_STORAGE_URI")
    if not root:
        raise click.UsageError(
            f"{path.name} is a file of this machine: set VIDEO_EXPORT_STORAGE_URI to the workers' storage to "
            "upload it, or give a URI that they can read"
        )
    if problem := find_uri_problem(root):
        raise click.UsageError(f"VIDEO_EXPORT_STORAGE_URI: {problem}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return join_uri(root, RECORDINGS, f"{digest[:32]}{''.join(path.suffixes[-2:])}")


async def _upload(uploads: Mapping[Path, str]) -> None:
    storage = Storage(os.environ.get("VIDEO_EXPORT_STORAGE_URI"))
    for path, uri in uploads.items():
        if await storage.size(uri) != (await asyncio.to_thread(path.stat)).st_size:
            await storage.publish(path, uri)
