"""What is remembered of one resource between two reconciliations: one value, passed in and returned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from video_export_operator.errors import OperatorError
from video_export_operator.manifests import Ref
from video_export_operator.plan import NEVER, Converged
from video_export_operator.reconcile.secret_turns import Turn
from video_export_operator.scaling import Memory as ScalingMemory
from video_export_operator.scaling import QueueState
from video_export_operator.temporal_queue import Endpoint


@dataclass(frozen=True, slots=True)
class Poll:
    """What was last heard of a queue, and what the Secrets on the way to it hold.

    Attributes:
        endpoint: where Temporal was asked, with the credentials of then.
        queue: its newest answer, completed by what pods say themselves.
        failures: attempts to ask it that have failed since, and `silence` the last of them.
        secret_problem: what is wrong with a Secret that only the pods use.
        secrets: hash of what the Secrets of the resource hold; None until all of them could be read.
        asked_at: when Temporal was last asked, and `asked_all_at` when for everything.
        next_at: when to ask next.
        completed_at: time of the last answer that was completed by asking pods.
        by_metrics: pods that have no heartbeat and said on their metrics port what they do.
        open_executions: open workflows of the queue, if they were counted in this reconciliation.
        count_refused: why they could not be counted in this reconciliation.
    """

    endpoint: Endpoint | None = None
    queue: QueueState | None = None
    failures: int = 0
    silence: OperatorError | None = None
    secret_problem: OperatorError | None = None
    secrets: str | None = None
    asked_at: float = NEVER
    asked_all_at: float = NEVER
    next_at: float = NEVER
    completed_at: float = NEVER
    by_metrics: frozenset[str] = frozenset()
    open_executions: int | None = None
    count_refused: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """The past of one resource; times are seconds of the monotonic clock.

    Attributes:
        uid: of the resource; another one of the same name has another past.
        scaling: what decisions remember.
        poll: what was heard of its queue.
        count_wanted: the last decision asks for the number of open executions.
        turn: what the pods are given of what the Secrets hold.
        size_waits: the last decision asks for fewer pods, and the template came first.
        objects: how each object was left.
        size: uid of the Deployment and the size that it was last given.
        resynced_at: when everything was last read from the API server.
        told: how the status was left.
        spent_before: busy and idle pod-seconds before this memory, as the status had them.
        served_by: Lease of another operator that serves the resource, where that was told.
        ready_since: ready pods that Temporal has not heard of, and when they were first seen like that.
    """

    uid: str
    scaling: ScalingMemory = field(default_factory=ScalingMemory)
    poll: Poll = Poll()
    count_wanted: bool = False
    turn: Turn = field(default_factory=Turn)
    size_waits: bool = False
    objects: Mapping[Ref, Converged] = field(default_factory=dict)
    size: tuple[str, int] | None = None
    resynced_at: float = NEVER
    told: Converged = field(default_factory=Converged)
    spent_before: tuple[int, int] = (0, 0)
    served_by: str = ""
    ready_since: Mapping[str, float] = field(default_factory=dict)


def begin_memory(uid: str, body: Mapping[str, Any] | None) -> Memory:
    """Return the memory of a resource that was not reconciled yet by this operator.

    Args:
        uid: of the resource.
        body: as the API server has it; None where it is gone.
    """
    spent = ((body or {}).get("status") or {}).get("podSeconds") or {}
    return Memory(uid, spent_before=(spent.get("busy", 0), spent.get("idle", 0)))
