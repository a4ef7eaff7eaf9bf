"""Brings one resource to what its spec and its queue ask for: observe, decide, plan, act, report."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import InvalidSpec, PermanentError
from video_export_operator.manifests import Ref
from video_export_operator.metrics import Metrics
from video_export_operator.plan import RESYNC, Report, plan_objects, plan_report
from video_export_operator.reconcile.acting import Actor
from video_export_operator.reconcile.asking import Asker
from video_export_operator.reconcile.listening import Listener
from video_export_operator.reconcile.record import Record
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.scaling import Decision, Observation, Pod, decide
from video_export_operator.status import Condition, Findings, judge, judge_unreadable

log = logging.getLogger(__name__)

UNREADABLE = 60.0
"""Seconds until a resource that cannot be used is looked at again without a change."""
BACKOFF = (0.5, 30.0)
"""Seconds of the first and the longest wait after a passing error."""
SLOWLY = 15.0
"""Seconds until an action that failed for good is tried again without a change."""


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
        """
        body = self.store.resources.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return None
        began = time.monotonic()
        try:
            resource = record.parse(body)
        except InvalidSpec as problem:
            await self._report(key, body, record, judge_unreadable(problem))
            return time.monotonic() + UNREADABLE
        await self._resync(resource, record)
        await self.asker.refresh(resource, record, self._is_at_zero(resource), began)
        await self.listener.complete(resource, record, self.store.pods(key))
        decision = await self._decide(resource, record)
        await self._act(resource, record, decision)
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
        record.resynced_at = at

    async def _decide(self, resource: VideoExportWorker, record: Record) -> Decision:
        """Return the size, with open executions counted and pods read again where that matters."""
        count = None
        decision, memory = decide(resource.spec, observe(resource, self.store, record), record.memory)
        if decision.count_wanted:
            count = await self.asker.count_open(resource, record, time.monotonic())
            decision, memory = decide(resource.spec, observe(resource, self.store, record, count), memory)
        live = self.store.deployment(resource.key, resource.uid)
        if live is not None and decision.replicas < (live.decided or 0):
            # Pods are about to be taken: by what they are now, not by what a watch has shown.
            pods = await self.cluster.list_pods(resource.key.namespace, resource.name)
            self.store.replace_pods(resource.key, pods)
            decision, memory = decide(resource.spec, observe(resource, self.store, record, count), memory)
        record.memory = memory
        return decision

    async def _act(self, resource: VideoExportWorker, record: Record, decision: Decision) -> None:
        """Bring the cluster to the decision; what failed is tried again later, or sooner if something changed."""
        if resource.dry_run:
            record.problem = None
            return
        at, key = time.monotonic(), resource.key
        live = self.store.deployment(key, resource.uid)
        tried = (resource.generation, decision.replicas, live)
        if record.problem is not None and at < record.retry_at and tried == record.tried:
            return
        if tried == record.in_place and not record.applied.is_stale(at):
            return
        actions = plan_objects(
            record.wanted(resource, decision.replicas), decision, live, self.store.pods(key), record.applied, at
        )
        if not actions:
            record.rest(tried)
            return
        self._note_scale(resource, live, decision)
        record.in_place = ()
        record.problem = await self.actor.carry_out(key, resource.uid, actions, record)
        if record.problem is None:
            record.attempts = 0
            if record.applied.is_stale(at):
                record.applied = replace(record.applied, at=at + RESYNC * 0.1 * self.random())
            return
        log.warning("%s: %s: %s", key, record.problem.reason, record.problem)
        record.attempts += 1
        record.retry_at = time.monotonic() + self._pause(record)
        record.tried = (resource.generation, decision.replicas, self.store.deployment(key, resource.uid))

    def _note_scale(self, resource: VideoExportWorker, live: LiveDeployment | None, decision: Decision) -> None:
        """Log and count a change of size with its reason."""
        before = live.decided if live is not None else None
        if before == decision.replicas:
            return
        size = f"from {before if before is not None else 'nothing'} to {decision.replicas}"
        log.info("%s: %s: %s", resource.key, size, decision.reason)
        which = (resource.key.namespace, resource.key.name, decision.proposal.rule)
        self.metrics.decisions.labels(*which).inc()

    def _pause(self, record: Record) -> float:
        """Return how long to wait after a failure, in seconds."""
        if isinstance(record.problem, PermanentError):
            return SLOWLY
        first, longest = BACKOFF
        return float(min(longest, first * 2 ** min(record.attempts, 10)) * (0.5 + self.random() / 2))

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
        # Whoever is asked a thousand times a second says what is new, and looks at the numbers once a minute.
        news, at = (found, body, record.queue and record.queue.numbers), time.monotonic()
        if news == record.told[0] and at - record.told[1] < REFRESH:
            return
        applied = live is not None and live.decided == decision.replicas
        if body is not None:
            await self._report(key, body, record, judge(found), decision, live, applied)
        self._measure(key, record, decision, live, applied)
        record.told = (news, at)

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
                log.warning("%s: the status could not be written: %s", key, problem)

    def _measure(
        self, key: Key, record: Record, decision: Decision, live: LiveDeployment | None, applied: bool
    ) -> None:
        """Bring the resource's metrics up to date."""
        which = (key.namespace, key.name)
        self.metrics.desired.labels(*which).set(decision.replicas)
        self.metrics.ready.labels(*which).set(live.ready_replicas if live is not None else 0)
        self.metrics.busy.labels(*which).set(len(decision.workload.busy))
        self.metrics.unknown.labels(*which).set(len(decision.workload.unknown))
        self.metrics.needed.labels(*which).set(decision.workload.needed)
        self.metrics.reachable.labels(*which).set(record.silence is None)
        if record.queue is not None:
            self.metrics.backlog.labels(*which, "activity").set(record.queue.activities.tasks)
            self.metrics.backlog.labels(*which, "workflow").set(record.queue.workflows.tasks)

    def _next_due(self, resource: VideoExportWorker, record: Record) -> float:
        """Return when the resource is due again without anything changing."""
        due = self.asker.next_ask(resource, record, self._is_at_zero(resource))
        return min(due, record.retry_at) if record.problem is not None else due

    def _is_at_zero(self, resource: VideoExportWorker) -> bool:
        """Return whether there are no pods and none are asked for."""
        live = self.store.deployment(resource.key, resource.uid)
        return not self.store.pods(resource.key) and (live is None or not live.decided)


def observe(
    resource: VideoExportWorker, store: Store, record: Record, open_executions: int | None = None
) -> Observation:
    """Return what is known now."""
    live = store.deployment(resource.key, resource.uid)
    body = store.resources.get(resource.key) or {}
    # A Deployment that somebody deleted comes back as it was.
    last = (body.get("status") or {}).get("desiredReplicas", 0)
    return Observation(
        at=time.monotonic(),
        present=(live.decided or 0) if live is not None else last,
        pods=tuple(_pod(pod) for pod in store.pods(resource.key)),
        queue=record.queue,
        failures=record.failures,
        rolling=live is not None and live.rolling,
        open_executions=open_executions,
    )


def _pod(pod: LivePod) -> Pod:
    """Return what a decision needs of a pod."""
    return Pod(
        name=pod.name,
        started=pod.started,
        ready=pod.ready,
        assigned=pod.assigned,
        phase=pod.phase,
        terminating=pod.terminating,
        deletion_cost=pod.deletion_cost,
    )
