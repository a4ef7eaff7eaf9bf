"""What is told of the queue: a backlog that does not drain, workers that are not listed, pod-seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.operator.bodies import queue, resource, running, seen
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile.memory import begin_memory
from video_export_operator.scaling import (
    Backlog,
    Decision,
    Memory,
    QueueState,
    TaskType,
    VersionWork,
    WorkerReport,
    decide,
)
from video_export_operator.status import Condition, Findings, conditions_from, is_worth_writing
from video_export_operator.status.draining import not_draining

STALLED = QueueState(100.0, Backlog(2), Backlog(3))


def decision(state: QueueState, **workload: Any) -> Decision:
    made, _ = decide(resource().spec, seen(state.at, 1, state, running("a")), Memory())
    return replace(made, workload=replace(made.workload, **workload))


def condition(kind: str, state: QueueState, **more: Any) -> Condition:
    found = Findings(resource(), decision(state), None, (), queue=state, **more)
    return next(each for each in conditions_from(found) if each.type == kind)


def test_what_is_taken_is_draining() -> None:
    told = not_draining(decision(queue(0, activities=5)), queue(0, activities=5))
    assert (told.status, told.reason) == (False, "Draining")


def test_tasks_that_nobody_takes_are_told_with_the_version_for_which_they_wait() -> None:
    stalled = {TaskType.ACTIVITY: 2, TaskType.WORKFLOW: 3}
    told = not_draining(decision(STALLED, stalled=stalled), STALLED)
    assert (told.status, told.reason) == (True, "NotTaken")
    versions = (VersionWork("exports.old", 3), VersionWork("exports.new", 2))
    state = replace(STALLED, versions=versions)
    told = not_draining(decision(state, stalled=stalled, versions=frozenset({"exports.new"})), state)
    assert (told.status, told.reason) == (True, "PinnedToVersion")
    assert told.message == (
        "2 activities and 3 workflow tasks are taken by no worker, though slots are free: "
        "3 wait for version exports.old; no pods are added for them; run workers of that version"
    )


def test_a_rate_limit_is_told_with_its_value() -> None:
    state = QueueState(100.0, Backlog(40, rate_limit=2.5))
    told = not_draining(decision(state, rate_limited=True), state)
    assert (told.status, told.reason) == (True, "QueueRateLimited")
    assert told.message == "40 activities wait for the queue's rate limit of 2.5 a second; no pods are added for them"


def test_a_refusal_to_list_the_workers_is_told_and_temporal_answers() -> None:
    state = replace(queue(0), workers_refused="RateLimited: too many")
    told = condition("TemporalReachable", state)
    assert (told.status, told.reason) == (True, "HeartbeatsRefused")
    assert "RateLimited: too many" in told.message


def test_the_time_of_pods_goes_on_where_another_operator_left_it() -> None:
    body = {"status": {"podSeconds": {"busy": 70, "idle": 30}}}
    assert begin_memory("uid", body).spent_before == (70, 30)
    assert begin_memory("uid", {"status": {}}).spent_before == begin_memory("uid", None).spent_before == (0, 0)


def test_the_time_of_pods_is_written_with_other_news_or_after_an_hour_of_each_pod() -> None:
    def status(busy: int, **more: Any) -> dict[str, Any]:
        return {"replicas": 2, "podSeconds": {"busy": busy, "idle": 0}, **more}

    assert not is_worth_writing(status(100), status(7299), since_last=86400.0)
    assert is_worth_writing(status(100), status(7300), since_last=60.0)
    assert is_worth_writing(status(100), status(110, readyReplicas=1), since_last=0.0)


def test_the_time_of_pods_is_a_counter() -> None:
    metrics = Metrics()
    metrics.pod_seconds.set(("media", "exports", "busy"), 12.5)
    text = metrics.render().decode()
    assert "# TYPE video_export_operator_pod_seconds_total counter" in text
    assert 'video_export_operator_pod_seconds_total{name="exports",namespace="media",state="busy"} 12.5' in text
    metrics.forget("media", "exports")
    assert "12.5" not in metrics.render().decode()


def test_a_worker_that_began_something_else_is_busy_too() -> None:
    state = queue(0, workers={"a": WorkerReport(0, others=1)})
    made, _ = decide(resource().spec, seen(0, 1, state, running("a")), Memory())
    assert made.workload.busy == {"a"}
