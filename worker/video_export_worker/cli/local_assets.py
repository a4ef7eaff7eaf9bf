"""Linked assets of a recording that is rendered on this machine: kept in the user's cache, as a worker keeps them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import click

from video_export_worker.assets.found import read_links
from video_export_worker.assets.gathering import AssetGatherer
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.contract import AssetTable, VideoExportRequest
from video_export_worker.replay.answers import TABLE_NAME

CACHE_VARIABLE: Final = "VIDEO_EXPORT_ASSET_CACHE"


async def gather_assets(folder: Path, request: VideoExportRequest) -> AssetTable:
    """Fetch what the recording of an artefact folder links to, and put it into the folder.

    Raises:
        click.UsageError: a variable of the environment is wrong.
    """
    found = await asyncio.to_thread(read_links, folder)
    if found is None:
        return AssetTable()
    try:
        settings = AssetSettings.from_environment(os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    from video_export_worker.storage import Storage

    root = f"file://{find_cache()}"
    gatherer = AssetGatherer(settings, Storage(root), root)
    table = await gatherer.gather(found, folder, request.assets)
    await gatherer.bring(table, folder)
    await asyncio.to_thread((folder / TABLE_NAME).write_text, table.model_dump_json())
    return table


def find_cache() -> Path:
    """Where assets are kept on this machine: VIDEO_EXPORT_ASSET_CACHE, or the user's cache."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given).absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "video-export"
