"""Takes pods away in one action that is safe or does not happen."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from video_export_operator.cluster import Cluster
from video_export_operator.controllers import VICTIM_COST, own_pods, plan_replacement, plan_shrink
from video_export_operator.errors import ApiUnavailable, Conflict, NotLeading, OperatorError, ShrinkFailed
from video_export_operator.metrics import Metrics
from video_export_operator.plan import Outcome, Shrink, marks_of, size_ref
from video_export_operator.reconcile.pod_probe import PodProbe
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LivePod, parse_deployment
from video_export_operator.resource.replica_sets import parse_replica_set
from video_export_operator.scaling import WorkerReport

SEEN = 5.0
"""Seconds for the watch to show a mark. One that is later may not have reached the ReplicaSet controller either."""
QUICK = 0.2
"""Seconds for a look. After a longer one the pods that did answer are asked again."""
ROUNDS = 4
"""How often victims are asked where one has begun something or is deaf, or the Deployment has changed meanwhile."""


@dataclass(frozen=True)
class Lowering:
    """A smaller size that takes free pods only: how it is written, and what comes of it."""

    write: Callable[[], Awaitable[None]]
    outcome: Outcome = field(default_factory=Outcome)


Prepare = Callable[[Collection[str]], Awaitable[Lowering | None]]
"""Finds out how a size is lowered so that it takes only the pods that it is given; None where it is small already."""


class Unanswered(ApiUnavailable):
    """The API server did not answer to the new size. The marks stay: it may have taken it."""


@dataclass(frozen=True)
class Shrinker:
    """Marks pods, sees the marks, asks the pods again, and only then lowers the size."""

    cluster: Cluster
    store: Store
    probe: PodProbe
    metrics: Metrics

    async def shrink(self, resource: VideoExportWorker, action: Shrink) -> Outcome:
        """Take the victims that are still idle, and return the size and what was found of the others.

        Raises:
            ShrinkFailed: no pod was taken, and why.
            Unanswered: the API server may have taken the new size.
            NotLeading: this replica may not act any more.
        """
        return await self._take(
            resource, action.victims, lambda free: self._prepare_size(resource, action.replicas, free)
        )

    async def replace(self, resource: VideoExportWorker, victims: Collection[str]) -> Outcome:
        """Take the victims of an older template that are still idle: the Deployment makes others in their place.

        Raises:
            ShrinkFailed: no pod was taken, and why.
            Unanswered: the API server may have taken the new size.
            NotLeading: this replica may not act any more.
        """
        return await self._take(resource, victims, lambda free: self._prepare_older(resource, free))

    async def _take(self, resource: VideoExportWorker, victims: Collection[str], prepare: Prepare) -> Outcome:
        """Mark the victims, ask them again, and lower a size for those that are idle.

        Where pods are missing a smaller size may need no victims.
        """
        try:
            return await self._take_idle(resource, frozenset(victims), prepare)
        except (NotLeading, Unanswered):
            raise
        except OperatorError as error:
            await self._unmark(resource, victims)
            raise ShrinkFailed(f"no pod was taken: {error.reason}: {error}") from error

    async def _take_idle(self, resource: VideoExportWorker, free: frozenset[str], prepare: Prepare) -> Outcome:
        """Take the victims that are idle, and return what the others have begun.

        All that can be done before the last look is done before it: between it and the size there is one request.
        """
        before, begun, asked = self.store.pods_of(resource.key), dict[str, WorkerReport](), free
        starting = {pod.name for pod in before if not pod.started}
        await self._mark(resource.key, marks_of(before, free), free)
        for _ in range(ROUNDS):
            lowering = await prepare(free)
            if lowering is None:
                return Outcome(begun=begun)
            looked_at = time.monotonic()
            new, deaf = await self._look(resource, free, asked, starting)
            if new:
                free, begun = free - new.keys(), {**begun, **new}
                await self._mark(resource.key, dict.fromkeys(new, 0), free)
                if not free:
                    return Outcome(begun=begun)
            elif not deaf or time.monotonic() - looked_at < QUICK:
                with contextlib.suppress(Conflict):  # a controller has just written the Deployment's status
                    await self._write(resource.key, lowering, looked_at)
                    return lowering.outcome | Outcome(begun=begun)
            asked = free & asked - deaf  # while one was waited for, what the others said became old
        raise ShrinkFailed("the pods or the Deployment went on changing while pods were asked")

    async def _write(self, key: Key, lowering: Lowering, looked_at: float) -> None:
        """Write a smaller size; what it makes of the Deployment is read at once, or shown by the watch."""
        try:
            await lowering.write()
        except ApiUnavailable as error:
            raise Unanswered(str(error)) from error
        self.metrics.shrink.observe(time.monotonic() - looked_at)
        with contextlib.suppress(OperatorError):
            self.store.put_deployment(await self.cluster.read_deployment(key))

    async def _look(
        self, resource: VideoExportWorker, free: Collection[str], asked: Collection[str], starting: Collection[str]
    ) -> tuple[Mapping[str, WorkerReport], frozenset[str]]:
        """Return the victims that have work now, and those that do not answer.

        One that has only just started may have some too.
        """
        pods = [pod for pod in self.store.pods_of(resource.key) if pod.name in free]
        started = {pod.name: WorkerReport(1) for pod in pods if pod.started and pod.name in starting}
        answers = await self.probe.look(resource, [pod for pod in pods if pod.name in asked])
        running = {pod: report for pod, report in answers.items() if report.running}
        return {**started, **running}, frozenset(asked) - answers.keys()

    async def _mark(self, key: Key, costs: Mapping[str, int], victims: Collection[str]) -> None:
        """Set deletion costs, and wait until exactly the victims are seen to be marked."""
        tasks = (self.cluster.set_deletion_cost(key.namespace, pod, cost) for pod, cost in costs.items())
        failed = [each for each in await asyncio.gather(*tasks, return_exceptions=True) if each is not None]
        if failed:
            raise failed[0]

        def is_marked(pod: LivePod) -> bool:
            return pod.deletion_cost == VICTIM_COST if pod.name in victims else pod.deletion_cost >= 0

        def are_marked(pods: tuple[LivePod, ...]) -> bool:
            return all(pod.terminating or is_marked(pod) for pod in pods)

        if not await self.store.wait_for_pods(key, are_marked, SEEN):
            raise ShrinkFailed(f"the watch of the pods has not shown their marks within {SEEN:g} s")

    async def _prepare_size(self, resource: VideoExportWorker, replicas: int, free: Collection[str]) -> Lowering | None:
        """Return how the size of the Deployment is lowered."""
        key = resource.key
        body, sets = await self.cluster.read_size_inputs(key)
        if body is None:
            return None
        live, pods = parse_deployment(body), self.store.pods_of(resource.key)
        if live.size <= replicas:
            return None
        owned = own_pods(live, map(parse_replica_set, sets), pods)
        found = plan_shrink(owned, replicas, live.size, free, time.time())
        if found is None:
            raise ShrinkFailed("every smaller size would take a pod that is busy or unknown")
        size, left = found.size, {size_ref(key.name): str(replicas)} if found.size == replicas else {}
        return Lowering(
            lambda: self.cluster.write_size(key, resource.uid, size, body), Outcome(left, size=(live.uid, size))
        )

    async def _prepare_older(self, resource: VideoExportWorker, free: Collection[str]) -> Lowering | None:
        """Return how the size of an older ReplicaSet is lowered."""
        body, sets = await self.cluster.read_size_inputs(resource.key)
        if body is None:
            return None
        live, pods = parse_deployment(body), self.store.pods_of(resource.key)
        owned = own_pods(live, map(parse_replica_set, sets), pods)
        found = plan_replacement(owned, live.size, free, time.time())
        if found is None:
            raise ShrinkFailed("an older pod that is busy or unknown would go before those that are idle")
        older, size = next(each for each in sets if each["metadata"]["name"] == found.replica_set), found.size
        return Lowering(lambda: self.cluster.scale_replica_set(older, size))

    async def _unmark(self, resource: VideoExportWorker, victims: Collection[str]) -> None:
        """Take the marks away. What fails is tried again by a plan of its own."""
        pods = [pod for pod in self.store.pods_of(resource.key) if pod.name in victims]
        tasks = (self.cluster.set_deletion_cost(resource.key.namespace, pod.name, 0) for pod in pods)
        await asyncio.gather(*tasks, return_exceptions=True)
