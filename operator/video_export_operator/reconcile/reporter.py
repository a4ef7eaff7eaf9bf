"""Tells what was found about a resource: conditions, events and metrics."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from video_export_operator.errors import Conflict, InvalidSpec
from video_export_operator.metrics import POD_STATES, TASK_TYPES, Metrics
from video_export_operator.plan import Converged, Due, EmitEvent, WriteStatus, find_problems, note_failure
from video_export_operator.reconcile.claims import find_contender
from video_export_operator.reconcile.executor import PlanExecutor
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.snapshot import Snapshot
from video_export_operator.reconcile.step import Step
from video_export_operator.resource import Key
from video_export_operator.scaling import TaskType
from video_export_operator.status import (
    Condition,
    Findings,
    Report,
    claimed_by_another,
    conditions_from,
    conditions_of_unreadable,
    left_selector,
    plan_report,
)

log = logging.getLogger(__name__)

REPORT_GRACE = 75.0
"""Seconds that a ready pod may be without a heartbeat before that is told; the SDK's default interval is 60 s."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Reporter:
    """Tells of any resource what is news."""

    executor: PlanExecutor
    metrics: Metrics
    random: Callable[[], float]

    async def report(self, body: Json, step: Step) -> Memory:
        """Tell what a step found, and return its memory with how the status was left.

        Raises:
            NotLeading: this replica may not write any more.
        """
        self._measure(step)
        memory = replace(step.memory, ready_since=_unheard(step.memory, step.snapshot))
        report = _begin_report(step.snapshot.resource.key, body, memory, conditions_from(_findings(step, memory)))
        live, queue, spent = step.snapshot.deployment, memory.poll.queue, _pod_seconds(memory)
        actions = plan_report(report, step.decision, live, queue, step.is_applied, spent)
        return await self._tell(report, actions, memory)

    async def report_unreadable(self, key: Key, body: Json, problem: InvalidSpec, memory: Memory) -> Memory:
        """Tell that a resource cannot be used, and return the memory with how the status was left.

        Raises:
            NotLeading: this replica may not write any more.
        """
        report = _begin_report(key, body, memory, conditions_of_unreadable(problem))
        return await self._tell(report, plan_report(report), memory)

    async def report_claimed(self, key: Key, body: Json, holder: str, memory: Memory) -> Memory:
        """Tell once that another operator serves a resource. Its status is the other's to write."""
        if memory.served_by == holder:
            return memory
        log.warning("%s: ClaimedByAnother: the operator of the Lease %s serves it", key, holder)
        self.metrics.errors.labels("ClaimedByAnother").inc()
        await self.executor.tell(key, memory.uid, (claimed_by_another(key, body, holder),))
        return replace(memory, served_by=holder)

    async def report_unserved(self, key: Key, uid: str, body: Json | None) -> None:
        """Tell once that a resource is not served any more, if it is still there."""
        if body is not None:
            await self.executor.tell(key, uid, (left_selector(key, body),))

    async def _tell(self, report: Report, actions: Iterable[EmitEvent | WriteStatus], memory: Memory) -> Memory:
        """Tell what is news, unless the same has failed and waits to be tried again."""
        at, due = time.monotonic(), Due(wanted="status", found=report.version)
        if not actions or memory.told.waits(due, at):
            return memory
        problem = await self.executor.tell(report.key, report.uid, actions)
        if problem is None:
            return replace(memory, told=Converged(due.wanted, at=at))
        level = logging.INFO if isinstance(problem, Conflict) else logging.WARNING
        log.log(level, "%s: the status could not be written: %s", report.key, problem)
        return replace(memory, told=note_failure(memory.told, due, problem, at, self.random()))

    def _measure(self, step: Step) -> None:
        """Bring the resource's metrics up to date."""
        key, live = step.snapshot.resource.key, step.snapshot.deployment
        work, poll, which = step.decision.workload, step.memory.poll, (key.namespace, key.name)
        self.metrics.desired.set(which, step.decision.replicas)
        self.metrics.ready.set(which, live.ready_replicas if live is not None else 0)
        self.metrics.busy.set(which, len(work.busy))
        self.metrics.unknown.set(which, len(work.unknown))
        self.metrics.needed.set(which, work.needed)
        self.metrics.reachable.set(which, poll.silence is None)
        if poll.queue is not None:
            tasks = (poll.queue.activities.tasks, poll.queue.workflows.tasks)
            for kind, count in zip(TASK_TYPES, tasks, strict=True):
                self.metrics.backlog.set((*which, kind), count)
        for kind in TaskType:
            self.metrics.stalled.set((*which, kind), work.stalled.get(kind, 0))
        usage = step.memory.scaling.usage
        for state, seconds in zip(POD_STATES, (usage.busy, usage.idle), strict=True):
            self.metrics.pod_seconds.set((*which, state), seconds)


def _unheard(memory: Memory, snapshot: Snapshot) -> Mapping[str, float]:
    """Return the ready pods of whose worker Temporal has never heard, and since when."""
    heard = memory.scaling.pods.keys() - memory.poll.by_metrics
    mute = {pod.name for pod in snapshot.pods if pod.ready and not pod.terminating and pod.name not in heard}
    return {name: memory.ready_since.get(name, snapshot.at) for name in mute}


def _pod_seconds(memory: Memory) -> tuple[int, int]:
    """Return the busy and idle pod-seconds since the resource was made."""
    usage, (busy, idle) = memory.scaling.usage, memory.spent_before
    return busy + int(usage.busy), idle + int(usage.idle)


def _findings(step: Step, memory: Memory) -> Findings:
    """Return what the conditions follow from."""
    snapshot, poll = step.snapshot, memory.poll
    long = {name for name, since in memory.ready_since.items() if snapshot.at - since >= REPORT_GRACE}
    silent = frozenset(long if poll.silence is None else ())
    return Findings(
        resource=snapshot.resource,
        decision=step.decision,
        deployment=snapshot.deployment,
        pods=snapshot.pods,
        problems=(*find_problems(memory.objects), *([poll.secret_problem] if poll.secret_problem else [])),
        silence=poll.silence,
        asked=poll.queue is not None,
        silent=silent - poll.by_metrics,
        by_metrics=silent & poll.by_metrics,
        contender=find_contender(snapshot.body, snapshot.now),
        ahead=memory.turn.ahead,
        queue=poll.queue,
        now=snapshot.now,
        shares=snapshot.shares,
    )


def _begin_report(key: Key, body: Json, memory: Memory, conditions: tuple[Condition, ...]) -> Report:
    """Return what is to be told about this version of a resource."""
    metadata = body["metadata"]
    return Report(
        key=key,
        uid=metadata["uid"],
        version=metadata.get("resourceVersion", ""),
        generation=metadata.get("generation", 0),
        conditions=conditions,
        old=body.get("status") or {},
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        since_last=time.monotonic() - memory.told.at,
    )
