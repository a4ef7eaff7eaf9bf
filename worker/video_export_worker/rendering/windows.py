"""The windows of a run: which is shown at which frame, and how far the replay of each has come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from video_export_worker.composing.pointer import PointerPath
from video_export_worker.contract import Mouse
from video_export_worker.planning.timeline import Timeline
from video_export_worker.planning.windows import Schedule, show_only, window_at
from video_export_worker.recording import ReplaySource
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.rendering.unseen import UnseenReplay
from video_export_worker.replay.feeding import ChunkFeed
from video_export_worker.replay.player import Player
from video_export_worker.replay.steps import StepPlanner


@dataclass(frozen=True)
class ShownWindows:
    """What a video shows of a session.

    Attributes:
        sources: the recording of each window, by its number.
        schedule: which of them is shown when.
    """

    sources: Mapping[int, ReplaySource]
    schedule: Schedule

    @classmethod
    def only(cls, source: ReplaySource) -> ShownWindows:
        """One window all the time."""
        return cls({source.index.number: source}, show_only(source.index))

    def is_open(self, at_ms: float) -> bool:
        """Whether there is a window at all at a moment."""
        return at_ms >= round(self.schedule[0].begin_ms, 3)  # as exact as the timeline

    def at(self, at_ms: float) -> ReplaySource:
        """The recording that is shown at a moment."""
        return self.sources[window_at(self.schedule, at_ms)]


class WindowReplay:
    """The replay of one window in one browser.

    Args:
        source: the window's recording.
        player: the page's side for any window.
        timeline: of the video.
        mouse: what is drawn of the pointer.
    """

    feed: ChunkFeed

    def __init__(self, source: ReplaySource, player: Player, timeline: Timeline, mouse: Mouse) -> None:
        self.index = source.index
        self.player = player.of(source.index.number)
        self.planner = StepPlanner(source.index.offset_ms.tolist())
        self.pointer = PointerPath(source.index.mouse, mouse)
        self.reached_ms = -math.inf
        self._source = source
        self._timeline = timeline

    async def open(self, at_ms: float) -> None:
        """Begin the replay that leads to `at_ms`, unless the one that there is has come that far already."""
        beginning = choose_beginning(self.index, at_ms)
        if beginning.at_ms <= self.reached_ms:
            return
        self.feed = ChunkFeed(self._source, self.player, beginning)
        await self.player.open_window(beginning, canvas=self.index.has_canvas, canvas_recorded=self.index.has_drawing)
        await self.feed.begin()
        self.reached_ms = beginning.at_ms

    async def catch_up(self, frame: int, *, is_first: bool) -> bool:
        """Replay up to a frame, unseen; `is_first` if nothing of the video was shown yet.

        Returns:
            False if a picture that moves by itself has begun meanwhile: it would not be as old as it is.
        """
        replay = UnseenReplay(self.player, self.feed, self.planner, self._timeline, between_frames=not is_first)
        await replay.run(self.reached_ms, frame)
        return not replay.missed

    async def close(self) -> None:
        """Leave nothing of it in the page."""
        await self.player.close_window()
