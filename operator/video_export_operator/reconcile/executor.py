"""Carries out plans: the one place that writes, and only while this replica leads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import NotLeading, OperatorError, PermanentError, ResourceGone, TransientError
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.metrics import Metrics
from video_export_operator.plan import (
    Action,
    Apply,
    EmitEvent,
    Grow,
    Outcome,
    Plan,
    Protect,
    Remove,
    Replace,
    Shrink,
    Unmark,
    WriteStatus,
    most_lasting,
)
from video_export_operator.reconcile.shrinker import Shrinker
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.identity import PROTECTED, UNPROTECTED
from video_export_operator.resource.live import take_fingerprint


@dataclass(frozen=True)
class PlanExecutor:
    """Carries out the plans for any resource."""

    cluster: Cluster
    store: Store
    shrinker: Shrinker
    metrics: Metrics

    async def execute(self, resource: VideoExportWorker, plan: Plan) -> Outcome:
        """Carry out a plan and return what came of it.

        Raises:
            NotLeading: this replica may not act any more.
            ResourceGone: the resource is not there any more.
        """
        refused = await self._check(resource, plan.check) if plan.check is not None else None
        if refused is None:
            done = await self._execute_all(resource, plan.checked)
            accepted = Outcome({plan.check.ref: ""}) if plan.check is not None and not plan.checked else Outcome()
            return done | accepted | await self._execute_all(resource, plan.others)
        refs = [ref for ref, _ in plan.checked] + ([plan.check.ref] if plan.check is not None else [])
        return Outcome(failed=dict.fromkeys(refs, refused)) | await self._execute_all(resource, plan.others)

    async def tell(self, key: Key, uid: str, actions: Iterable[EmitEvent | WriteStatus]) -> OperatorError | None:
        """Tell the resource's readers something, and return what kept it from them, the most lasting problem.

        Raises:
            NotLeading: this replica may not act any more.
        """
        problems = [await self._tell(key, uid, action) for action in actions]
        return most_lasting(problem for problem in problems if problem is not None)

    async def _execute_all(self, resource: VideoExportWorker, actions: Iterable[tuple[Ref, Action]]) -> Outcome:
        """Carry out every action.

        One that fails keeps no other from being tried: workers must be scaled even where a NetworkPolicy is refused.
        """
        whole = Outcome()
        for ref, action in actions:
            try:
                self.metrics.actions.labels(type(action).__name__).inc()
                whole |= await self._execute(resource, ref, action)
            except (NotLeading, ResourceGone):
                raise
            except OperatorError as error:
                self.metrics.errors.labels(error.reason).inc()
                whole |= Outcome(failed={ref: error})
        return whole

    async def _execute(self, resource: VideoExportWorker, ref: Ref, action: Action) -> Outcome:
        """Carry out one action."""
        key, uid = resource.key, resource.uid
        match action:
            case Apply(manifest, left, replicas):
                return self._note(ref, await self.cluster.apply(manifest, key.namespace, uid, left, replicas))
            case Remove():
                await self.cluster.remove(ref, key.namespace, uid)
                return Outcome(left={ref: ""})
            case Grow(replicas):
                scaled = await self.cluster.scale(key, uid, replicas)
                self.store.put_deployment(scaled)
                return Outcome(left={ref: str(replicas)}, size=(scaled["metadata"]["uid"], replicas))
            case Shrink():
                return await self.shrinker.shrink(resource, action)
            case Replace(victims):
                return Outcome(left={ref: ""}) | await self.shrinker.replace(resource, victims)
            case Unmark(pods):
                for pod in pods:
                    await self.cluster.set_deletion_cost(key.namespace, pod, 0)
                return Outcome(left={ref: ""})
            case Protect(keep, release):
                for pods, annotations in ((keep, PROTECTED), (release, UNPROTECTED)):
                    for pod in pods:
                        await self.cluster.annotate_pod(key.namespace, pod, annotations)
                return Outcome(left={ref: ""})

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
        is_new = applied["metadata"].get("generation") == 1
        return Outcome(left, size=(applied["metadata"]["uid"], applied["spec"]["replicas"]) if is_new else None)

    def _note_status(self, key: Key, written: dict[str, Any] | None) -> None:
        """Feed the store with a resource whose status was written; None is of one that is gone."""
        if written is None:
            self.store.forget(key)
        else:
            self.store.put_resource(written)

    async def _check(self, resource: VideoExportWorker, manifest: Manifest) -> OperatorError | None:
        """Return what the API server has against an object, before anything is changed (a server-side dry run)."""
        try:
            await self.cluster.apply(manifest, resource.key.namespace, resource.uid, dry_run=True)
        except PermanentError as error:
            self.metrics.errors.labels(error.reason).inc()
            return error
        except TransientError:
            return None  # what follows meets it too, and is tried again
        return None
