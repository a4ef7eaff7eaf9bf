"""Brings one asset up to date: asks its host, or the object storage that a prefix names, and keeps what came."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from video_export_worker.assets.css import Use, find_references
from video_export_worker.assets.links import resolve_references
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.assets.sniffing import is_animated, sniff
from video_export_worker.assets.store import SHORTEST, SHORTEST_FAILURE, Known, SharedAssets, fresh_until
from video_export_worker.contract.assets import MissingReason
from video_export_worker.errors import VideoExportError
from video_export_worker.storage import Storage

if TYPE_CHECKING:
    from video_export_worker.assets.client import AssetClient

MOST_REFERENCES: Final = 5000  # of one style sheet
MOST_REFERENCE_BYTES: Final = 2**20  # of their addresses: relative ones become as long as that of their sheet
REVALIDATED_FOR: Final = 86_400.0  # seconds: what is older is stored anew, whether it has changed or not
OBJECT_BYTES: Final = 20 * 2**20


class AssetFetcher:
    """Fetches single assets into the shared store.

    Args:
        settings: of the worker.
        storage: that prefixes may name.
        store: keeps what was fetched.
        client: asks hosts.
        now: seconds since 1970.
    """

    def __init__(
        self,
        settings: AssetSettings,
        storage: Storage,
        store: SharedAssets,
        client: AssetClient,
        now: Callable[[], float],
    ) -> None:
        self._settings, self._storage, self._store, self._client = settings, storage, store, client
        self._now = now

    async def fetch(self, url: str, uses: set[Use], known: Known | None) -> Known:
        """Ask for an asset and remember the answer, also that there is none.

        Args:
            url: of the asset.
            uses: what it is used as.
            known: what an earlier export has found, too long ago.
        """
        fetched = await self._fetch(url, uses, known)
        await self._store.remember(url, identify(self._settings, url), fetched)
        return fetched

    async def _fetch(self, url: str, uses: set[Use], known: Known | None) -> Known:
        from video_export_worker.assets.client import AssetMissing

        place, now = self._settings.place_of(url), self._now()
        if not place.startswith(("http://", "https://")):
            return await self._fetch_object(url, unquote(place.partition("?")[0]), uses)
        held = known if known is not None and known.sha256 and now - known.at < REVALIDATED_FOR else None
        try:
            answer = await self._client.fetch(place, held.validators if held else None)
        except AssetMissing as missing:
            if held is not None and missing.passing:
                return held.model_copy(update={"until": now + SHORTEST_FAILURE})  # better old than none
            return self._fail(missing.reason, SHORTEST_FAILURE if missing.passing else SHORTEST)
        if answer.data is None and held is not None:
            return held.model_copy(update={"until": fresh_until(now, answer.max_age)})
        moved = answer.url if place == url else ""  # a prefix stands for what is beside its place, too
        known = await self._keep(moved or url, answer.data or b"", answer.declared, uses)
        return known.model_copy(
            update={
                "until": fresh_until(now, answer.max_age),
                "validators": dict(answer.validators),
                "moved": moved if known.type == "text/css" else "",
            }
        )

    async def _fetch_object(self, url: str, place: str, uses: set[Use]) -> Known:
        try:
            size = await self._storage.size(place)
            if size is None or size > OBJECT_BYTES:
                return self._fail(MissingReason.NOT_FOUND if size is None else MissingReason.TOO_LARGE, SHORTEST)
            data = await self._storage.read(place)
        except (VideoExportError, ValueError):  # a name with a zero byte is none
            return self._fail(MissingReason.UNREACHABLE, SHORTEST_FAILURE)
        return await self._keep(url, data or b"", "", uses)

    async def _keep(self, url: str, data: bytes, declared: str, uses: set[Use]) -> Known:
        kind = sniff(data, declared, may_be_sheet=Use.SHEET in uses)
        if kind is None:
            return self._fail(MissingReason.WRONG_TYPE, SHORTEST)
        digest = await self._store.keep(data)
        return await asyncio.to_thread(describe, url, data, kind, digest, self._now())

    def _fail(self, reason: MissingReason, seconds: float) -> Known:
        return Known(at=self._now(), until=self._now() + seconds, reason=reason)


def describe(url: str, data: bytes, kind: str, digest: str, now: float) -> Known:
    """What there is to know of a file."""
    references: dict[tuple[str, Use], None] = {}
    if kind == "text/css":
        room = MOST_REFERENCE_BYTES
        for reference in resolve_references(find_references(data.decode("utf-8", "replace")), url):
            room -= len(reference.url) if (reference.url, reference.use) not in references else 0
            if room < 0 or len(references) == MOST_REFERENCES:
                break
            references[reference.url, reference.use] = None
    return Known(
        at=now,
        until=now + SHORTEST,
        sha256=digest,
        type=kind,
        size=len(data),
        animated=is_animated(data, kind),
        references=list(references),
    )


def identify(settings: AssetSettings, url: str) -> str:
    """What decides about an answer beside the URL: its place, the rules about hosts, and headers.

    Of the latter two only a hash is kept. Workers of other rules, and this one when it gets others, ask anew: what one
    of them may have is not shown by another, and a refusal is none for longer than its rule.
    """
    place = settings.place_of(url)
    headers: Mapping[str, str] = settings.headers.get(urlsplit(place).hostname or "", {})
    told = hashlib.sha256(json.dumps(headers, sort_keys=True).encode()).hexdigest() if headers else ""
    return " ".join(filter(None, (f"{place if place != url else ''} {told}", settings.policy.identity)))
