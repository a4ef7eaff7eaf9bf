"""The parts of segments in the storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from video_export_worker import pipeline
from video_export_worker.activities import naming
from video_export_worker.contract import PlanReference, Segment, StoredSegment, VideoFormat
from video_export_worker.errors import Internal
from video_export_worker.storage import Storage, join_uri


class PartStore:
    """Parts of exports in the storage: those of a segment are there when its result is."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, plan: PlanReference, segment: Segment) -> StoredSegment | None:
        """Look for the parts of an earlier attempt."""
        stored = await self._storage.read(join_uri(naming.segment_prefix(plan, segment), naming.RESULT_NAME))
        return None if stored is None else StoredSegment.model_validate_json(stored)

    async def publish(self, plan: PlanReference, segment: Segment, rendered: pipeline.RenderedSegment) -> StoredSegment:
        """Store the parts, and last the result that says they are all there."""
        prefix = naming.segment_prefix(plan, segment)
        names = {
            name: [f"{name}-{run}{pipeline.part_suffix(name)}" for run in range(len(files))]
            for name, files in rendered.parts.items()
        }
        for name, files in rendered.parts.items():
            for file, part in zip(files, names[name], strict=True):
                await self._storage.publish(file.path, join_uri(prefix, part))
        stored = StoredSegment(
            runs=[file.frames for file in next(iter(rendered.parts.values()))],
            parts=names,
            captured=rendered.captured,
            repeated=rendered.repeated,
            masked=dict(rendered.masked),
            warnings=list(rendered.warnings),
        )
        await self._storage.write(stored.model_dump_json().encode(), join_uri(prefix, naming.RESULT_NAME))
        return stored

    async def read_all(self, plan: PlanReference, segments: list[tuple[int, int]]) -> list[tuple[str, StoredSegment]]:
        """Read the results of all segments, each with the URI prefix of its parts.

        Raises:
            Internal: a segment is not there.
        """
        found = []
        for first, count in segments:
            segment = Segment(first=first, count=count)
            stored = await self.find(plan, segment)
            if stored is None:
                raise Internal(f"the parts of the frames {first} to {first + count - 1} are not in the storage")
            found.append((naming.segment_prefix(plan, segment), stored))
        return found

    async def fetch(
        self, segments: list[tuple[str, StoredSegment]], names: list[VideoFormat], workdir: Path
    ) -> dict[VideoFormat, list[pipeline.Part]]:
        """Fetch all parts in the video's order."""
        parts: dict[VideoFormat, list[pipeline.Part]] = {name: [] for name in names}
        for name, uri, frames in _list_parts(segments, names):
            path = workdir / f"part-{len(parts[name]):06d}-{name}{pipeline.part_suffix(name)}"
            await self._storage.fetch(uri, path)
            parts[name].append(pipeline.Part(path, frames))
        return parts


def _list_parts(
    segments: list[tuple[str, StoredSegment]], names: list[VideoFormat]
) -> Iterator[tuple[VideoFormat, str, int]]:
    for prefix, stored in segments:
        for name in names:
            for part, frames in zip(stored.parts[name], stored.runs, strict=True):
                yield name, join_uri(prefix, part), frames
