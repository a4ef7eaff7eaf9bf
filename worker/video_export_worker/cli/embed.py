"""`video-export embed`: a recording with its linked images, fonts and style sheets in it, which plays for ever."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from video_export_worker.cli.local_assets import gather_assets
from video_export_worker.cli.render_files import find_recordings
from video_export_worker.contract import parse_request

if TYPE_CHECKING:
    from video_export_worker.contract import AssetCounts, AssetTable
    from video_export_worker.recording import Recording

ASSET_EVENT = 7


@click.command("embed")
@click.argument("recording", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write: JSON of events.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def embed_command(recording: tuple[str, ...], output: Path, force: bool, as_json: bool) -> None:
    """Write RECORDING (or its parts, in order) with what it links to in it.

    Each image, font and style sheet that can be fetched becomes an asset event (rrweb's type 7). Hosts are asked as
    `render` asks them.
    """
    if output.exists() and not force:
        raise click.UsageError(f"{output} exists: choose another name or give --force")
    with tempfile.TemporaryDirectory(prefix="video-export-", ignore_cleanup_errors=True) as folder:
        counts = asyncio.run(_embed(find_recordings(recording, Path(folder)), output, Path(folder) / "recording"))
    found = counts.model_dump(mode="json")
    click.echo(json.dumps({"path": str(output), "assets": found}, indent=2) if as_json else _describe(output, counts))


async def _embed(recordings: list[Path], output: Path, folder: Path) -> AssetCounts:
    from video_export_worker.pipeline import read_recordings
    from video_export_worker.recording import RecordingLimits, open_recording

    request = parse_request({"recording": [path.absolute().as_uri() for path in recordings]})
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread(read_recordings, recordings, folder, limits=RecordingLimits())
    table = await gather_assets(folder, request)
    await asyncio.to_thread(_write, open_recording(folder), table, folder / "assets", output)
    return table.counts


def _write(recording: Recording, table: AssetTable, files: Path, output: Path) -> None:
    """Write the events as they are, those of each window together, and the assets at the end of the first window.

    There they change neither times nor snapshots. A recording without names of windows is a plain list of events.
    """
    from video_export_worker.recording.envelopes import BY_WINDOW

    session = list(recording.session.values())
    named = [held for held in session if _name_of(held) is not None]
    unnamed = [held for held in session if _name_of(held) is None]
    assets = _asset_events(recording.start_ms + recording.duration_ms, table, files)
    partial = output.with_name(f".{output.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            for number, held in enumerate(named):
                file.write(f"{f'{{{json.dumps(BY_WINDOW)}:{{' if number == 0 else ','}{json.dumps(_name_of(held))}:")
                _write_events(held, assets if held is session[0] else iter(()), file)
            file.write("}}\n" if named else "")
            for held in unnamed:
                _write_events(held, assets if held is session[0] else iter(()), file)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def _name_of(window: Recording) -> str | None:
    return window.index.windows[window.index.number].name


def _write_events(window: Recording, more: Iterator[dict[str, Any]], file: TextIO) -> None:
    for number, text in enumerate(window.texts(0, window.index.chunks)):
        file.write(f"{',' if number else '['}{text[1:-1]}\n")
    for event in more:
        file.write(f",{json.dumps(event, separators=(',', ':'))}\n")
    file.write("]\n")


def _asset_events(at_ms: float, table: AssetTable, files: Path) -> Iterator[dict[str, Any]]:
    from video_export_worker.assets.recorded import write_payload

    def event(url: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"type": ASSET_EVENT, "timestamp": at_ms, "data": {"url": url, "payload": payload}}

    for url, asset in table.files.items():
        payload = write_payload(asset.type, (files / asset.sha256).read_bytes())
        if asset.moved:  # an asset event has one address, and what the sheet refers to counts from the other one
            yield event(url, write_payload(asset.type, f'@import url("{asset.moved}");'.encode()))
        yield event(asset.moved or url, payload)


def _describe(output: Path, counts: AssetCounts) -> str:
    from video_export_worker.assets.gathering import warn_of_missing

    held = counts.fetched + counts.cached
    return "\n".join([f"{output}: holds {held} of {counts.found} linked files", *warn_of_missing(counts)])
