"""Specs, pods and observations at random, for laws that hold for all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.operator.bodies import spec_of
from video_export_operator.controllers import OwnedPods, OwnedSet
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy
from video_export_operator.resource import Spec
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import (
    Backlog,
    Observation,
    QueueState,
    VersionWork,
    WorkerReport,
)

NAMES = [f"pod-{number}" for number in range(6)]
counts = st.integers(0, 30)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    least, more = draw(st.integers(0, 4)), draw(st.integers(0, 8))
    scaling: dict[str, Any] = {
        "mode": draw(st.sampled_from(["Auto", "Auto", "Auto", "Manual"])),
        "minReplicas": least,
        "maxReplicas": max(1, least + more),
        "coldStartStep": draw(st.integers(1, 3)),
        "paused": draw(st.sampled_from([False, False, False, True])),
        "pauseScaleDown": draw(st.sampled_from([False, False, False, True])),
        "spareSlots": draw(st.sampled_from([0, 0, 0, 1, 5])),
        "scaleDown": {
            "stabilizationWindow": draw(st.sampled_from(["0s", "20s", "1m"])),
            "minIdle": draw(st.sampled_from(["0s", "10s", "30s"])),
        },
        "whenUnreachable": {"after": "30s", "replicas": draw(st.integers(0, max(1, least + more)))},
    }
    if draw(st.booleans()):
        scaling["targetWait"] = "30s"
    return spec_of(scaling, slots=draw(st.integers(1, 4)), replicas=draw(st.integers(0, 8)))


@st.composite
def pods(draw: st.DrawFn) -> tuple[Pod, ...]:
    return tuple(draw(a_pod(name)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True)))


@st.composite
def a_pod(draw: st.DrawFn, name: str) -> Pod:
    """A pod in any state that there is: what has started has a node and runs, and what is ready has started."""
    started = draw(st.booleans())
    return Pod(
        name,
        started=started,
        ready=started and draw(st.booleans()),
        assigned=started or draw(st.booleans()),
        phase=2 if started else draw(st.integers(0, 2)),
        terminating=draw(st.sampled_from([False, False, True])),
    )


def reports(at: float) -> st.SearchStrategy[WorkerReport]:
    return st.builds(
        WorkerReport,
        used=st.integers(0, 3),
        processed=counts,
        beat=st.just(at),
        others=st.sampled_from([0, 0, 0, 1]),
        slots=st.sampled_from([None, 1, 2, 4]),
        version=st.sampled_from(["", "exports.a", "exports.b"]),
    )


versions = st.sampled_from(
    [
        (),
        (VersionWork("exports.a", is_draining=True), VersionWork("exports.b", is_current=True)),
        (VersionWork("exports.a", is_current=True),),
        (VersionWork("exports.b", tasks=3, is_draining=True),),
    ]
)


@st.composite
def owners(draw: st.DrawFn, pods: tuple[Pod, ...], present: int) -> OwnedPods | None:
    """One ReplicaSet or two, in any state of a rollout, that have these pods; None where nobody knows them."""
    count = draw(st.integers(0, 2))
    if not count:
        return None
    groups: list[list[Pod]] = [[] for _ in range(count)]
    for pod in pods:
        if not pod.terminating:
            groups[draw(st.integers(0, count - 1))].append(pod)
    strategy = Strategy("25%", 0)
    most = present + strategy.surge(present)
    sets = tuple(
        OwnedSet(ReplicaSetState(len(group), sum(pod.ready for pod in group), present, most), tuple(group))
        for group in groups
    )
    return OwnedPods(sets, count - 1, strategy, sum(map(len, groups)), draw(st.booleans()))


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """A sequence in which time goes on; the size is free, as if anybody had changed it in between."""
    at, sequence, failures, state = 0.0, [], 0, None
    for _ in range(draw(st.integers(1, 8))):
        at += draw(st.sampled_from([0.5, 1.0, 10.0, 30.0, 90.0]))
        if draw(st.sampled_from([True, True, True, False])):
            workers = draw(st.dictionaries(st.sampled_from(NAMES), reports(at)))
            tasks, age = draw(st.sampled_from([0, 0, 1, 7, 40])), draw(st.sampled_from([0.0, 5.0, at]))
            rate, limit = draw(st.sampled_from([0.0, 2.0])), draw(st.sampled_from([None, None, 0.0, 0.5, 2.0]))
            backlog = Backlog(tasks, age, dispatch_rate=rate, rate_limit=limit)
            workflows, open_work = Backlog(draw(st.integers(0, 1))), draw(versions)
            state, failures = QueueState(at, backlog, workflows, workers, versions=open_work), 0
        else:
            failures += 1
        present, there = draw(st.integers(0, 8)), draw(pods())
        sequence.append(
            Observation(
                at=at,
                present=present,
                pods=there,
                owned=draw(owners(there, present)),
                size=draw(st.sampled_from([None, None, 0, 9])),
                queue=state,
                failures=failures,
                rolling=draw(st.booleans()),
                open_executions=draw(st.sampled_from([None, 0, 2])),
                scheduled=draw(st.sampled_from([0, 0, 0, 3])),
            )
        )
    return sequence
