"""Hands a recording's chunks over to the page as its replay reaches them, so that neither side holds all of it."""

from __future__ import annotations

from video_export_worker.recording import ReplaySource
from video_export_worker.recording.beginnings import Beginning
from video_export_worker.replay.player import Player


class ChunkFeed:
    """The chunks of one replay, in order."""

    def __init__(self, source: ReplaySource, player: Player, beginning: Beginning) -> None:
        self._source = source
        self._player = player
        self._begin_ms = source.index.offset_ms[source.index.chunk_first].tolist()
        self._firsts = source.index.chunk_first.tolist()
        self._next = beginning.chunk
        self._beginning = beginning

    async def begin(self) -> None:
        """Hand over what the first full snapshot needs."""
        beginning = self._beginning
        for chunk in beginning.font_chunks:
            for text in self._source.texts(chunk, chunk + 1):
                await self._player.keep_fonts(text, beginning.page_ms, beginning.at_ms)
        await self.reach(beginning.at_ms)

    def has_reached(self, at_ms: float) -> bool:
        """Whether the page has everything up to `at_ms`."""
        return self._next == len(self._begin_ms) or self._begin_ms[self._next] > at_ms

    async def reach(self, at_ms: float) -> None:
        """Hand over everything up to `at_ms`."""
        while not self.has_reached(at_ms):
            for text in self._source.texts(self._next, self._next + 1):
                await self._player.append(text, self._firsts[self._next])
            self._next += 1
