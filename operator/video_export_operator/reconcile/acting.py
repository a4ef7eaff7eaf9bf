"""Carries out plans: the one place that writes, and only while this replica leads."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from video_export_operator.cluster import Cluster
from video_export_operator.errors import NotLeading, OperatorError, PermanentError
from video_export_operator.metrics import Metrics
from video_export_operator.plan import Action, Apply, EmitEvent, Remove, SetDeletionCost, WriteStatus
from video_export_operator.reconcile.record import Record
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key
from video_export_operator.resource.live import parse_deployment


@dataclass(frozen=True)
class Actor:
    """Carries out the actions for one resource after another."""

    cluster: Cluster
    store: Store
    metrics: Metrics

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
            case Remove(ref):
                await self.cluster.remove(ref, key.namespace, uid)
                record.applied = replace(record.applied, digests={**record.applied.digests, ref: ""})
            case SetDeletionCost(pod, cost):
                await self.cluster.set_deletion_cost(key.namespace, pod, cost)
            case EmitEvent(name, reason, message, warning):
                await self.cluster.emit_event(key, uid, name, reason, message, warning)
            case WriteStatus(status):
                written = await self.cluster.write_status(key, status)
                if written is None:
                    self.store.forget(key)
                else:
                    self.store.put_resource(written)

    async def _apply(self, key: Key, uid: str, action: Apply, record: Record) -> None:
        """Apply one object and remember what became of it."""
        ref = action.manifest.ref
        applied = await self.cluster.apply(action.manifest, key.namespace, uid)
        deployment = record.applied.deployment
        if ref.kind == "Deployment" and applied is not None:
            live = parse_deployment(applied)
            deployment = (live.uid, live.generation)
            self.store.put_deployment(applied)
        digests = {**record.applied.digests, ref: action.manifest.digest}
        record.applied = replace(record.applied, digests=digests, deployment=deployment)
