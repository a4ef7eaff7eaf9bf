from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.unit.operator.bodies import resource
from tests.unit.operator.test_plan import pod
from video_export_operator.reconcile.listening import Listener
from video_export_operator.reconcile.record import REPORT_GRACE, Record
from video_export_operator.scaling import Memory, QueueState, WorkerReport
from video_export_operator.scaling.memory import PodWork
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
"""
JAVA = """\
temporal_worker_task_slots_used{worker_type="ActivityWorker",} 1.0
temporal_activity_execution_latency_seconds_count{} 3.0
"""


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (PYTHON, WorkerReport(used=2, processed=6, beat=7.0)),
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
    record = Record("uid")
    record.memory = Memory(pods={"b": PodWork(0, 0, 1.0, 0.0, 0.0), "c": PodWork(0, 0, 1.0, 0.0, 0.0)})
    record.by_metrics = frozenset({"b"})
    pods = (pod("a"), pod("b"), pod("c"))
    assert record.silent_pods(pods, 10.0) == ()
    assert set(record.silent_pods(pods, 10.0 + REPORT_GRACE)) == {"a", "b"}


class Pods(WorkerMetrics):
    """Pods that answer what they are told to, and who of them was asked."""

    def __init__(self, **used: int) -> None:
        super().__init__()
        self.used = used
        self.asked: set[str] = set()

    async def fetch_reports(self, ports: Iterable[MetricsPort], queue: str, at: float) -> Mapping[str, WorkerReport]:
        self.asked = {port.pod for port in ports}
        return {name: WorkerReport(used, 99, at) for name, used in self.used.items() if name in self.asked}


async def test_only_what_was_heard_to_be_idle_is_asked_again_and_only_more_work_is_believed() -> None:
    heard = {name: WorkerReport(used, 5, 1.0) for name, used in {"idle": 0, "begun": 0, "mute": 0, "busy": 2}.items()}
    pods, record = Pods(idle=0, begun=1, busy=0), Record("uid", queue=QueueState(7.0, workers=heard))
    there = [pod(name, address="10.0.0.1") for name in (*heard, "unknown")]
    await Listener(pods).look_again(resource(), record, there)
    assert pods.asked == {"idle", "begun", "mute"}
    assert record.queue == QueueState(7.0, workers={**heard, "begun": WorkerReport(1, 5, 1.0)})


async def test_pods_that_cannot_answer_are_not_asked_again() -> None:
    heard = {name: WorkerReport(0) for name in ("starting", "ending", "nowhere")}
    pods, record = Pods(), Record("uid", queue=QueueState(7.0, workers=heard))
    there = [
        pod("starting", address="10.0.0.1", started=False),
        pod("ending", address="10.0.0.1", terminating=True),
        pod("nowhere", address=""),
    ]
    await Listener(pods).look_again(resource(), record, there)
    assert pods.asked == set()
