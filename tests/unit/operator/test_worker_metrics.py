from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from tests.unit.operator.bodies import pod, resource
from video_export_operator.plan import NOTHING
from video_export_operator.reconcile.memory import Memory as Past
from video_export_operator.reconcile.memory import Poll
from video_export_operator.reconcile.pod_probe import PodProbe, with_begun
from video_export_operator.reconcile.reporter import REPORT_GRACE, _findings, _unheard
from video_export_operator.reconcile.snapshot import Snapshot
from video_export_operator.reconcile.step import Step
from video_export_operator.scaling import Memory, QueueState, WorkerReport, decide
from video_export_operator.scaling.pod_work import PodWork
from video_export_operator.temporal_queue.worker_metrics import MetricsPort, WorkerMetrics, parse_report

PYTHON = """\
# HELP temporal_worker_task_slots_used Current number of used slots
# TYPE temporal_worker_task_slots_used gauge
temporal_worker_task_slots_used{namespace="default",task_queue="q",worker_type="ActivityWorker"} 2
temporal_worker_task_slots_used{namespace="default",task_queue="q",worker_type="WorkflowWorker"} 7
temporal_worker_task_slots_used{namespace="default",task_queue="other",worker_type="ActivityWorker"} 5
# TYPE temporal_activity_execution_latency histogram
temporal_activity_execution_latency_bucket{activity_type="a",task_queue="q",le="50"} 1
temporal_activity_execution_latency_sum{activity_type="a",task_queue="q"} 3.5
temporal_activity_execution_latency_count{activity_type="a",task_queue="q"} 4
temporal_activity_execution_latency_count{activity_type="b",task_queue="q"} 2
# TYPE temporal_local_activity_execution_latency histogram
temporal_local_activity_execution_latency_count{activity_type="c",task_queue="q"} 8
"""
OTHERS = """\
temporal_worker_task_slots_used{task_queue="q",worker_type="ActivityWorker"} 0
temporal_worker_task_slots_available{task_queue="q",worker_type="ActivityWorker"} 20
temporal_worker_task_slots_used{task_queue="q",worker_type="LocalActivityWorker"} 5
temporal_worker_task_slots_available{task_queue="q",worker_type="LocalActivityWorker"} 95
temporal_worker_task_slots_used{task_queue="q",worker_type="NexusWorker"} 2
temporal_nexus_task_execution_latency_count{task_queue="q"} 9
"""
JAVA = """\
temporal_worker_task_slots_used{worker_type="ActivityWorker",} 1.0
temporal_activity_execution_latency_seconds_count{} 3.0
"""


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (PYTHON, WorkerReport(used=2, processed=6, beat=7.0, others=7, others_processed=8)),
        (OTHERS, WorkerReport(used=0, processed=0, beat=7.0, others=7, others_processed=9, slots=20)),
        (JAVA, WorkerReport(used=1, processed=3, beat=7.0)),
        ('acme_worker_task_slots_available{worker_type="ActivityWorker"} 9\n', WorkerReport(0, 0, 7.0)),
        ('temporal_worker_task_slots_used{worker_type="WorkflowWorker"} 1\n', None),
        ("python_info 1\n", None),
        ("", None),
        ('temporal_worker_task_slots_used{worker_type="ActivityWorker"} many\n', None),
    ],
)
def test_used_slots_and_ended_activities_are_read(text: str, report: WorkerReport | None) -> None:
    assert parse_report(text, "q", 7.0) == report


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert MetricsPort("a", "fd00::1", 8007).url == "http://[fd00::1]:8007/metrics"


def test_a_worker_without_heartbeats_is_told_after_a_while_however_it_is_known() -> None:
    idle = PodWork(WorkerReport(0, 0, 1.0), idle_from=0.0, idle_until=0.0, heard_at=0.0, reported_at=0.0)
    works = {"b": idle, "c": idle}
    memory = Past("uid", scaling=Memory(pods=works), poll=Poll(by_metrics=frozenset({"b"})))
    pods = (pod("a"), pod("b"), pod("c"))
    seen = Snapshot(resource(), 10.0, {}, None, pods, {})
    assert silent(seen, memory) == (frozenset(), frozenset())
    memory = replace(memory, ready_since=_unheard(memory, seen))
    assert silent(replace(seen, at=10.0 + REPORT_GRACE), memory) == (frozenset({"a"}), frozenset({"b"}))


def silent(seen: Snapshot, memory: Past) -> tuple[frozenset[str], frozenset[str]]:
    decision, _ = decide(resource().spec, seen.observation(memory), memory.scaling)
    found = _findings(Step(seen, decision, memory, {}, NOTHING), memory)
    return found.silent, found.by_metrics


class Pods(WorkerMetrics):
    """Pods that answer what they are told to, and who of them was asked."""

    def __init__(self, **used: int) -> None:
        super().__init__()
        self.used = used
        self.asked: set[str] = set()

    async def fetch_reports(self, ports: Iterable[MetricsPort], queue: str, at: float) -> Mapping[str, WorkerReport]:
        self.asked = {port.pod for port in ports}
        return {name: WorkerReport(used, 99, at) for name, used in self.used.items() if name in self.asked}


async def test_victims_are_asked_again_and_only_more_work_is_believed() -> None:
    heard = {name: WorkerReport(0, 5, 1.0) for name in ("idle", "begun", "mute")}
    pods, poll = Pods(idle=0, begun=1), Poll(queue=QueueState(7.0, workers=heard))
    answers = await PodProbe(pods).look(resource(), [pod(name, address="10.0.0.1") for name in heard])
    assert pods.asked == {"idle", "begun", "mute"}
    assert answers.keys() == {"idle", "begun"}
    begun = {name: report for name, report in answers.items() if report.running}
    assert begun.keys() == {"begun"}
    assert with_begun(poll, begun).queue == QueueState(7.0, workers={**heard, "begun": WorkerReport(1, 5, 1.0)})
    assert with_begun(poll, {}) is poll


async def test_pods_that_autoscalers_may_take_are_asked_at_each_poll() -> None:
    heard = {name: WorkerReport(0, 5, 1.0) for name in ("kept", "idle", "begun")}
    heard["busy"] = WorkerReport(3, 5, 1.0)
    pods, poll = Pods(kept=1, idle=0, begun=1, busy=1, silent=0), Poll(queue=QueueState(7.0, workers=heard))
    free = [pod(name, address="10.0.0.1", protected=False) for name in ("idle", "begun", "busy")]
    others = [pod("kept", address="10.0.0.1", protected=True), pod("silent", address="10.0.0.1")]
    completed = await PodProbe(pods).complete(resource(), poll, [*free, *others])
    assert pods.asked == {"idle", "begun", "busy", "silent"}
    assert completed.queue is not None
    told = {**heard, "begun": WorkerReport(1, 5, 1.0), "silent": WorkerReport(0, 99, 7.0)}
    assert completed.queue.workers == told, "a pod that has begun something is busy, whatever its heartbeat says"
    assert completed.by_metrics == {"silent"}
    pods.asked = set()
    assert await PodProbe(pods).complete(resource(), completed, free) is completed
    assert pods.asked == set(), "nothing is asked twice about one answer of Temporal"


async def test_pods_that_cannot_answer_are_not_asked_again() -> None:
    pods = Pods()
    there = [
        pod("starting", address="10.0.0.1", started=False),
        pod("ending", address="10.0.0.1", terminating=True),
        pod("nowhere", address=""),
    ]
    assert await PodProbe(pods).look(resource(), there) == {}
    assert pods.asked == set()
