"""Replays what lies before a run's first frame: unseen and some seconds at a time, for nobody looks at it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from video_export_worker.planning.timeline import Timeline
from video_export_worker.replay.feeding import ChunkFeed
from video_export_worker.replay.page_state import PageState
from video_export_worker.replay.player import Player
from video_export_worker.replay.steps import StepPlanner

STEP_MS: Final = 10_000.0  # of recording between two frames that are begun
APART_MS: Final = 60_000.0  # of recording before the first frame in which each event is applied at its own time
MOST_BATCHES: Final = 2_000  # moments with events in one call, so that it ends in time
# Blink moves an animated picture on by the frames that it is shown, and catches up where they are far apart.
LONGEST_GAP_MS: Final = 1_000.0


class UnseenReplay:
    """The time before a run's frames, or the time in which another window was shown.

    Args:
        player: of the window.
        feed: of its recording.
        planner: of its events.
        timeline: of the video.
        between_frames: frames of the video were begun already. None may be begun at their times, so a restless page is
            not shown meanwhile.

    Attributes:
        missed: a picture that moves by itself has come and was not shown at its time.
    """

    def __init__(
        self,
        player: Player,
        feed: ChunkFeed,
        planner: StepPlanner,
        timeline: Timeline,
        *,
        between_frames: bool = False,
    ) -> None:
        self._player = player
        self._feed = feed
        self._planner = planner
        self._timeline = timeline
        self._between_frames = between_frames
        self.missed = False

    async def run(self, begin_ms: float, first: int) -> None:
        """Replay from `begin_ms`, the time of the first full snapshot, to frame `first`, which is yet to be sought."""
        end_ms = self._timeline.recording_ms(first)
        at_ms = begin_ms
        while at_ms < end_ms:
            until_ms = min(at_ms + STEP_MS, end_ms)
            await self._feed.reach(until_ms)
            replayed = await self._player.replay(until_ms, MOST_BATCHES, end_ms - APART_MS)
            at_ms = replayed.reached_ms
            if self._between_frames:
                self.missed |= replayed.brought
                await self._player.pass_between()
            elif replayed.restless:
                at_ms = await self._show_restless(at_ms, first)
            else:
                await self._player.pass_unseen(at_ms)

    async def _show_restless(self, at_ms: float, first: int) -> float:
        """Show a page that Blink moves at the video's frames, as the frames of an earlier run did; return the time."""
        shown_ms = -math.inf
        state: PageState | None = None
        for frame_ms in frames_before(self._timeline, at_ms, first):
            is_due = state is None or state.moving or frame_ms - shown_ms >= LONGEST_GAP_MS
            if not is_due and not self._planner.has_event(shown_ms, frame_ms):
                continue
            await self._feed.reach(frame_ms)
            state = await self._player.seek(frame_ms)
            await self._player.paint(frame_ms, changed=state.changed, restless=state.restless)
            shown_ms = frame_ms
            if not state.restless:
                return frame_ms
        return self._timeline.recording_ms(first)


def frames_before(timeline: Timeline, at_ms: float, first: int) -> Iterator[float]:
    """Times of frames from `at_ms` on up to frame `first`, on a grid that goes back before the video's first frame."""
    begin_ms = timeline.recording_ms(0)
    step_ms = timeline.recording_ms(1) - begin_ms if timeline.frames > 1 else 1000 / float(timeline.fps)
    for count in range(math.floor((begin_ms - at_ms) / step_ms), 0, -1):
        yield round(begin_ms - count * step_ms, 3)
    for index in range(first):
        frame_ms = timeline.recording_ms(index)
        if frame_ms >= at_ms:
            yield frame_ms
