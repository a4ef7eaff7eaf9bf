"""Stored plans with their recordings: written at planning, read by every segment."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import zstandard
from pydantic import ValidationError

from video_export_worker.activities import naming
from video_export_worker.activities.turns import in_turns
from video_export_worker.contract import (
    AssetCounts,
    AssetTable,
    ExportPlan,
    PlanReference,
    StoredPlan,
    VideoExportRequest,
)
from video_export_worker.errors import RecordingNotFound, RendererDiffers, StorageUnavailable
from video_export_worker.recording import INDEX_NAME, RecordingIndex, chunk_name, chunk_number, load_index
from video_export_worker.replay.answers import TABLE_NAME
from video_export_worker.storage import Storage, join_uri

COMPRESSION_LEVEL: Final = 3  # zstd's default
NOT_NEEDED: Final = ""  # instead of the digest of a chunk


class PlanStore:
    """Plans and recordings of exports in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def publish(
        self,
        folder: Path,
        prefix: str,
        request: VideoExportRequest,
        plan: ExportPlan,
        *,
        renderer: str,
        output: str,
        assets: AssetTable | None = None,
    ) -> PlanReference:
        """Store an artefact folder and its plan, the plan last.

        Args:
            folder: what `pipeline.plan_export` wrote.
            prefix: of everything that the export keeps.
            request: what is asked for.
            plan: what was decided.
            renderer: that has to render it.
            output: URI prefix of the results.
            assets: that the recording links to, if it links to any.
        """
        recording = join_uri(prefix, naming.RECORDING_FOLDER)
        chunks = _list_chunks(folder)
        index, *written = await self._publish_files([folder / INDEX_NAME, *chunks.values()], recording)
        digests = dict(zip(chunks, written, strict=True))
        stored = StoredPlan(
            renderer=renderer,
            request=request,
            asked=request.model_dump(mode="json", exclude_defaults=True),
            plan=plan,
            index=index,
            chunks=[digests.get(number, NOT_NEEDED) for number in range(max(digests) + 1)],
            output=output,
            assets=None if assets is None else await self._publish_table(assets, recording),
        ).model_dump_json()
        digest = hashlib.sha256(stored.encode()).hexdigest()
        uri = naming.plan_uri(prefix, digest)
        if assets is not None:
            await self._storage.write(assets.counts.model_dump_json().encode(), naming.asset_counts_uri(uri))
        await self._storage.write(stored.encode(), uri)
        return PlanReference(uri=uri, digest=digest)

    async def read(self, plan: PlanReference) -> StoredPlan:
        """Read a plan.

        Raises:
            StorageUnavailable: it is not what was stored.
            RendererDiffers: its request uses what this version does not know, such as a new field.
        """
        stored = await self._read(plan.uri, plan.digest)
        try:
            read = StoredPlan.model_validate_json(stored, extra="ignore")
            if read.asked:
                VideoExportRequest.model_validate(read.asked)  # refuses fields that it does not know
            return read
        except ValidationError as error:  # its digest is right, so it was written so
            raise RendererDiffers(
                "the export was planned by another version, whose plan this worker cannot read: "
                f"another worker takes it, or it is planned anew ({error.errors(include_url=False)[0]['msg']})"
            ) from None

    async def fetch(
        self, plan: PlanReference, stored: StoredPlan, folder: Path, choose: Callable[[RecordingIndex], Sequence[int]]
    ) -> Sequence[int]:
        """Fetch the index and some chunks into an artefact folder.

        Args:
            plan: where the plan is.
            stored: the plan.
            folder: where the files go; it is made.
            choose: says which chunks of a recording are needed.

        Returns:
            The chunks.
        """
        prefix = naming.recording_prefix(plan)
        await asyncio.to_thread(folder.mkdir)
        await self._fetch_file(prefix, stored.index, folder / INDEX_NAME)
        index = await asyncio.to_thread(load_index, folder / INDEX_NAME)
        chunks = choose(index)
        await in_turns(
            lambda number: self._fetch_file(prefix, stored.chunks[number], folder / chunk_name(number)), chunks
        )
        return chunks

    async def fetch_table(self, plan: PlanReference, digest: str, folder: Path, chunks: Iterable[int]) -> AssetTable:
        """Fetch the table of those assets into an artefact folder that these chunks can show."""
        await self._fetch_file(naming.recording_prefix(plan), digest, folder / TABLE_NAME)
        path = folder / TABLE_NAME
        table = AssetTable.model_validate_json(await asyncio.to_thread(path.read_text)).of_chunks(chunks)
        await asyncio.to_thread(path.write_text, table.model_dump_json())
        return table

    async def read_asset_counts(self, plan: PlanReference) -> AssetCounts:
        """Read what became of the assets of a plan's recording."""
        stored = await self._storage.read(naming.asset_counts_uri(plan.uri))
        return AssetCounts() if stored is None else AssetCounts.model_validate_json(stored)

    async def _publish_table(self, table: AssetTable, prefix: str) -> str:
        # What was fetched and what was there already differs from attempt to attempt: it is no part of the plan.
        told = table.model_dump_json(exclude={"counts"})
        data = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(told.encode())
        digest = hashlib.sha256(data).hexdigest()
        await self._storage.write(data, join_uri(prefix, digest))
        return digest

    async def _publish_files(self, paths: list[Path], prefix: str) -> list[str]:
        digests = dict.fromkeys(paths, "")

        async def publish(path: Path) -> None:
            data, digests[path] = await asyncio.to_thread(_pack, path)
            await self._storage.write(data, join_uri(prefix, digests[path]))

        await in_turns(publish, paths)
        return list(digests.values())

    async def _fetch_file(self, prefix: str, digest: str, target: Path) -> None:
        data = await self._read(join_uri(prefix, digest), digest)
        await asyncio.to_thread(_unpack, data, target)

    async def _read(self, uri: str, digest: str) -> bytes:
        data = await self._storage.read(uri)
        if data is None:
            raise RecordingNotFound(f"{uri} is gone: was the export's folder deleted while it ran? Export again")
        if await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()) != digest:
            raise StorageUnavailable(f"{uri} is not what was stored there: the export reads it again")
        return data


def _list_chunks(folder: Path) -> dict[int, Path]:
    """The chunks by their numbers: those that no frame of the video needs were not written."""
    return {chunk_number(path): path for path in sorted(folder.glob("chunk-*.json"))}


def _pack(path: Path) -> tuple[bytes, str]:
    data = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True).compress(path.read_bytes())
    return data, hashlib.sha256(data).hexdigest()


def _unpack(data: bytes, target: Path) -> None:
    target.write_bytes(zstandard.ZstdDecompressor().decompress(data))
