"""Which resources follow one queue, and the part of what waits there that each of them takes."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from video_export_operator.resource import Key
from video_export_operator.resource.identity import DRY_RUN_ANNOTATION
from video_export_operator.scaling import Backlog, QueueState

Json = Mapping[str, Any]
Queue = tuple[str, str, str]


class QueueIndex:
    """Resources by their queue: address, namespace and name."""

    def __init__(self) -> None:
        self._queues: dict[Queue, dict[Key, int]] = {}
        self._of: dict[Key, Queue] = {}

    def put(self, key: Key, body: Json) -> None:
        """Note which queue a resource follows, and how many pods it may have."""
        self.drop(key)
        queue, weight = _queue_of(body), _weight_of(body)
        if weight:
            self._of[key] = queue
            self._queues.setdefault(queue, {})[key] = weight

    def drop(self, key: Key) -> None:
        """Forget a resource."""
        queue = self._of.pop(key, None)
        if queue is not None:
            del self._queues[queue][key]
            if not self._queues[queue]:
                del self._queues[queue]

    def shares(self, key: Key) -> Mapping[Key, float]:
        """Return the part of each resource that follows the queue of this one: its `maxReplicas` of all of theirs."""
        weights = self._queues.get(self._of[key], {}) if key in self._of else {}
        total = sum(weights.values())
        return {each: weight / total for each, weight in weights.items()}


def take_share(queue: QueueState | None, share: float) -> QueueState | None:
    """Return what a resource takes of a queue that others follow as well."""
    if queue is None or share >= 1.0:
        return queue
    return replace(queue, activities=_part(queue.activities, share), workflows=_part(queue.workflows, share))


def _part(backlog: Backlog, share: float) -> Backlog:
    """Return a part of what waits, rounded up: the last task is everybody's."""
    return replace(
        backlog,
        tasks=math.ceil(backlog.tasks * share),
        add_rate=backlog.add_rate * share,
        dispatch_rate=backlog.dispatch_rate * share,
        rate_limit=backlog.rate_limit * share if backlog.rate_limit is not None else None,
    )


def _queue_of(body: Json) -> Queue:
    """Return which queue a resource follows."""
    temporal = (body.get("spec") or {}).get("temporal") or {}
    return temporal.get("address", ""), temporal.get("namespace", "default"), temporal.get("taskQueue", "")


def _weight_of(body: Json) -> int:
    """Return `maxReplicas`; 0 for a resource whose size follows something else."""
    scaling = (body.get("spec") or {}).get("scaling") or {}
    annotations = body["metadata"].get("annotations") or {}
    if scaling.get("mode") == "Manual" or scaling.get("paused") or annotations.get(DRY_RUN_ANNOTATION) == "true":
        return 0
    return int(scaling.get("maxReplicas", 10))
