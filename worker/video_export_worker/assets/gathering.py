"""Gathers what a recording links to: from the recording itself, the shared store or the hosts. Says what is missing."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from video_export_worker.assets.css import Use
from video_export_worker.assets.fetching import AssetFetcher, describe, identify
from video_export_worker.assets.found import ASSETS_FOLDER, FoundLinks
from video_export_worker.assets.links import MOST_LINKS, is_of_recorder
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.assets.sniffing import sniff
from video_export_worker.assets.store import Known, SharedAssets, is_fresh
from video_export_worker.contract.assets import (
    Asset,
    AssetCounts,
    AssetMode,
    AssetTable,
    MissingAssets,
    MissingReason,
)
from video_export_worker.storage import Storage

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

SIDE_BY_SIDE: Final = 16
MOST_FILES: Final = 2000
MOST_URLS: Final = 2 * MOST_LINKS  # of the recording and of the style sheets that were fetched
ALL_BYTES: Final = 256 * 2**20
ALL_SECONDS: Final = 60.0
MOST_ROUNDS: Final = 6  # style sheets that import others
SHOWN_HOSTS: Final = 5
MOST_GROUPS: Final = 500  # of missing assets by host and reason, in the result; the hosts of the others are not named

Item = TypeVar("Item")


class AssetGatherer:
    """Gathers the assets of exports.

    Args:
        settings: of the worker.
        storage: where assets are kept.
        root: URI of the storage's root.
        resolver: looks names up; by default the machine's.
        now: seconds since 1970.
        all_seconds: that all assets of one recording may take.
    """

    def __init__(
        self,
        settings: AssetSettings,
        storage: Storage,
        root: str,
        *,
        resolver: AbstractResolver | None = None,
        now: Callable[[], float] = time.time,
        all_seconds: float = ALL_SECONDS,
    ) -> None:
        self._settings, self._storage = settings, storage
        self._store = SharedAssets(storage, root)
        self._resolver, self._now, self._all_seconds = resolver, now, all_seconds

    async def gather(self, found: FoundLinks, folder: Path, wanted: AssetMode) -> AssetTable:
        """Gather the assets of a recording; nothing that a host does makes it fail.

        Args:
            found: what planning has found.
            folder: where planning has left the files that the recording holds.
            wanted: what the request asks for.

        Raises:
            StorageDenied, StorageUnavailable: the storage does not work.
        """
        gathered = Gathered(found)
        await self._take_recorded(found, folder / ASSETS_FOLDER, gathered)
        gathered.miss(filter(is_of_recorder, gathered.next_round()), MissingReason.NOT_FOUND)
        if self._settings.narrow(wanted) == AssetMode.NONE:
            gathered.miss(gathered.next_round(), MissingReason.NOT_FETCHED)
            return gathered.table()
        try:
            async with asyncio.timeout(self._all_seconds):
                await self._run(gathered)
        except TimeoutError:
            gathered.miss(gathered.next_round(), MissingReason.TIMED_OUT)
        return gathered.table()

    async def bring(self, table: AssetTable, folder: Path) -> None:
        """Put the files of a table into `assets/` of a folder.

        Raises:
            RecordingNotFound, StorageUnavailable: one is not there any more.
        """
        target = folder / ASSETS_FOLDER
        await asyncio.to_thread(target.mkdir, exist_ok=True)

        async def fetch(digest: str) -> None:
            data = await self._store.read(digest)
            await asyncio.to_thread((target / digest).write_bytes, data)

        await each(fetch, {asset.sha256 for asset in table.files.values()})

    async def _run(self, gathered: Gathered) -> None:
        """Gather in rounds: what style sheets refer to comes in the round after theirs."""
        for _ in range(MOST_ROUNDS):
            waiting = gathered.next_round()
            if not waiting:
                return
            if asked := await self._look_up(waiting, gathered):
                async with self._fetching() as fetcher:

                    async def ask(url: str, fetcher: AssetFetcher = fetcher) -> None:
                        known = await fetcher.fetch(url, gathered.uses[url], asked[url])
                        gathered.take(url, known, is_fetched=True)

                    await each(ask, asked)
        gathered.miss(gathered.next_round(), MissingReason.OVER_LIMIT)

    async def _look_up(self, urls: Iterable[str], gathered: Gathered) -> dict[str, Known | None]:
        """Take what the store has; what has to be asked for is the answer."""
        asked: dict[str, Known | None] = {}

        async def look(url: str) -> None:
            known = await self._store.find(url, identify(self._settings, url))
            if known is not None and is_fresh(known, self._now()):
                gathered.take(url, known)
            else:
                asked[url] = known

        await each(look, urls)
        return asked

    @asynccontextmanager
    async def _fetching(self) -> AsyncIterator[AssetFetcher]:
        # Imported where somebody has to be asked: most exports of an application find everything in the store.
        await asyncio.to_thread(importlib.import_module, "video_export_worker.assets.client")
        from video_export_worker.assets.client import AssetClient

        settings = self._settings
        async with AssetClient(
            settings.policy, headers=settings.headers, proxy=settings.proxy, resolver=self._resolver
        ) as client:
            yield AssetFetcher(settings, self._storage, self._store, client, self._now)

    async def _take_recorded(self, found: FoundLinks, folder: Path, gathered: Gathered) -> None:
        """Keep the files that the recording holds."""

        async def take(url: str) -> None:
            asset = found.recorded[url]
            data = await asyncio.to_thread((folder / asset.sha256).read_bytes)
            kind = sniff(data, asset.type, may_be_sheet=True)
            if kind is not None:
                gathered.uses.setdefault(url, set())
                digest = await self._store.keep(data)
                gathered.take(url, await asyncio.to_thread(describe, url, data, kind, digest, self._now()))

        await each(take, found.recorded)


class Gathered:
    """What has been gathered of one recording.

    Attributes:
        uses: what each URL is used as.
    """

    def __init__(self, found: FoundLinks) -> None:
        self.uses = {url: set(uses) for url, uses in found.uses.items()}
        self._left_out, self._href = found.left_out, found.href
        urls = list(found.uses)
        self._shown = [[urls[number] for number in chunk if 0 <= number < len(urls)] for chunk in found.shown]
        self._references: dict[str, list[str]] = {}
        self._files: dict[str, Asset] = {}
        self._missing: dict[str, MissingReason] = {}
        self._fetched = self._bytes = 0

    def next_round(self) -> list[str]:
        """URLs of which nothing is known yet, as many as there is room for."""
        waiting = [url for url in self.uses if url not in self._files and url not in self._missing]
        room = max(0, MOST_FILES - len(self._files))
        self.miss(waiting[room:], MissingReason.OVER_LIMIT)
        return waiting[:room]

    def miss(self, urls: Iterable[str], reason: MissingReason) -> None:
        """Note that there is nothing for these."""
        self._missing |= dict.fromkeys(urls, reason)

    def take(self, url: str, known: Known, *, is_fetched: bool = False) -> None:
        """Note what is known of a URL."""
        if known.sha256 is None:
            self.miss([url], known.reason or MissingReason.FAILED)
        elif self._bytes + known.size > ALL_BYTES:
            self.miss([url], MissingReason.OVER_LIMIT)
        else:
            self._bytes += known.size
            self._fetched += is_fetched
            self._files[url] = Asset(
                sha256=known.sha256, type=known.type, size=known.size, animated=known.animated, moved=known.moved
            )
            self._references[url] = [reference for reference, _ in known.references]
            for reference, use in known.references:
                if reference in self.uses or len(self.uses) < MOST_URLS:
                    self.uses.setdefault(reference, set()).add(use)
                else:
                    self._left_out += 1

    def table(self) -> AssetTable:
        """What the page is answered with, in the order of the URLs: the same assets make the same plan."""
        files = {
            url: self._files[url].model_copy(update={"awaited": Use.STYLE_IMAGE in self.uses[url]})
            for url in sorted(self._files)
        }
        missing = {url: Use.IMAGE in self.uses[url] for url in sorted(self._missing)}
        chunks = self._list_chunks(list(files))
        return AssetTable(files=files, missing=missing, counts=self._count(), href=self._href, chunks=chunks)

    def _list_chunks(self, files: list[str]) -> list[list[int]]:
        """For each chunk the files that it can show: those that it names, and what their style sheets refer to."""
        numbers = {url: number for number, url in enumerate(files)}
        return [sorted(numbers[url] for url in self._follow(urls) if url in numbers) for urls in self._shown]

    def _follow(self, urls: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(urls)
        while waiting:
            url = waiting.pop()
            if url not in found:
                found.add(url)
                waiting += self._references.get(url, ())
        return found

    def _count(self) -> AssetCounts:
        groups = Counter((urlsplit(url).hostname or "", reason) for url, reason in self._missing.items())
        if self._left_out:
            groups["", MissingReason.OVER_LIMIT] += self._left_out
        told = _rank(groups)
        if len(told) > MOST_GROUPS:
            groups = Counter(dict(told[:MOST_GROUPS]))
            for (_, reason), count in told[MOST_GROUPS:]:
                groups["", reason] += count
            told = _rank(groups)
        missing = [MissingAssets(host=host, reason=reason, count=count) for (host, reason), count in told]
        found = len(self._files) + len(self._missing) + self._left_out
        cached = len(self._files) - self._fetched
        return AssetCounts(found=found, fetched=self._fetched, cached=cached, missing=missing)


def _rank(groups: Counter[tuple[str, MissingReason]]) -> list[tuple[tuple[str, MissingReason], int]]:
    return sorted(groups.items(), key=lambda group: (-group[1], group[0]))


def warn_of_missing(counts: AssetCounts) -> list[str]:
    """One line that says how much is missing, from where and why; none where nothing is."""
    if not counts.missing:
        return []
    groups = [f"{group.count} of {group.host or 'others'} ({group.reason})" for group in counts.missing[:SHOWN_HOSTS]]
    more = f" and {len(counts.missing) - SHOWN_HOSTS} more hosts" if len(counts.missing) > SHOWN_HOSTS else ""
    return [
        f"{counts.missed} of {counts.found} linked images, fonts and style sheets are missing: "
        f"{', '.join(groups)}{more}"
    ]


async def each(work: Callable[[Item], Awaitable[None]], items: Iterable[Item]) -> None:
    """Do the work of all items, some side by side; the first failure ends the others, and is what is raised."""
    waiting = iter(list(items))

    async def take_turns() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(take_turns())
    except BaseExceptionGroup as failures:
        error: BaseException = failures
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
