"""Object URIs: `scheme://bucket/key`, and which of them a worker accepts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from video_export_worker.contract import REQUEST_SCHEMES, SCHEMES
from video_export_worker.errors import InvalidRequest, StorageDenied

BUCKET: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
)  # no user, no host, no port: those would be other stores
_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # control characters, and halves of others


@dataclass(frozen=True)
class Location:
    """An object or a prefix: the store's URI and the key in it."""

    store_uri: str
    key: str

    @property
    def scheme(self) -> str:
        """`s3`, `gs`, `az`, `file` or `memory`."""
        return self.store_uri.partition("://")[0]


def join_uri(prefix: str, *names: str) -> str:
    """Build the URI of `names` below `prefix`."""
    return "/".join([prefix.rstrip("/"), *(name.strip("/") for name in names)])


def parse_location(uri: str, *, root: str | None) -> Location:
    """Split a URI into store and key.

    Args:
        uri: of an object or a prefix.
        root: the storage URI of the worker. Only a file:// root opens files, and only those below it: otherwise a
            request could read the worker's own files.

    Raises:
        InvalidRequest: not a URI of a storage.
        StorageDenied: a file outside the root, or the memory of a worker that keeps nothing there.
    """
    if _NO_NAME.search(uri):
        raise InvalidRequest(f"{uri!r:.200} has a character that no name of an object may have")
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in SCHEMES:
        raise InvalidRequest(
            f"{uri!r} is not in an object storage: use {', '.join(f'{name}://' for name in REQUEST_SCHEMES)}"
            + ("; a worker fetches nothing from web servers, so upload the recording first" if "http" in scheme else "")
        )
    if scheme == "file":
        return _parse_file(uri, rest, root)
    if scheme == "memory" and not (root or "").startswith("memory://"):
        raise StorageDenied(f"{uri!r} is the memory of a worker: only tests keep objects there")
    bucket, _, key = ("", "", rest) if scheme == "memory" else rest.partition("/")
    key = key.strip("/")
    if scheme != "memory" and not bucket:
        raise InvalidRequest(f"{uri!r} names no bucket: write {scheme}://bucket/key")
    if bucket and not BUCKET.fullmatch(bucket):
        # The name is not repeated: it may be a user and a password.
        raise InvalidRequest(f"a URI of {scheme}:// names a bucket and no user or host: write {scheme}://bucket/key")
    if key and any(part in ("", ".", "..") for part in key.split("/")):
        raise InvalidRequest(f"the key of {uri!r} has an empty, '.' or '..' segment")
    return Location(f"{scheme}://{bucket}", key)


def _parse_file(uri: str, path: str, root: str | None) -> Location:
    if not path.startswith("/"):
        raise InvalidRequest(f"{uri!r} must be an absolute path: file:///folder/name")
    if root is None or not root.startswith("file://"):
        raise StorageDenied(f"{uri!r} is a file of the worker: only a worker whose storage is file:// opens files")
    allowed, wanted = (os.path.realpath(name) for name in (root.removeprefix("file://"), path))
    if os.path.commonpath([allowed, wanted]) != allowed:
        raise StorageDenied(f"{uri!r} is outside the worker's storage {root!r}")
    return Location(f"file://{allowed}", "" if wanted == allowed else os.path.relpath(wanted, allowed))
