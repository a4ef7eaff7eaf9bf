"""`video-export inspect`: what is in a recording, without rendering it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import click

from video_export_worker.assets.links import LinkFinder
from video_export_worker.cli.render_files import explain_missing
from video_export_worker.recording import (
    EventType,
    NoChunks,
    RecordingIndex,
    Source,
    WindowSummary,
    find_idle,
    parse_recording,
)

CHUNK_BYTES: Final = 2**20
SHOWN_IDLE: Final = 10


@click.command("inspect")
@click.argument("recording", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--idle",
    "threshold",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long nothing must happen to count as idle.",
)
@click.option("--strict", is_flag=True, help="Fail on broken events instead of listing them.")
def inspect_command(recording: tuple[str, ...], as_json: bool, threshold: float, strict: bool) -> None:
    """Say what is in RECORDING: its duration, sizes, events, idle stretches and problems.

    RECORDING is a file, several parts of one recording in order, or - for the standard input.
    """
    links = LinkFinder()
    files = [_open(name) for name in recording]
    parsed = parse_recording(files, strict=strict, chunks=NoChunks(), observer=links)
    summary = {**summarise(parsed.index, threshold), "linked_hosts": _count_hosts(links)}
    click.echo(json.dumps(summary, indent=2, ensure_ascii=False) if as_json else "\n".join(describe(summary)))


def summarise(recording: RecordingIndex, threshold: float) -> dict[str, Any]:
    """Gather everything that the command shows. Times are seconds since the recording's start."""
    idle = [(start / 1000, end / 1000) for start, end in find_idle(recording.session, threshold)]
    shown = {index.number: index for index in recording.session}
    return {
        "start_ms": recording.start_ms,
        "duration": recording.session_ms / 1000,
        "events": len(recording),
        "events_by_kind": dict(Counter(map(_name_kind, recording.kind, recording.source)).most_common()),
        "viewports": [{"at": at / 1000, "width": width, "height": height} for at, width, height in recording.viewports],
        "canvas": recording.has_canvas,
        "idle": [{"start": start, "end": end} for start, end in idle],
        "idle_total": sum(end - start for start, end in idle),
        "windows": [_summarise_window(window, shown.get(number)) for number, window in enumerate(recording.windows)],
        "warnings": list(recording.warnings),
    }


def _summarise_window(window: WindowSummary, index: RecordingIndex | None) -> dict[str, Any]:
    summary = {"name": window.name, "events": window.events, "kept": window.kept}
    if index is None:
        return summary
    times = {"start": index.begin_ms / 1000, "end": index.duration_ms / 1000}
    return {**summary, **times, "activity": len(index.activity)}


def describe(summary: dict[str, Any]) -> Iterator[str]:
    """Write a summary as lines for a person."""
    sizes = [f"{view['width']}x{view['height']} at {_clock(view['at'])}" for view in summary["viewports"]]
    yield f"Duration  {_clock(summary['duration'])}"
    yield f"Size      {', '.join(sizes)}"
    yield f"Canvas    {'yes' if summary['canvas'] else 'no'}"
    yield f"Events    {summary['events']}"
    yield from (f"  {count:>7}  {kind}" for kind, count in summary["events_by_kind"].items())
    yield f"Idle      {_clock(summary['idle_total'])} in {len(summary['idle'])} stretches"
    yield from (f"  {_clock(part['start'])} - {_clock(part['end'])}" for part in summary["idle"][:SHOWN_IDLE])
    if len(summary["idle"]) > SHOWN_IDLE:
        yield f"  and {len(summary['idle']) - SHOWN_IDLE} more (--json lists all)"
    if len(summary["windows"]) > 1:
        yield f"Windows   {len(summary['windows'])}"
        yield from (
            f"  {window['name']}: {window['events']} events{_describe_times(window)}" for window in summary["windows"]
        )
    hosts = summary.get("linked_hosts", {})
    if hosts:
        yield f"Links     {sum(hosts.values())}"
    yield from (f"  {count:>7}  {host}" for host, count in hosts.items())
    yield f"Warnings  {len(summary['warnings']) or 'none'}"
    yield from (f"  {warning}" for warning in summary["warnings"])


def _count_hosts(links: LinkFinder) -> dict[str, int]:
    """Count linked images, fonts and style sheets by host, the most first; nobody is asked."""
    return dict(Counter(urlsplit(url).netloc for url in links.uses).most_common())


def _describe_times(window: dict[str, Any]) -> str:
    if not window["kept"]:
        return ", cannot be shown"
    return f", {_clock(window['start'])} - {_clock(window['end'])}, the user did something {window['activity']} times"


def _open(name: str) -> Iterator[bytes]:
    if name == "-":
        return _read(sys.stdin.buffer)
    if not Path(name).is_file():
        raise click.UsageError(explain_missing(name))
    return _read(Path(name).open("rb"))


def _read(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _name_kind(kind: int, source: int) -> str:
    kinds, number, unknown = (EventType, kind, "type") if source < 0 else (Source, source, "incremental")
    known = next((name.name for name in kinds if name == number), None)
    return known.lower() if known else f"{unknown} {number}"


def _clock(seconds: float) -> str:
    """Format seconds as 1:02:03.4, without the hours if there are none."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
