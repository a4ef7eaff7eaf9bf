"""Parts on their way from the storage into a join: through named pipes, so that the disk never holds all of them.

A join reads its parts one after the other, each from its begin to its end. So each part is a named pipe, and a feeder
writes into the pipe whose turn it is, while the parts after it are being fetched.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from video_export_worker.activities.turns import first_failure
from video_export_worker.contract import VideoFormat
from video_export_worker.part_runs import Part
from video_export_worker.pipeline import READ_AS_A_STREAM, part_suffix
from video_export_worker.storage import Storage

AHEAD: Final = 4  # parts of a format on the disk: those that wait for their turn
BLOCK: Final = 2**20
TURN: Final = 0.005  # seconds: how often it is looked whether the reader has come to a part


@dataclass(frozen=True)
class StoredPart:
    """A part in the storage, and its frames."""

    uri: str
    frames: int


@asynccontextmanager
async def feed_parts(
    storage: Storage, stored: Mapping[VideoFormat, Sequence[StoredPart]], folder: Path
) -> AsyncIterator[dict[VideoFormat, list[Part]]]:
    """Offer the parts of each format as files of a new folder, to be read once, in their order, while the block runs.

    The only part of a video, and those of formats that are read twice, are fetched whole before.

    Raises:
        StorageUnavailable, StorageDenied: a part cannot be fetched; the block is cancelled.
    """
    await asyncio.to_thread(folder.mkdir)
    offered = {
        name: [
            Part(folder / f"part-{number:06}-{name}{part_suffix(name)}", part.frames)
            for number, part in enumerate(parts)
        ]
        for name, parts in stored.items()
    }
    with first_failure():
        async with asyncio.TaskGroup() as group:
            feeders = []
            for name, parts in offered.items():
                pairs = [(part.uri, at.path) for part, at in zip(stored[name], parts, strict=True)]
                if len(parts) > 1 and name in READ_AS_A_STREAM:
                    await asyncio.to_thread(_make_pipes, [path for _, path in pairs])
                    feeders.append(group.create_task(_feed(storage, pairs)))
                else:
                    for uri, path in pairs:
                        await storage.fetch(uri, path)
            yield offered
            for feeder in feeders:
                feeder.cancel()


def _make_pipes(paths: list[Path]) -> None:
    for path in paths:
        os.mkfifo(path, 0o600)


async def _feed(storage: Storage, pairs: Sequence[tuple[str, Path]]) -> None:
    """Write each part into its pipe, in their order."""

    async def fetch(uri: str, pipe: Path) -> Path:
        fetched = pipe.with_suffix(".fetched")
        await storage.fetch(uri, fetched)
        return fetched

    def start(pairs: Iterator[tuple[str, Path]]) -> Iterator[tuple[Path, asyncio.Task[Path]]]:
        return ((pipe, group.create_task(fetch(uri, pipe))) for uri, pipe in pairs)

    waiting = iter(pairs)
    async with asyncio.TaskGroup() as group:
        coming = deque(start(islice(waiting, AHEAD)))
        while coming:
            pipe, fetching = coming.popleft()
            fetched = await fetching
            coming.extend(start(islice(waiting, 1)))
            await _pour(fetched, pipe)
            await asyncio.to_thread(fetched.unlink)


async def _pour(source: Path, pipe: Path) -> None:
    """Write a file into a pipe, as fast as it is read. A reader that has ended says itself why."""
    while (target := _open_if_read(pipe)) is None:  # noqa: ASYNC110 - a reader in another process sets no event
        await asyncio.sleep(TURN)
    await asyncio.to_thread(_write, source, target)


def _open_if_read(pipe: Path) -> int | None:
    """Open a pipe if somebody reads it. An open that waits for a reader could not be cancelled."""
    try:
        target = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None
    os.set_blocking(target, True)
    return target


def _write(source: Path, target: int) -> None:
    with suppress(BrokenPipeError), source.open("rb") as file, open(target, "wb", buffering=0) as pipe:
        shutil.copyfileobj(file, pipe, BLOCK)
