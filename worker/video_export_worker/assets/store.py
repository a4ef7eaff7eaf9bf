"""Assets of all exports below the storage's root: files by their hash, and what is known of each URL.

assets/files/<first two digits>/<sha256>        the bytes
assets/urls/<first two digits>/<sha256>.json    of a URL: which file, since when, until when; or why there is none
"""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import Field, ValidationError

from video_export_worker.assets.css import Use
from video_export_worker.contract.assets import MissingReason
from video_export_worker.contract.values import TolerantValue
from video_export_worker.errors import RecordingNotFound, StorageUnavailable
from video_export_worker.storage import Storage, join_uri
from video_export_worker.storage.places import ASSETS

SHORTEST: Final = 3600.0  # seconds for which an answer is good at least, whatever the host says
LONGEST: Final = 7 * 86_400.0  # then it is asked and stored anew, so a lifecycle rule of 14 days takes nothing in use
SHORTEST_FAILURE: Final = 300.0  # of what may pass: a host that does not answer


class Known(TolerantValue):
    """What is known of a URL.

    Attributes:
        at: when it was stored, in seconds since 1970.
        until: until when nobody is asked.
        sha256: of the file; None if it is missing.
        type: media type.
        size: bytes.
        animated: it is a picture that moves by itself.
        references: what a style sheet refers to, absolute.
        moved: where redirects have led to a style sheet: what it refers to counts from there.
        validators: headers to ask by whether it has changed.
        reason: why it is missing.
    """

    at: float
    until: float
    sha256: str | None = None
    type: str = ""
    size: int = 0
    animated: bool = False
    references: list[tuple[str, Use]] = Field(default_factory=list)
    moved: str = ""
    validators: dict[str, str] = Field(default_factory=dict)
    reason: MissingReason | None = None


class SharedAssets:
    """The store."""

    def __init__(self, storage: Storage, root: str) -> None:
        self._storage = storage
        self._root = join_uri(root, ASSETS)

    async def find(self, url: str, identity: str) -> Known | None:
        """Look up a URL.

        Args:
            url: of the asset.
            identity: what else decides about the answer: the place that is asked, and with which headers.
        """
        data = await self._storage.read(self._uri_of(url, identity))
        try:
            return None if data is None else Known.model_validate_json(data)
        except ValidationError:
            return None

    async def remember(self, url: str, identity: str, known: Known) -> None:
        """Keep what is known of a URL."""
        await self._storage.write(known.model_dump_json(exclude_defaults=True).encode(), self._uri_of(url, identity))

    async def keep(self, data: bytes) -> str:
        """Keep a file; its hash is the answer."""
        digest = hashlib.sha256(data).hexdigest()
        await self._storage.write(data, self._file(digest))
        return digest

    async def read(self, digest: str) -> bytes:
        """Read a file.

        Raises:
            RecordingNotFound: it is gone.
            StorageUnavailable: it is not what was stored.
        """
        data = await self._storage.read(self._file(digest))
        if data is None:
            raise RecordingNotFound(
                f"{self._file(digest)} is gone: a lifecycle rule must keep assets for 14 days at least. Export again"
            )
        if hashlib.sha256(data).hexdigest() != digest:
            raise StorageUnavailable(f"{self._file(digest)} is not what was stored there")
        return data

    def _file(self, digest: str) -> str:
        return join_uri(self._root, "files", digest[:2], digest)

    def _uri_of(self, url: str, identity: str) -> str:
        name = hashlib.sha256(f"{identity}\n{url}".encode()).hexdigest()
        return join_uri(self._root, "urls", name[:2], f"{name}.json")


def is_fresh(known: Known, now: float) -> bool:
    """Whether nobody has to be asked."""
    return now < known.until and now - known.at < LONGEST


def fresh_until(now: float, max_age: float) -> float:
    """Until when an answer is good."""
    return now + min(max(max_age, SHORTEST), LONGEST)
