"""Brings one resource to what its spec and its queue ask for: observe, decide, plan, execute, report."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from video_export_operator.errors import InvalidSpec, ResourceGone
from video_export_operator.metrics import Metrics
from video_export_operator.plan import RESYNC, Outcome, next_retry, remember_outcome
from video_export_operator.reconcile.caches import Caches
from video_export_operator.reconcile.claims import Claims
from video_export_operator.reconcile.executor import PlanExecutor
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.observing import Observer
from video_export_operator.reconcile.pod_probe import with_begun
from video_export_operator.reconcile.reporter import Reporter
from video_export_operator.reconcile.schedule import spread
from video_export_operator.reconcile.step import Step, take_step
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key, VideoExportWorker

log = logging.getLogger(__name__)

LONGEST = 300.0
"""Seconds after which a reconciliation is given up and tried again: each request ends by itself long before."""
CLAIMED = 15.0
"""Seconds until a resource that another operator serves is looked at again."""
UNREADABLE = 60.0
"""Seconds until a resource that cannot be used is looked at again without a change."""


@dataclass(frozen=True)
class Reconciler:
    """Reconciles any resource of the store.

    Attributes:
        turns: how many resources may be acted on at once. A thousand that begin together would hold their objects in
            memory together, and all be done last instead of one after the other.
    """

    store: Store
    observer: Observer
    executor: PlanExecutor
    reporter: Reporter
    claims: Claims
    metrics: Metrics
    turns: asyncio.Semaphore
    random: Callable[[], float]
    caches: Caches = field(default_factory=Caches)

    async def reconcile(self, key: Key, memory: Memory) -> tuple[Memory, float | None]:
        """Bring the resource up to date and return its memory and when it is due again; None when it is gone.

        Create, update, a changed child and the tick all come here. What has converged already costs no write.

        Raises:
            NotLeading: this replica may not act any more.
            TimeoutError: it took longer than it can, which is a defect.
        """
        async with asyncio.timeout(LONGEST) as limit:
            return await self._reconcile(key, memory, limit)

    def forget(self, key: Key) -> None:
        """Forget a resource that is gone."""
        self.caches.forget(key)
        self.observer.forget(key)
        self.metrics.forget(key.namespace, key.name)

    async def _reconcile(self, key: Key, memory: Memory, limit: asyncio.Timeout) -> tuple[Memory, float | None]:
        body = self.store.resources.get(key)
        if body is None:
            await self.reporter.report_unserved(key, memory.uid, await self.observer.find_unserved(key, memory.uid))
        if body is None or "deletionTimestamp" in body["metadata"]:
            return memory, None
        holder = await self.claims.find_holder(key, body)
        if holder is not None:
            memory = await self.reporter.report_claimed(key, body, holder, memory)
            await self.claims.contend(key, body)
            return memory, time.monotonic() + CLAIMED
        body, began = self.store.resources.get(key, body), time.monotonic()
        try:
            resource = self.caches.parse(key, body)
        except InvalidSpec as problem:
            memory = await self.reporter.report_unreadable(key, body, problem, memory)
            return memory, time.monotonic() + UNREADABLE
        try:
            observed = await self.observer.observe(resource, memory)
            after = await self._follow(resource, observed, limit)
        except ResourceGone:
            self.store.drop_resource(body)
            return memory, None
        self.metrics.duration.observe(time.monotonic() - began)
        return after, next_due(memory, after)

    async def _follow(self, resource: VideoExportWorker, memory: Memory, limit: asyncio.Timeout) -> Memory:
        """Return the memory after bringing the cluster to what was decided, and telling of it."""
        step = take_step(self.store.snapshot(resource), memory, self.caches)
        if not step.plan.is_empty:
            has_waited = self.turns.locked()
            limit.reschedule(None)  # how long the others take is no fault of this one
            async with self.turns:
                limit.reschedule(asyncio.get_running_loop().time() + LONGEST)
                if has_waited:  # what was decided before may be out of date
                    step = take_step(self.store.snapshot(resource), memory, self.caches)
                step = await self._act(step)
        body = self.store.resources.get(resource.key)
        return step.memory if body is None else await self.reporter.report(body, step)

    async def _act(self, step: Step) -> Step:
        """Carry the plan out, and return the step as it is after that."""
        resource, present, before = step.snapshot.resource, step.present, step.memory
        outcome = await self.executor.execute(resource, step.plan)
        self._note(step, present, outcome)
        at, stretch = time.monotonic(), spread(RESYNC, self.random)
        memory = replace(
            before,
            objects=remember_outcome(before.objects, step.due, outcome, at, self.random(), stretch),
            poll=with_begun(before.poll, outcome.begun),
            size=outcome.size or before.size,
        )
        return replace(step, snapshot=self.store.snapshot(resource), memory=memory)

    def _note(self, step: Step, present: int | None, outcome: Outcome) -> None:
        """Log what failed, and log and count a change of size with its reason."""
        key, rule = step.snapshot.resource.key, str(step.decision.proposal.rule)
        for problem in dict.fromkeys(outcome.failed.values()):
            reason = problem.reason
            log.warning("%s: %s: %s", key, reason, problem, extra={"about": {"resource": str(key), "reason": reason}})
        if outcome.size is None or outcome.size[1] == present:
            return
        replicas = outcome.size[1]
        about = {"resource": str(key), "rule": rule, "from": present, "to": replicas}
        before = present if present is not None else "nothing"
        log.info("%s: from %s to %s: %s", key, before, replicas, step.decision.reason, extra={"about": about})
        self.metrics.decisions.labels(key.namespace, key.name, rule).inc()


def next_due(before: Memory, memory: Memory) -> float:
    """Return when the resource is due again without anything changing."""
    if memory.size_waits or (memory.count_wanted and not before.count_wanted):
        return time.monotonic()
    return min(memory.poll.next_at, next_retry((*memory.objects.values(), memory.told)))
