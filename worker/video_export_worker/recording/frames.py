"""Which frames a checkout of the recorder forgets: it lists an iframe that had content, and nothing fills it again."""

from __future__ import annotations

from typing import Any, Final

from video_export_worker.recording.events import Event, is_full_snapshot, is_id, list_objects
from video_export_worker.recording.schema import NodeType

PATIENCE_MS: Final = 5_000.0  # a recorder looks at frames again soon after its snapshot


class FrameFollower:
    """Follows the frames of a window through its full snapshots and mutations, in their order.

    Attributes:
        forgotten: For each frame that a full snapshot forgets, the snapshot's number and the frame's id.
    """

    def __init__(self) -> None:
        self.forgotten: list[tuple[int, int]] = []
        self._snapshot = -1
        self._at_ms = 0.0
        self._filled: set[int] = set()
        self._awaited: set[int] = set()

    def follow(self, at_ms: float, event: Event, frames: list[int]) -> None:
        """Take in an event.

        Args:
            at_ms: Its time.
            event: A full snapshot or a mutation.
            frames: Ids of the iframes that it brings.
        """
        if is_full_snapshot(event):
            self.finish()
            self._snapshot += 1
            self._at_ms = at_ms
            self._filled &= set(frames)
            self._awaited = set(self._filled)
            return
        for add in list_objects(event["data"].get("adds")):
            self._follow_add(at_ms, add)
        removed = (entry.get("id") for entry in list_objects(event["data"].get("removes")))
        self._filled.difference_update(node for node in removed if is_id(node))

    def finish(self) -> None:
        """Count what is still awaited as forgotten: another snapshot, or nothing more, comes."""
        self.forgotten += ((self._snapshot, frame) for frame in sorted(self._awaited))
        self._awaited = set()

    def _follow_add(self, at_ms: float, add: dict[str, Any]) -> None:
        node: Any = add.get("node")
        frame: Any = add.get("parentId")
        if not isinstance(node, dict) or node.get("type") != NodeType.DOCUMENT or not is_id(frame):
            return
        self._filled.add(int(frame))
        if at_ms - self._at_ms <= PATIENCE_MS:
            self._awaited.discard(int(frame))
