"""Carries out plans: the one place that writes, and only while this replica leads."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from video_export_operator.cluster import Cluster
from video_export_operator.errors import NotLeading, OperatorError, PermanentError
from video_export_operator.metrics import Metrics
from video_export_operator.plan import Action, Apply, EmitEvent, Remove, Resize, SetDeletionCost, WriteStatus
from video_export_operator.reconcile.record import Record
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key
from video_export_operator.resource.live import take_fingerprint


@dataclass(frozen=True)
class Actor:
    """Carries out actions; `places` is how many resources may be acted on at once."""

    cluster: Cluster
    store: Store
    metrics: Metrics
    places: asyncio.Semaphore

    async def carry_out(self, key: Key, uid: str, actions: Iterable[Action], record: Record) -> OperatorError | None:
        """Try every action and return the error to tell, the most lasting one.

        One action that fails keeps no other from being tried: workers must be scaled even where a NetworkPolicy is
        refused.

        Raises:
            NotLeading: this replica may not act any more.
        """
        errors = []
        for action in actions:
            try:
                await self._act(key, uid, action, record)
            except NotLeading:
                raise
            except OperatorError as error:
                self.metrics.errors.labels(error.reason).inc()
                errors.append(error)
        permanent = [error for error in errors if isinstance(error, PermanentError)]
        return next(iter(permanent or errors), None)

    async def _act(self, key: Key, uid: str, action: Action, record: Record) -> None:
        """Carry out one action."""
        self.metrics.actions.labels(type(action).__name__).inc()
        match action:
            case Apply():
                await self._apply(key, uid, action, record)
            case Resize(ref, replicas):
                resized = await self.cluster.resize(ref, key.namespace, uid, replicas)
                record.applied = replace(record.applied, size=(resized["metadata"]["uid"], replicas))
                self.store.put_deployment(resized)
            case Remove(ref):
                await self.cluster.remove(ref, key.namespace, uid)
                record.applied = replace(record.applied, digests={**record.applied.digests, ref: ""})
            case SetDeletionCost(pod, cost):
                await self.cluster.set_deletion_cost(key.namespace, pod, cost)
            case EmitEvent(name, reason, message, warning):
                await self.cluster.emit_event(key, uid, name, reason, message, warning)
            case WriteStatus(status, version):
                written = await self.cluster.write_status(key, status, version)
                if written is None:
                    self.store.forget(key)
                else:
                    self.store.put_resource(written)

    async def _apply(self, key: Key, uid: str, action: Apply, record: Record) -> None:
        """Apply one object and remember what became of it."""
        ref = action.manifest.ref
        same = record.applied.digests.get(ref) == action.manifest.digest
        before = record.applied.left.get(ref, "") if same else ""
        applied = await self.cluster.apply(action.manifest, key.namespace, uid, before)
        left = take_fingerprint(applied) if applied is not None else ""
        record.applied = replace(
            record.applied,
            digests={**record.applied.digests, ref: action.manifest.digest},
            left={**record.applied.left, ref: left},
        )
        if applied is None:
            return
        if ref.kind == "Deployment":
            record.applied = replace(record.applied, size=(applied["metadata"]["uid"], applied["spec"]["replicas"]))
            self.store.put_deployment(applied)
        else:
            self.store.put_child(applied)
