"""The parts of segments in the storage."""

from __future__ import annotations

from collections.abc import Sequence

from video_export_worker import pipeline
from video_export_worker.activities import naming
from video_export_worker.activities.feeding import StoredPart
from video_export_worker.activities.turns import in_turns
from video_export_worker.contract import PlanReference, Segment, StoredSegment, VideoFormat
from video_export_worker.errors import Internal
from video_export_worker.part_runs import RenderedSegment
from video_export_worker.storage import Storage, join_uri


class PartStore:
    """Parts of exports in the storage: those of a segment are there when its result is."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, plan: PlanReference, segment: Segment) -> StoredSegment | None:
        """Look for the parts of an earlier attempt."""
        stored = await self._storage.read(join_uri(naming.segment_prefix(plan, segment), naming.RESULT_NAME))
        return None if stored is None else StoredSegment.model_validate_json(stored)

    async def publish(self, plan: PlanReference, segment: Segment, rendered: RenderedSegment) -> StoredSegment:
        """Store the parts, and last the result that says they are all there.

        Frames without a gap are a segment of their own, whatever was asked for: so they are found when they are joined.
        """
        first, *later = _list_stretches(rendered.runs)
        for numbers in later:
            counted_before = StoredSegment(runs=[1], parts={}, captured=0, repeated=0)
            await self._store(plan, rendered, numbers, counted_before)
        described = StoredSegment(
            runs=[1],
            parts={},
            captured=rendered.captured,
            repeated=rendered.repeated,
            masked=dict(rendered.masked),
            colours=list(rendered.colours),
            warnings=list(rendered.warnings),
            rest=list(rendered.rest),
        )
        stored = await self._store(plan, rendered, first, described)
        if stored.count < segment.count:  # a retry asks for the whole segment
            await self._write(plan, segment, stored)
        return stored

    async def _store(
        self, plan: PlanReference, rendered: RenderedSegment, numbers: Sequence[int], described: StoredSegment
    ) -> StoredSegment:
        """Store the parts of these runs, which follow each other, then what is said of them."""
        runs = [rendered.runs[number] for number in numbers]
        stretch = Segment(first=runs[0].first, count=runs[-1].stop - runs[0].first)
        prefix = naming.segment_prefix(plan, stretch)
        parts: dict[VideoFormat, list[str]] = {}
        for name, files in rendered.parts.items():
            parts[name] = [f"{name}-{number}{pipeline.part_suffix(name)}" for number in numbers]
            for number, part in zip(numbers, parts[name], strict=True):
                await self._storage.publish(files[number].path, join_uri(prefix, part))
        stored = described.model_copy(update={"runs": [run.count for run in runs], "parts": parts})
        await self._write(plan, stretch, stored)
        return stored

    async def _write(self, plan: PlanReference, segment: Segment, stored: StoredSegment) -> None:
        result = join_uri(naming.segment_prefix(plan, segment), naming.RESULT_NAME)
        await self._storage.write(stored.model_dump_json().encode(), result)

    async def read_all(self, plan: PlanReference, segments: list[tuple[int, int]]) -> list[tuple[str, StoredSegment]]:
        """Read the results of all segments, each with the URI prefix of its parts.

        Raises:
            Internal: a segment is not there.
        """
        found: dict[int, tuple[str, StoredSegment]] = {}

        async def read(segment: Segment) -> None:
            stored = await self.find(plan, segment)
            if stored is None or stored.count != segment.count:
                raise Internal(f"the parts of {segment.count} frames from {segment.first} on are not in the storage")
            found[segment.first] = naming.segment_prefix(plan, segment), stored

        await in_turns(read, [Segment(first=first, count=count) for first, count in segments])
        return [found[first] for first, _ in segments]


def _list_stretches(runs: Sequence[Segment]) -> list[list[int]]:
    """Group the numbers of runs: those that follow each other without a gap are one stretch."""
    stretches = [[0]]
    for number in range(1, len(runs)):
        if runs[number].first == runs[number - 1].stop:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    return stretches


def list_parts(segments: list[tuple[str, StoredSegment]], name: VideoFormat) -> list[StoredPart]:
    """List the parts of a format in the video's order."""
    return [
        StoredPart(join_uri(prefix, part), frames)
        for prefix, stored in segments
        for part, frames in zip(stored.parts[name], stored.runs, strict=True)
    ]
