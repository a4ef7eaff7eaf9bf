"""What happens in every case: two pods, one of them busy, fewer are asked for, something fails, and all ends well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.runtime import Runtime
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from dev.control_plane import ControlPlane
from tests.integration.operator.cluster import Operator, resource, running_operator
from tests.integration.operator.faults.api_proxy import ApiProxy
from tests.integration.operator.faults.view import Json, View, path_of
from tests.waiting import PATIENCE, wait_for

SERVED_BY = "faults"
NAME = "exports"
Bites = Callable[[], Awaitable[Any]]
"""Waits until the fault has been felt."""
Fault = Callable[["Story"], AbstractAsyncContextManager[Bites]]
"""Makes a fault for a block."""


@dataclass(frozen=True)
class World:
    """What all cases share."""

    plane: ControlPlane
    view: View
    api: ApiProxy
    temporal: str
    runtime: Runtime
    folder: Path

    @asynccontextmanager
    async def operator(self, namespace: str, **settings: str) -> AsyncIterator[Operator]:
        """Run an operator of a case's own for the block, on its namespace alone."""
        folder = self.folder / namespace
        await asyncio.to_thread(folder.mkdir)
        own = {"served_by": namespace, "lease_name": namespace, **settings}
        running = running_operator(self.plane, folder, namespace, **own)
        operator = await asyncio.to_thread(running.__enter__)
        try:
            yield operator
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)


@workflow.defn(name="Busy")
class Busy:
    """A workflow with one activity that runs until the test lets it go; tells which attempt it was."""

    @workflow.run
    async def run(self) -> int:
        attempt: int = await workflow.execute_activity(
            "hold", start_to_close_timeout=timedelta(minutes=5), result_type=int
        )
        return attempt


class Holder:
    """The activity: it ends when `release` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.started = asyncio.Event()

    @activity.defn(name="hold")
    async def hold(self) -> int:
        self.started.set()
        await self.release.wait()
        return activity.info().attempt


@dataclass
class Story:
    """One case in its own namespace.

    Attributes:
        address: of Temporal, as the resource has it; the workers reach it directly at `direct`.
        served_by: which operator acts.
        busy: name of the pod that runs an activity, once there is one.
    """

    world: World
    name: str
    address: str
    direct: str
    served_by: str = SERVED_BY
    busy: str = ""
    holder: Holder = field(default_factory=Holder)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    execution: WorkflowHandle[Any, int] | None = None
    has_namespace: bool = False

    @property
    def view(self) -> View:
        """The cluster."""
        return self.world.view

    async def make_namespace(self) -> None:
        """Make the namespace, with the ServiceAccount without which pods are refused; unless it is there."""
        view = self.view
        if self.has_namespace:
            return
        self.has_namespace = True
        await view.request("POST", path_of("namespaces"), {"metadata": {"name": self.name}})
        await self.until_status(200, path_of("serviceaccounts", self.name, "default"))

    async def until_status(self, status: int, path: str) -> None:
        """Wait until the API server answers so."""

        async def look() -> bool:
            async with self.view.session.get(path) as answer:
                return answer.status == status

        await wait_for(look, f"{path} answers {status}")

    async def create(self, **spec: Any) -> None:
        """Create the resource."""
        temporal = {"taskQueue": self.name, **spec.pop("temporal", {})}
        body = resource(self.address, served_by=self.served_by, temporal=temporal, slots=1, **spec)
        await self.view.create("videoexportworkers", self.name, body)

    async def change(self, **spec: Any) -> None:
        """Change the resource."""
        await self.view.patch("videoexportworkers", self.name, NAME, {"spec": spec})

    async def begin(self, pods: int = 2, **spec: Any) -> None:
        """Bring the resource to its pods: the first is busy, the others have never worked."""
        await self.make_namespace()
        await self.create(scaling={"minReplicas": pods, **spec.pop("scaling", {})}, **spec)
        names = sorted(await self.wait_pods(pods))
        client = await self._work_in(names[0], self.holder)
        self.execution = await client.start_workflow(Busy.run, id=self.name, task_queue=self.name)
        await self._until_busy(self.execution)
        self.busy = names[0]
        self.view.busy.add((self.name, self.busy))
        for name in names[1:]:
            await self._work_in(name, Holder())
        for name in names:
            await self.start(name)
        await self.settle()

    async def _until_busy(self, execution: WorkflowHandle[Any, int], timeout: float = PATIENCE) -> None:
        """Wait until the activity runs."""
        try:
            async with asyncio.timeout(timeout):
                await self.holder.started.wait()
        except TimeoutError:
            history = [EventType.Name(event.event_type) async for event in execution.fetch_history_events()]
            raise AssertionError(f"not within {timeout:g} s: {self.name} is busy; so far: {history}") from None

    async def _work_in(self, pod: str, holder: Holder) -> Client:
        """Run a real worker that calls itself by a pod's name."""
        client = await Client.connect(self.direct, runtime=self.world.runtime, identity=pod)
        worker = Worker(
            client,
            task_queue=self.name,
            workflows=[Busy],
            activities=[holder.hold],
            max_concurrent_activities=1,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        await self.stack.enter_async_context(worker)
        self.stack.callback(holder.release.set)  # a worker does not end before its activities
        return client

    async def start(self, pod: str, **container: Any) -> None:
        """Report what a kubelet would of a pod whose worker runs, or of one whose container is otherwise."""
        state = container.pop("state", {"running": {"startedAt": "2026-01-01T00:00:00Z"}})
        ready = "running" in state
        conditions = [{"type": kind, "status": str(ready)} for kind in ("Ready", "ContainersReady")]
        status = {"name": "worker", "image": "x", "imageID": "", "ready": ready, "restartCount": 0, "state": state}
        running = {"phase": "Running" if ready else "Pending", "conditions": conditions, "containerStatuses": [status]}
        await self.view.patch("pods", self.name, pod, {"status": running}, "status")

    async def settle(self) -> None:
        """Wait until everything is in place and Temporal answers."""
        await self.told("Ready", "True", "InPlace")
        await self.told("TemporalReachable", "True", "Answering")

    async def ask_for_fewer(self) -> None:
        """Let the resource need but the busy pod."""
        await self.change(scaling={"minReplicas": 0})

    def condition(self, kind: str) -> Json:
        """Return a condition of the resource, empty while there is none."""
        conditions = (self.view.get("videoexportworkers", self.name).get("status") or {}).get("conditions") or ()
        return next((each for each in conditions if each["type"] == kind), {})

    async def told(self, kind: str, status: str, reason: str, timeout: float = PATIENCE) -> Json:
        """Wait until a condition says so."""

        def look() -> bool:
            found = self.condition(kind)
            return (found.get("status"), found.get("reason")) == (status, reason)

        def what() -> str:
            return f"{self.name}: {kind} is {status} for {reason}; it is {self.condition(kind)}"

        await self.view.until(look, what, timeout)
        return self.condition(kind)

    @property
    def size(self) -> int | None:
        """The Deployment's size, None if there is no Deployment."""
        found = self.view.get("deployments", self.name)
        return found["spec"]["replicas"] if found else None

    async def wait_size(self, size: int, timeout: float = PATIENCE) -> None:
        """Wait until the Deployment has this size."""

        def what() -> str:
            seen = self.view.get("videoexportworkers", self.name).get("status")
            return f"{self.name} has {size} replicas; it has {self.size}, and says {seen}"

        await self.view.until(lambda: self.size == size, what, timeout)

    async def wait_pods(self, count: int, timeout: float = PATIENCE) -> set[str]:
        """Wait until there are so many pods that are not being deleted."""
        view = self.view

        def what() -> str:
            return f"{self.name} has {count} pods; it has {sorted(view.pods(self.name))}"

        await view.until(lambda: len(view.pods(self.name)) == count, what, timeout)
        return set(view.pods(self.name))

    def assert_kept(self) -> None:
        """Fail if the busy pod was taken."""
        taken = [name for namespace, name in self.view.taken if namespace == self.name]
        assert not taken, f"{self.name}: the deletion of a busy pod was asked for: {taken}"
        assert self.busy in self.view.pods(self.name), f"{self.name}: the busy pod is gone"

    async def converge(self) -> None:
        """Wait for what was asked for: the busy pod stays, the other goes."""
        await self.wait_size(1)
        assert await self.wait_pods(1) == {self.busy}
        await self.settle()
        self.assert_kept()

    async def release(self) -> None:
        """Let the activity end, and see that it was the first attempt."""
        assert self.execution is not None
        self.view.busy.discard((self.name, self.busy))
        self.holder.release.set()
        async with asyncio.timeout(60):
            assert await self.execution.result() == 1, f"{self.name}: the activity was interrupted"

    async def finish(self) -> None:
        """End the work; the size goes to zero and nothing is left over."""
        await self.release()
        await self.wait_size(0)
        await self.wait_pods(0)
        await self.settle()
        left = partial(self.view.pods, self.name, terminating=True)
        await self.view.until(lambda: not left(), lambda: f"{self.name}: these pods are left over: {sorted(left())}")


@asynccontextmanager
async def telling(world: World, name: str, address: str = "", direct: str = "") -> AsyncIterator[Story]:
    """Give a case its story; its workers end with it."""
    story = Story(world, name, address or world.temporal, direct or address or world.temporal)
    async with story.stack:
        yield story


async def endure(story: Story, fault: Fault) -> None:
    """Ask for fewer pods while something fails, and see it end well."""
    await story.begin()
    async with fault(story) as bites:
        await story.ask_for_fewer()
        await bites()
        story.assert_kept()
    await story.converge()
    await story.finish()


@asynccontextmanager
async def started_again(operator: Operator) -> AsyncIterator[None]:
    """Start the operator again when it ends, as a kubelet does."""

    async def look() -> None:
        while True:
            assert operator.process is not None
            await asyncio.to_thread(operator.process.wait)
            await asyncio.to_thread(operator.start)

    task = asyncio.create_task(look(), name="kubelet")
    try:
        yield
        if task.done():
            task.result()  # why it was not started again
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
