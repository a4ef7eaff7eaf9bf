"""Reading and writing objects."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError

from video_export_worker.errors import InvalidRequest, RecordingNotFound, RecordingTooLarge
from video_export_worker.storage.places import AllowedPlaces
from video_export_worker.storage.refusals import explain
from video_export_worker.storage.stores import READ_TIMEOUT, open_store
from video_export_worker.storage.uris import join_uri, parse_location

if TYPE_CHECKING:
    from obstore.store import ObjectStore
    from typing_extensions import Buffer

LOG = logging.getLogger(__name__)

CHUNK: Final = 4 * 1024 * 1024  # bytes held in memory while reading
PART: Final = 8 * 1024 * 1024  # bytes of one part of a multipart upload: 10,000 parts are 80 GB
# S3 copies at most 5 GiB in one request, and obstore has no other (UploadPartCopy).
LARGEST_COPY: Final = 5 * 2**30
PROBE_NAME: Final = ".video-export-probe"
CONCURRENCY: Final = 4  # parts on their way at once


@dataclass(frozen=True)
class StoredObject:
    """An object that was written."""

    uri: str
    size: int
    sha256: str


class Storage:
    """Every object an export reads or writes, by URI.

    Args:
        root: URI prefix of the worker's own storage, VIDEO_EXPORT_STORAGE_URI.
        places: what requests may name; by default the worker's own storage.
        read_timeout: how long a silent connection is waited for.
    """

    def __init__(
        self,
        root: str | None = None,
        *,
        places: AllowedPlaces | None = None,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self.root = root.rstrip("/") if root else None
        self.places = places or AllowedPlaces(self.root or "")
        self._read_timeout = read_timeout
        self._stores: dict[str, ObjectStore] = {}

    async def fetch(self, uri: str, target: Path, *, limit: int | None = None) -> int:
        """Stream an object into a file.

        Args:
            uri: of the object.
            target: file to write; removed if the object does not arrive whole.
            limit: most bytes to accept.

        Returns:
            The object's size in bytes.

        Raises:
            RecordingNotFound: no object there.
            RecordingTooLarge: over `limit`.
            StorageDenied, StorageUnavailable: the storage's answer, explained.
        """
        store, key = self._open(uri)
        try:
            with target.open("wb") as file:
                async for chunk in _stream(store, key, uri, limit):
                    await asyncio.to_thread(file.write, chunk)
                    _check_size(uri, file.tell(), limit)
                return file.tell()
        except BaseException:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise

    async def publish(self, source: Path, uri: str) -> StoredObject:
        """Write a file as an object: whole under its name or not at all."""
        store, key = self._open(uri)
        digest, size = await asyncio.to_thread(_measure, source)
        with _explained("write", uri):
            await obstore.put_async(store, key, source, chunk_size=PART, max_concurrency=CONCURRENCY)
        return StoredObject(uri, size, digest)

    async def copy(self, stored: StoredObject, uri: str) -> StoredObject:
        """Copy an object within its store: whole under its name or not at all.

        It takes the store a moment. An object that no store copies in one request is read and written again instead.
        """
        store, source = self._open(stored.uri)
        _, key = self._open(uri)
        with _explained("write", uri):
            if stored.size <= LARGEST_COPY:
                await obstore.copy_async(store, source, key)
            else:
                content = _stream(store, source, stored.uri, None)
                await obstore.put_async(store, key, content, chunk_size=PART, max_concurrency=CONCURRENCY)
        return StoredObject(uri, stored.size, stored.sha256)

    async def write(self, data: bytes, uri: str) -> None:
        """Write a few bytes as an object."""
        store, key = self._open(uri)
        with _explained("write", uri):
            await obstore.put_async(store, key, data)

    async def check_writable(self, prefix: str) -> None:
        """Write and delete a small object below `prefix`: what may not be written is known before the work is done.

        Raises:
            InvalidRequest, StorageDenied, StorageUnavailable: what would be raised at the end, too.
        """
        store, key = self._open(join_uri(prefix, PROBE_NAME))
        with _explained("write", prefix):
            await obstore.put_async(store, key, b"")
            await obstore.delete_async(store, key)

    async def read(self, uri: str) -> bytes | None:
        """Read the bytes of a small object, or None where there is none."""
        store, key = self._open(uri)
        try:
            with _explained("read", uri):
                return bytes(await (await obstore.get_async(store, key)).bytes_async())
        except RecordingNotFound:
            return None

    async def size(self, uri: str) -> int | None:
        """Look up the bytes of an object, or None where there is none."""
        store, key = self._open(uri)
        try:
            with _explained("look up", uri):
                return int((await obstore.head_async(store, key))["size"])
        except RecordingNotFound:
            return None

    async def list(self, prefix: str) -> list[str]:
        """List the URIs of all objects below `prefix`, sorted."""
        store, key = self._open(prefix)
        base = prefix.rstrip("/")
        with _explained("list", prefix):
            found = [str(item["path"]) async for page in obstore.list(store, f"{key}/") for item in page]
        return sorted(f"{base}/{path.removeprefix(key).lstrip('/')}" for path in found)

    async def delete(self, prefix: str) -> int:
        """Delete every object below `prefix`; none there is no error.

        Returns:
            How many there were.
        """
        store, key = self._open(prefix)
        if not key:
            raise InvalidRequest(f"{prefix!r} is a whole storage: nothing deletes that")
        with _explained("delete", prefix):
            found = [str(item["path"]) async for page in obstore.list(store, f"{key}/") for item in page]
            if found:
                await obstore.delete_async(store, found)
        return len(found)

    def _open(self, uri: str) -> tuple[ObjectStore, str]:
        location = parse_location(uri, root=self.root)
        if location.store_uri not in self._stores:
            with _explained("open", uri):
                self._stores[location.store_uri] = open_store(location, self._read_timeout)
        return self._stores[location.store_uri], location.key


async def _stream(store: ObjectStore, key: str, uri: str, limit: int | None) -> AsyncIterator[Buffer]:
    with _explained("read", uri):
        result = await obstore.get_async(store, key)
        _check_size(uri, result.meta["size"], limit)
        async for chunk in result.stream(min_chunk_size=CHUNK):
            yield chunk


@contextmanager
def _explained(action: str, uri: str) -> Iterator[None]:
    """Turn a store's errors into the export's, once."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        # The message has the store's words, cut short and without credentials; the error itself shows all of them.
        explained = explain(error, action, uri)
        LOG.debug("%s", explained)
        raise explained from None


def _check_size(uri: str, size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise RecordingTooLarge(
            f"{uri} has {size:,} bytes or more: at most {limit:,} are accepted "
            "(VIDEO_EXPORT_MAX_RECORDING_BYTES of the worker raises the limit)"
        )


def _measure(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()
