"""What servers of each release said, recorded by `record_temporal_answers`, as the operator understands it.

The releases themselves are asked in the place of the one that the other tests run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsResponse,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    DescribeWorkerDeploymentResponse,
    DescribeWorkerDeploymentVersionResponse,
    GetSystemInfoResponse,
    ListWorkersRequest,
    ListWorkersResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from tests.unit.operator.record_temporal_answers import ANSWERS, QUEUE
from video_export_operator.errors import TemporalUnavailable
from video_export_operator.scaling import QueueState, VersionWork
from video_export_operator.temporal_queue import Endpoint, TemporalQueues, client

Answer = TypeVar("Answer", bound=Message)
FILES = sorted(ANSWERS.glob("*.json"))
PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
HERE = Endpoint("temporal:7233", "default")


class RecordedServer:
    """The part of a server that the operator asks, with the answers of a release.

    Attributes:
        refusing: the methods that answer RESOURCE_EXHAUSTED.
        calls: names of the methods that were called.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.namespace = "default"
        self.workflow_service = self
        self.refusing: set[str] = set()
        self.calls: list[str] = []
        self.queries: list[str] = []

    def _answer(self, method: str, name: str, kind: Callable[[], Answer]) -> Answer:
        self.calls.append(method)
        if method in self.refusing:
            raise RPCError("namespace rate limit exceeded", RPCStatusCode.RESOURCE_EXHAUSTED, b"")
        answer = self.answers[name]
        if "error" in answer:
            raise RPCError(answer["message"], RPCStatusCode[answer["error"]], b"")
        return ParseDict(answer, kind(), ignore_unknown_fields=True)

    async def describe_task_queue(self, request: DescribeTaskQueueRequest, **_: Any) -> DescribeTaskQueueResponse:
        name = "activity" if request.task_queue_type == TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY else "workflow"
        return self._answer("DescribeTaskQueue", name, DescribeTaskQueueResponse)

    async def list_workers(self, request: ListWorkersRequest, **_: Any) -> ListWorkersResponse:
        self.queries.append(request.query)
        await asyncio.sleep(0)
        return self._answer("ListWorkers", "workers", ListWorkersResponse)

    async def describe_worker_deployment(self, _: Any, **__: Any) -> DescribeWorkerDeploymentResponse:
        return self._answer("DescribeWorkerDeployment", "deployment", DescribeWorkerDeploymentResponse)

    async def describe_worker_deployment_version(
        self, request: Any, **_: Any
    ) -> DescribeWorkerDeploymentVersionResponse:
        name = request.deployment_version.build_id
        return self._answer("DescribeWorkerDeploymentVersion", name, DescribeWorkerDeploymentVersionResponse)

    async def get_system_info(self, *_: Any, **__: Any) -> GetSystemInfoResponse:
        return GetSystemInfoResponse(server_version=self.answers["serverVersion"])

    async def count_workflow_executions(self, *_: Any, **__: Any) -> CountWorkflowExecutionsResponse:
        self.answers["count"] = {"count": "3"}
        return self._answer("CountWorkflowExecutions", "count", CountWorkflowExecutionsResponse)


def load(version: str) -> dict[str, Any]:
    """Return the answers of a release."""
    answers: dict[str, Any] = json.loads((ANSWERS / f"{version}.json").read_text(encoding="utf-8"))
    return answers


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], RecordedServer]:
    """Let every connection be to a server with some answers."""

    def install(answers: dict[str, Any]) -> RecordedServer:
        server = RecordedServer(answers)

        async def connected(*_: Any) -> RecordedServer:
            return server

        monkeypatch.setattr(client, "connect", connected)
        return server

    return install


Connect = Callable[[dict[str, Any]], RecordedServer]


async def fetch(queues: TemporalQueues, queue: str = QUEUE, at: float = 100.0) -> QueueState:
    return await queues.fetch_state(HERE, queue, at, before=None, with_workers=True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_every_release_says_what_waits(connect: Connect, file: Path) -> None:
    connect(load(file.stem))
    state = await fetch(TemporalQueues())
    assert (state.workflows.tasks, state.activities.tasks) == (3, 0)
    assert state.workflows.oldest_age > 5
    assert state.workflows.rate_limit is None, "the server's own limit is none that anybody set"
    assert state.activities.rate_limit == 5.0
    # From 1.30 on workers are listed and each version's backlog is counted; which versions are open is known before.
    assert state.workers_refused == ""
    assert bool(state.workers) == (file.stem >= "1.30")
    pinned = VersionWork("exports.old", 3 if file.stem >= "1.30" else 0, is_draining=True)
    assert state.versions == ((VersionWork("exports.new", is_current=True), pinned) if file.stem >= "1.29" else ())


async def test_absent_statistics_are_unsupported_whatever_the_server_calls_itself(connect: Connect) -> None:
    server = connect(load("1.32.0"))
    for name in ("activity", "workflow"):
        del server.answers[name]["stats"]
    server.answers["serverVersion"] = "1.27.2"
    with pytest.raises(TemporalUnavailable, match=r"^Temporal Server 1\.27\.2 .* upgrade it to 1\.28 or later"):
        await fetch(TemporalQueues())


async def test_what_waits_is_known_while_the_workers_are_not_listed(connect: Connect) -> None:
    server = connect(load("1.31.2"))
    server.refusing = {"ListWorkers"}
    state = await fetch(TemporalQueues())
    assert (state.workflows.tasks, dict(state.workers)) == (3, {})
    assert state.workers_refused == "RateLimited: namespace rate limit exceeded"


def in_two_pods(answers: dict[str, Any]) -> dict[str, Any]:
    """Return answers of a server to which a pod of each version has sent heartbeats."""
    for number, each in enumerate(answers["workers"]["workersInfo"]):
        each["workerHeartbeat"]["workerIdentity"] = f"pod-{number}"
    return answers


async def test_a_version_that_cannot_be_described_hides_nothing(connect: Connect) -> None:
    server = connect(in_two_pods(load("1.32.0")))
    server.refusing = {"DescribeWorkerDeployment"}
    state = await fetch(TemporalQueues())
    running = ("exports.new", "exports.old")
    assert (state.workflows.tasks, state.versions) == (
        3,
        tuple(VersionWork(each, is_draining=True) for each in running),
    )


async def test_while_nothing_waits_versions_are_asked_for_only_beside_others(connect: Connect) -> None:
    server = connect(in_two_pods(load("1.32.0")))
    del server.answers["workflow"]["stats"]["approximateBacklogCount"]
    state = await fetch(TemporalQueues())
    old = VersionWork("exports.old", is_draining=True)
    assert state.versions == (VersionWork("exports.new", is_current=True), old)
    assert "DescribeWorkerDeploymentVersion" not in server.calls, "which tasks wait need not be asked"
    server.answers["workers"]["workersInfo"] = server.answers["workers"]["workersInfo"][:1]
    server.calls.clear()
    assert (await fetch(TemporalQueues())).versions == ()
    assert "DescribeWorkerDeployment" not in server.calls


async def test_resources_of_a_namespace_share_one_list_of_workers(connect: Connect) -> None:
    server = connect(load("1.32.0"))
    queues = TemporalQueues()
    names = [QUEUE, *(f"queue-{number}" for number in range(9))]
    await asyncio.gather(*(fetch(queues, name) for name in names))
    await asyncio.gather(*(fetch(queues, name, at=106.0) for name in names))
    asked = server.calls.count("ListWorkers")
    assert asked <= 3, "the first time for what is wanted so far, then for all"
    assert server.queries[-1] == " OR ".join(f"TaskQueue='{name}'" for name in sorted(names))
    state = await fetch(queues, at=108.0)
    assert server.calls.count("ListWorkers") == asked, "a list of 2 s ago serves as well"
    assert {report.heard_at for report in state.workers.values()} == {106.0}


@pytest.mark.parametrize("names", [["it's"], [f"queue-{number}" for number in range(60)]], ids=["a quote", "many"])
async def test_what_no_query_can_name_is_found_in_the_list_of_all(connect: Connect, names: list[str]) -> None:
    server = connect(load("1.32.0"))
    queues = TemporalQueues()
    for name in names:
        await fetch(queues, name)
    await fetch(queues, at=200.0)
    assert server.queries[-1] == ""


async def test_a_refused_call_is_not_made_again_by_any_resource_of_the_namespace(connect: Connect) -> None:
    server = connect(load("1.32.0"))
    server.refusing = {"DescribeTaskQueue"}
    queues = TemporalQueues()
    reasons = []
    for number in range(20):
        with pytest.raises(TemporalUnavailable) as told:
            await fetch(queues, f"queue-{number}", at=100.0 + number / 20)
        reasons.append((told.value.reason, str(told.value)))
    assert set(reasons) == {("RateLimited", "namespace rate limit exceeded")}
    assert len(server.calls) == 1
    assert await queues.count_open(HERE, QUEUE, 101.0) == 3, "which Temporal counts separately"
    other = Endpoint("temporal:7233", "another", api_key="key")
    server.refusing = set()
    await queues.fetch_state(other, QUEUE, 101.0, before=None, with_workers=False)


async def test_pauses_grow_and_end_with_the_first_answer(connect: Connect) -> None:
    server = connect(load("1.32.0"))
    server.refusing = {"CountWorkflowExecutions"}
    queues, made = TemporalQueues(), []
    for at in range(100, 500):
        before = len(server.calls)
        with pytest.raises(TemporalUnavailable):
            await queues.count_open(HERE, QUEUE, float(at))
        if len(server.calls) > before:
            made.append(at)
    assert 6 <= len(made) <= 14, made
    server.refusing = set()
    assert await queues.count_open(HERE, QUEUE, 600.0) == 3
    assert await queues.count_open(HERE, QUEUE, 600.1) == 3


def test_the_page_has_a_row_for_every_recorded_release() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [file.stem for file in FILES if f"| {file.stem.rpartition('.')[0]} " not in page] == []
