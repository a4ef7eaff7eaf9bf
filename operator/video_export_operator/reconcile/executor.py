"""Carries out plans: the one place that writes, and only while this replica leads."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import NotLeading, OperatorError, PermanentError, TransientError
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.metrics import Metrics
from video_export_operator.plan import (
    Action,
    Apply,
    EmitEvent,
    Outcome,
    Plan,
    Remove,
    Resize,
    SetDeletionCost,
    WriteStatus,
    deployment_ref,
    most_lasting,
    ref_of,
)
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key
from video_export_operator.resource.live import take_fingerprint


@dataclass(frozen=True)
class PlanExecutor:
    """Carries out the plans for any resource."""

    cluster: Cluster
    store: Store
    metrics: Metrics

    async def execute(self, key: Key, uid: str, plan: Plan) -> Outcome:
        """Carry out a plan and return what came of it.

        Raises:
            NotLeading: this replica may not act any more.
        """
        refused = await self._check(key, uid, plan.check) if plan.check is not None else None
        if refused is None:
            done = await self._execute_all(key, uid, plan.actions)
            return replace(done, left={plan.check.ref: ""}) if plan.check is not None and not plan.actions else done
        instead = await self._execute_all(key, uid, plan.otherwise)
        return replace(instead, failed={**dict.fromkeys(plan.refs, refused), **instead.failed})

    async def tell(self, key: Key, uid: str, actions: Iterable[EmitEvent | WriteStatus]) -> OperatorError | None:
        """Tell the resource's readers something, and return what kept it from them, the most lasting problem.

        Raises:
            NotLeading: this replica may not act any more.
        """
        problems = [await self._tell(key, uid, action) for action in actions]
        return most_lasting(problem for problem in problems if problem is not None)

    async def _execute_all(self, key: Key, uid: str, actions: Iterable[Action]) -> Outcome:
        """Carry out every action.

        One that fails keeps no other from being tried: workers must be scaled even where a NetworkPolicy is refused.
        """
        whole = Outcome()
        for action in actions:
            try:
                self.metrics.actions.labels(type(action).__name__).inc()
                whole |= await self._execute(key, uid, action)
            except NotLeading:
                raise
            except OperatorError as error:
                self.metrics.errors.labels(error.reason).inc()
                whole |= Outcome(failed={ref_of(action) or deployment_ref(key.name): error})
        return whole

    async def _execute(self, key: Key, uid: str, action: Action) -> Outcome:
        """Carry out one action."""
        match action:
            case Apply(manifest, left):
                return self._note(manifest.ref, await self.cluster.apply(manifest, key.namespace, uid, left))
            case Resize(ref, replicas):
                resized = await self.cluster.resize(ref, key.namespace, uid, replicas)
                self.store.put_deployment(resized)
                return Outcome(size=(resized["metadata"]["uid"], replicas))
            case Remove(ref):
                await self.cluster.remove(ref, key.namespace, uid)
                return Outcome(left={ref: ""})
            case SetDeletionCost(pod, cost):
                await self.cluster.set_deletion_cost(key.namespace, pod, cost)
                return Outcome()

    async def _tell(self, key: Key, uid: str, action: EmitEvent | WriteStatus) -> OperatorError | None:
        """Tell one thing, and return what kept it from being told."""
        self.metrics.actions.labels(type(action).__name__).inc()
        try:
            match action:
                case EmitEvent(name, reason, message, warning):
                    await self.cluster.emit_event(key, uid, name, reason, message, warning)
                case WriteStatus(status, version):
                    self._note_status(key, await self.cluster.write_status(key, status, version))
        except NotLeading:
            raise
        except OperatorError as error:
            self.metrics.errors.labels(error.reason).inc()
            return error
        return None

    def _note(self, ref: Ref, applied: dict[str, Any] | None) -> Outcome:
        """Feed the store with an object that was applied, and return how it was left; None is of an unknown kind."""
        if applied is None:
            return Outcome(left={ref: ""})
        left = {ref: take_fingerprint(applied)}
        if ref.kind != "Deployment":
            self.store.put_child(applied)
            return Outcome(left)
        self.store.put_deployment(applied)
        return Outcome(left, size=(applied["metadata"]["uid"], applied["spec"]["replicas"]))

    def _note_status(self, key: Key, written: dict[str, Any] | None) -> None:
        """Feed the store with a resource whose status was written; None is of one that is gone."""
        if written is None:
            self.store.forget(key)
        else:
            self.store.put_resource(written)

    async def _check(self, key: Key, uid: str, manifest: Manifest) -> OperatorError | None:
        """Return what the API server has against an object, before anything is changed (a server-side dry run)."""
        try:
            await self.cluster.apply(manifest, key.namespace, uid, dry_run=True)
        except PermanentError as error:
            self.metrics.errors.labels(error.reason).inc()
            return error
        except TransientError:
            return None  # what follows meets it too, and is tried again
        return None
