"""Brings one resource to what its spec and its queue ask for: observe, decide, plan, act, report."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import Conflict, InvalidSpec, OperatorError, PermanentError, Rejected, TransientError
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.metrics import TASK_TYPES, Metrics
from video_export_operator.plan import RESYNC, Report, plan_objects, plan_report, plan_size
from video_export_operator.reconcile.acting import Actor
from video_export_operator.reconcile.asking import Asker
from video_export_operator.reconcile.listening import Listener
from video_export_operator.reconcile.observing import observe
from video_export_operator.reconcile.record import NEVER, Record, Situation
from video_export_operator.reconcile.schedule import spread
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment
from video_export_operator.scaling import Backlog, Decision, decide
from video_export_operator.status import Condition, Findings, judge, judge_unreadable

log = logging.getLogger(__name__)

LONGEST = 300.0
"""Seconds after which a reconciliation is given up and tried again: each request ends by itself long before."""
UNREADABLE = 60.0
"""Seconds until a resource that cannot be used is looked at again without a change."""
BACKOFF = (0.5, 30.0)
"""Seconds of the first and the longest wait after a passing error."""
SLOWLY = (15.0, 300.0)
"""Seconds of the first and the longest wait after an error that only a change mends; one that is seen comes first."""


@dataclass(frozen=True)
class Reconciler:
    """Reconciles any resource of the store; everything it remembers is in the record."""

    cluster: Cluster
    store: Store
    asker: Asker
    listener: Listener
    actor: Actor
    metrics: Metrics
    random: Callable[[], float]

    async def reconcile(self, key: Key, record: Record) -> float | None:
        """Bring the resource up to date and return when it is due again; None when it is gone.

        Create, update, a changed child and the tick all come here. What is in order already costs no write.

        Raises:
            NotLeading: this replica may not act any more.
            TimeoutError: it took longer than it can, which is a defect.
        """
        async with asyncio.timeout(LONGEST) as limit:
            return await self._reconcile(key, record, limit)

    async def _reconcile(self, key: Key, record: Record, limit: asyncio.Timeout) -> float | None:
        body = self.store.resources.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return None
        began = time.monotonic()
        try:
            resource = record.parse(body)
        except InvalidSpec as problem:
            await self._report(key, body, record, judge_unreadable(problem))
            return time.monotonic() + UNREADABLE
        if record.resynced_at == NEVER:
            await self._resync(resource, record)
        await self.asker.refresh(resource, record, self._is_at_zero(resource), began)
        await self._resync(resource, record)  # later ones must not delay the question
        await self.listener.complete(resource, record, self.store.pods(key))
        decision = await self._follow(resource, record, limit)
        await self._tell(resource, record, decision)
        self.metrics.duration.observe(time.monotonic() - began)
        return self._next_due(resource, record)

    async def _resync(self, resource: VideoExportWorker, record: Record) -> None:
        """Read everything again once in a while: a watch that was cut misses what was deleted meanwhile."""
        at = time.monotonic()
        if at - record.resynced_at < RESYNC:
            return
        key = resource.key
        deployment = await self.cluster.fetch(Ref("apps/v1", "Deployment", key.name), key.namespace)
        self.store.replace_deployment(key, deployment)
        self.store.replace_pods(key, await self.cluster.list_pods(key.namespace, key.name))
        record.resynced_at = self._looked_at(at, first=record.resynced_at == NEVER)

    def _looked_at(self, at: float, first: bool) -> float:
        """Return from when to count until the next look: a thousand that were seen together are not looked at together.

        Only the first interval is another: from then on each resource keeps its place.
        """
        return at - RESYNC + spread(RESYNC, self.random) if first else at

    async def _follow(self, resource: VideoExportWorker, record: Record, limit: asyncio.Timeout) -> Decision:
        """Return the size after bringing the cluster to it.

        Only so many act at once: a thousand that begin together would hold their objects in memory together, and
        all be done last instead of one after the other.
        """
        decision, open_executions = await self._decide(resource, record)
        if not self._has_work(resource, record, decision):
            return decision
        limit.reschedule(None)  # how long the others take is no fault of this one
        async with self.actor.places:
            limit.reschedule(asyncio.get_running_loop().time() + LONGEST)
            # What was decided before the wait may be out of date; open executions are counted once a window.
            decision, _ = await self._decide(resource, record, open_executions)
            if self._has_work(resource, record, decision):
                await self._act(resource, record, decision)
        return decision

    async def _decide(
        self, resource: VideoExportWorker, record: Record, count: int | None = None
    ) -> tuple[Decision, int | None]:
        """Return the size and the open executions, which are counted, as pods are read again, where that matters."""
        decision, memory = decide(resource.spec, observe(resource, self.store, record, count), record.memory)
        if decision.count_wanted:
            count = await self.asker.count_open(resource, record, time.monotonic())
            decision, memory = decide(resource.spec, observe(resource, self.store, record, count), memory)
        live = self.store.deployment(resource.key, resource.uid)
        if live is not None and decision.replicas < live.decided:
            # Pods are about to be taken: by what they are now, not by what a watch has shown and Temporal heard.
            pods = await self.cluster.list_pods(resource.key.namespace, resource.name)
            self.store.replace_pods(resource.key, pods)
            await self.listener.look_again(resource, record, self.store.pods(resource.key))
            decision, memory = decide(resource.spec, observe(resource, self.store, record, count), memory)
        record.memory = memory
        return decision, count

    def _has_work(self, resource: VideoExportWorker, record: Record, decision: Decision) -> bool:
        """Return whether there may be something to do that is not waiting to be tried again."""
        at, now = time.monotonic(), self._situation(resource, record, decision)
        if record.problem is not None and at < record.retry_at and now == record.tried:
            return False
        return now != record.in_place or (not resource.dry_run and record.applied.is_stale(at))

    def _situation(self, resource: VideoExportWorker, record: Record, decision: Decision) -> Situation:
        """Return what there is to do and what there is to do it to."""
        live = self.store.deployment(resource.key, resource.uid)
        secrets = record.secrets if record.secrets is not None else live.secrets if live is not None else ""
        children = self.store.children(resource.key)
        return Situation(resource.generation, resource.dry_run, decision.replicas, secrets, live, children)

    async def _act(self, resource: VideoExportWorker, record: Record, decision: Decision) -> None:
        """Bring the cluster to the decision; what failed is tried again later, or sooner if something changed."""
        at, key = time.monotonic(), resource.key
        tried = self._situation(resource, record, decision)
        live = tried.deployment
        wanted = record.wanted(resource, decision.replicas, tried.secrets)
        actions = plan_objects(wanted, decision, live, self.store.pods(key), record.applied, at, tried.children)
        if not actions:
            record.rest(tried)
            return
        record.in_place = None
        refused = await self._check(resource, record, wanted.workload)
        if refused is not None or resource.dry_run:
            actions = ()
        if refused is not None and live is not None and not resource.dry_run:
            # The size does not wait for a template that is right.
            actions = plan_size(wanted.workload.ref, decision, record.present(live), self.store.pods(key))
        if actions:
            self._note_scale(resource, record, live, decision)
        record.problem = await self.actor.carry_out(key, resource.uid, actions, record) or refused
        if record.problem is None and resource.dry_run:
            record.rest(tried)
            return
        if record.problem is None:
            record.attempts = 0
            if record.applied.is_stale(at):
                looked_at = self._looked_at(at, first=record.applied.at is None)
                record.applied = replace(record.applied, at=looked_at)
            return
        about = {"resource": str(key), "reason": record.problem.reason}
        log.warning("%s: %s: %s", key, record.problem.reason, record.problem, extra={"about": about})
        record.attempts += 1
        record.retry_at = time.monotonic() + pause_after(record.problem, record.attempts, self.random())
        record.tried = self._situation(resource, record, decision)

    async def _check(self, resource: VideoExportWorker, record: Record, workload: Manifest) -> OperatorError | None:
        """Return what the API server has against a new template, before anything is changed (a server-side dry run)."""
        status = (self.store.resources.get(resource.key) or {}).get("status") or {}
        is_new = status.get("observedGeneration") != resource.generation
        if not (is_new or resource.dry_run or isinstance(record.problem, Rejected)):
            return None
        try:
            await self.cluster.apply(workload, resource.key.namespace, resource.uid, dry_run=True)
        except PermanentError as error:
            self.metrics.errors.labels(error.reason).inc()
            return error
        except TransientError:
            return None  # what follows meets it too, and is tried again
        return None

    def _note_scale(
        self, resource: VideoExportWorker, record: Record, live: LiveDeployment | None, decision: Decision
    ) -> None:
        """Log and count a change of size with its reason."""
        before = record.present(live) if live is not None else None
        if before == decision.replicas:
            return
        size = f"from {before if before is not None else 'nothing'} to {decision.replicas}"
        rule = str(decision.proposal.rule)
        about = {"resource": str(resource.key), "rule": rule, "from": before, "to": decision.replicas}
        log.info("%s: %s: %s", resource.key, size, decision.reason, extra={"about": about})
        which = (resource.key.namespace, resource.key.name, rule)
        self.metrics.decisions.labels(*which).inc()

    async def _tell(self, resource: VideoExportWorker, record: Record, decision: Decision) -> None:
        """Write status, events and metrics."""
        key = resource.key
        live, pods = self.store.deployment(key, resource.uid), self.store.pods(key)
        silent = frozenset(record.silent_pods(pods, time.monotonic()) if record.silence is None else ())
        found = Findings(
            resource=resource,
            decision=decision,
            deployment=live,
            pods=pods,
            problem=record.problem or record.secret_problem,
            silence=record.silence,
            asked=record.queue is not None,
            silent=silent - record.by_metrics,
            by_metrics=silent & record.by_metrics,
        )
        body = self.store.resources.get(key)
        if body is None or not record.is_news((found, _version(body), _numbers(record)), time.monotonic()):
            return
        applied = live is not None and not resource.dry_run and live.decided == decision.replicas
        await self._report(key, body, record, judge(found), decision, live, applied)
        self._measure(key, record, decision, live, applied)

    async def _report(
        self,
        key: Key,
        body: Any,
        record: Record,
        conditions: tuple[Condition, ...],
        decision: Decision | None = None,
        live: LiveDeployment | None = None,
        applied: bool = False,
    ) -> None:
        """Write what is news about the resource."""
        at = time.monotonic()
        metadata = body["metadata"]
        report = Report(
            key=key,
            uid=metadata["uid"],
            version=metadata.get("resourceVersion", ""),
            generation=metadata.get("generation", 0),
            conditions=conditions,
            old=body.get("status") or {},
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            since_last=at - record.told_at,
        )
        actions = plan_report(report, decision, live, record.queue, applied)
        if actions:
            problem = await self.actor.carry_out(key, report.uid, actions, record)
            record.told_at = at
            if problem is not None:
                record.told = None  # and so it is tried again
                level = logging.INFO if isinstance(problem, Conflict) else logging.WARNING
                log.log(level, "%s: the status could not be written: %s", key, problem)

    def _measure(
        self, key: Key, record: Record, decision: Decision, live: LiveDeployment | None, applied: bool
    ) -> None:
        """Bring the resource's metrics up to date."""
        which = (key.namespace, key.name)
        self.metrics.desired.set(which, decision.replicas)
        self.metrics.ready.set(which, live.ready_replicas if live is not None else 0)
        self.metrics.busy.set(which, len(decision.workload.busy))
        self.metrics.unknown.set(which, len(decision.workload.unknown))
        self.metrics.needed.set(which, decision.workload.needed)
        self.metrics.reachable.set(which, record.silence is None)
        if record.queue is not None:
            tasks = (record.queue.activities.tasks, record.queue.workflows.tasks)
            for kind, count in zip(TASK_TYPES, tasks, strict=True):
                self.metrics.backlog.set((*which, kind), count)

    def _next_due(self, resource: VideoExportWorker, record: Record) -> float:
        """Return when the resource is due again without anything changing."""
        due = self.asker.next_ask(resource, record, self._is_at_zero(resource))
        return min(due, record.retry_at) if record.problem is not None else due

    def _is_at_zero(self, resource: VideoExportWorker) -> bool:
        """Return whether there are no pods and none are asked for."""
        live = self.store.deployment(resource.key, resource.uid)
        return not self.store.pods(resource.key) and (live is None or not live.decided)


def pause_after(problem: OperatorError, attempts: int, random: float) -> float:
    """Return how long to wait after a failure, in seconds: longer each time, and not all at once.

    Args:
        problem: what it failed with.
        attempts: failures in a row, this one included.
        random: from 0 to 1.
    """
    first, longest = SLOWLY if isinstance(problem, PermanentError) else BACKOFF
    return float(min(longest, first * 2 ** min(attempts - 1, 10)) * (0.5 + random / 2))


def _version(body: Any) -> Any:
    """Return what changes with every change of a resource, its status included."""
    return body["metadata"].get("resourceVersion")


def _numbers(record: Record) -> tuple[Backlog, Backlog] | None:
    """Return what Temporal last said, as far as it is shown."""
    return (record.queue.activities, record.queue.workflows) if record.queue is not None else None
