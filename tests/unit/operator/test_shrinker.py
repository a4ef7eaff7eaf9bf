"""Each step of taking pods, and what is left where one fails. The API server is a stand-in, the store is real."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.cluster import Cluster
from video_export_operator.controllers import VICTIM_COST
from video_export_operator.errors import AdmissionDenied, ApiUnavailable, Conflict, ShrinkFailed
from video_export_operator.metrics import Metrics
from video_export_operator.plan import Shrink
from video_export_operator.reconcile import PodProbe, Shrinker, Store, shrinker
from video_export_operator.reconcile.shrinker import Unanswered
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import WorkerReport

NAMES = ("a", "b", "c")
COST = "controller.kubernetes.io/pod-deletion-cost"


class OneDeployment:
    """A Deployment with running pods of one ReplicaSet, and what was written, in its order."""

    def __init__(self) -> None:
        self.store = Store(lambda _: None)
        self.costs = dict.fromkeys(NAMES, 0)
        self.size = len(NAMES)
        self.written: list[tuple[str, int]] = []
        self.is_watched = True
        self.refused: str | None = None
        self.is_answered = True
        self.conflicts = 0
        for name in NAMES:
            self.store.put_pod(self.pod(name))

    def pod(self, name: str) -> dict[str, Any]:
        return {
            "metadata": {
                "name": name,
                "namespace": "media",
                "uid": name,
                "labels": {"videoexport.dev/worker": "exports"},
                "annotations": {COST: str(self.costs[name])},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "exports-1", "uid": "rs-1"}],
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {"nodeName": "node"},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
                "containerStatuses": [{"name": "worker", "state": {"running": {}}}],
            },
        }

    def deployment(self) -> dict[str, Any]:
        owner = {"controller": True, "uid": "uid-1", "kind": "VideoExportWorker"}
        metadata = {"name": "exports", "namespace": "media", "uid": "d-1", "ownerReferences": [owner]}
        spec = {"replicas": self.size, "template": {}, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}
        return {"metadata": metadata, "spec": spec, "status": {"replicas": len(NAMES)}}

    def replica_set(self) -> dict[str, Any]:
        owner = {"controller": True, "uid": "d-1"}
        return {
            "metadata": {"name": "exports-1", "ownerReferences": [owner]},
            "spec": {"replicas": len(NAMES), "template": {}},
            "status": {"availableReplicas": len(NAMES)},
        }

    async def set_deletion_cost(self, _: str, name: str, cost: int) -> None:
        if name == self.refused and cost:
            raise AdmissionDenied("no")
        self.costs[name] = cost
        self.written.append((name, cost))
        if self.is_watched:
            self.store.put_pod(self.pod(name))

    async def read_size_inputs(self, _: Key) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return self.deployment(), [self.replica_set()]

    async def read_deployment(self, _: Key) -> dict[str, Any]:
        return self.deployment()

    async def write_size(self, _: Key, __: str, replicas: int, ___: dict[str, Any]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("the object has been modified")
        if not self.is_answered:
            raise ApiUnavailable("no answer")
        self.size = replicas
        self.written.append(("size", replicas))


class Probe:
    """Pods that say what they run; each answer is given once, and those that it does not name are idle."""

    def __init__(self, *answers: Mapping[str, int], deaf: str = "") -> None:
        self.answers = list(answers)
        self.deaf = deaf
        self.asked: list[list[str]] = []

    async def look(self, _: VideoExportWorker, pods: Iterable[LivePod]) -> Mapping[str, WorkerReport]:
        names = [pod.name for pod in pods]
        self.asked.append(names)
        if self.deaf in names:
            await asyncio.sleep(0.02)
        begun = self.answers.pop(0) if self.answers else {}
        return {name: WorkerReport(begun.get(name, 0)) for name in names if name != self.deaf}


@pytest.fixture
def api() -> OneDeployment:
    return OneDeployment()


def taker(api: OneDeployment, *answers: Mapping[str, int]) -> Shrinker:
    return Shrinker(cast(Cluster, api), api.store, cast(PodProbe, Probe(*answers)), Metrics())


async def test_the_victims_are_marked_then_the_size_follows_once(api: OneDeployment) -> None:
    outcome = await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert api.written == [("a", VICTIM_COST), ("b", VICTIM_COST), ("size", 1)]
    assert outcome.size == ("d-1", 1)


async def test_a_victim_that_has_begun_something_loses_its_mark_and_stays(api: OneDeployment) -> None:
    outcome = await taker(api, {"a": 2}).shrink(resource(), Shrink(1, ("a", "b")))
    assert api.written[2:] == [("a", 0), ("size", 2)]
    assert outcome.size == ("d-1", 2)
    assert outcome.left == {}, "the size that was wanted is not there yet"
    assert outcome.begun == {"a": WorkerReport(2)}


async def test_where_every_victim_has_begun_something_nothing_happens(api: OneDeployment) -> None:
    outcome = await taker(api, {"a": 1}, {"b": 1}).shrink(resource(), Shrink(1, ("a", "b")))
    assert (api.size, outcome.size, set(outcome.begun)) == (3, None, {"a", "b"})
    assert set(api.costs.values()) == {0}


async def test_a_size_whose_pods_were_never_made_is_lowered(api: OneDeployment) -> None:
    """A quota or a missing ServiceAccount keeps pods from being made; then nobody has to be marked or asked."""
    api.size = 5
    outcome = await taker(api).shrink(resource(), Shrink(3, ()))
    assert (api.written, outcome.size) == ([("size", 3)], ("d-1", 3))


async def test_without_victims_no_size_is_written_that_would_take_a_pod(api: OneDeployment) -> None:
    with pytest.raises(ShrinkFailed, match="busy or unknown"):
        await taker(api).shrink(resource(), Shrink(1, ()))
    assert api.written == []


async def test_while_one_is_deaf_the_others_are_asked_once_more(
    api: OneDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is waited for; what the others said at once may be as old as that."""
    monkeypatch.setattr(shrinker, "QUICK", 0.01)
    probe = Probe({}, {"b": 1}, deaf="a")
    outcome = await Shrinker(cast(Cluster, api), api.store, cast(PodProbe, probe), Metrics()).shrink(
        resource(), Shrink(1, ("a", "b"))
    )
    assert [sorted(names) for names in probe.asked] == [["a", "b"], ["b"], []]
    assert (api.size, set(outcome.begun)) == (2, {"b"})


async def test_a_mark_that_is_refused_ends_it_and_leaves_no_other(api: OneDeployment) -> None:
    api.refused = "b"
    with pytest.raises(ShrinkFailed, match="no pod was taken: AdmissionDenied: no"):
        await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert (api.size, set(api.costs.values())) == (3, {0})


async def test_a_mark_that_the_watch_does_not_show_ends_it(api: OneDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinker, "SEEN", 0.01)
    api.is_watched = False
    with pytest.raises(ShrinkFailed, match="the watch of the pods has not shown their marks"):
        await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert (api.size, set(api.costs.values())) == (3, {0})


async def test_a_size_that_would_take_another_pod_is_not_written(api: OneDeployment) -> None:
    """One victim, and a size that takes two: the smallest size that takes the victim alone is written."""
    outcome = await taker(api).shrink(resource(), Shrink(1, ("a",)))
    assert (api.size, outcome.size) == (2, ("d-1", 2))


async def test_marks_stay_where_the_size_may_have_been_taken(api: OneDeployment) -> None:
    api.is_answered = False
    with pytest.raises(Unanswered):
        await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert api.costs == {"a": VICTIM_COST, "b": VICTIM_COST, "c": 0}


async def test_a_status_that_was_written_meanwhile_is_no_reason_to_begin_anew(api: OneDeployment) -> None:
    api.conflicts = 2
    outcome = await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert outcome.size == ("d-1", 1)
    assert api.written == [("a", VICTIM_COST), ("b", VICTIM_COST), ("size", 1)]


async def test_a_size_that_somebody_else_has_lowered_already_is_left(api: OneDeployment) -> None:
    api.size = 1
    outcome = await taker(api).shrink(resource(), Shrink(1, ("a", "b")))
    assert outcome.size is None
    assert ("size", 1) not in api.written
