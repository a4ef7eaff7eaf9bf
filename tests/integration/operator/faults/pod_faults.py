"""Faults of pods, nodes and images. There is no kubelet: what it would report is written by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from tests.integration.operator.faults.story import NAME, Bites, Story, World, telling
from tests.integration.operator.faults.temporal_proxy import TemporalProxy, serving_temporal_proxy
from tests.integration.operator.faults.view import path_of
from tests.waiting import wait_for

Run = Callable[[World, str], Awaitable[None]]
NODE = "node"
AT_ONCE = {"gracePeriodSeconds": 0}


@asynccontextmanager
async def image_cannot_be_pulled(story: Story) -> AsyncIterator[Bites]:
    """Roll out an image that nobody has; then one that exists."""
    old = set(story.view.pods(story.name))
    await story.change(image="example/missing:1")
    new = await story.view.until(lambda: set(story.view.pods(story.name)) - old, f"{story.name}: a new pod")
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    for pod in new:
        await story.start(pod, state=waiting)
    yield partial(story.told, "WorkersHealthy", "False", "ImagePullBackOff")
    await story.change(image="example/worker:1")


@asynccontextmanager
async def rollout_is_stuck(story: Story) -> AsyncIterator[Bites]:
    """Roll out pods that never become ready, past the rollout's deadline."""
    deadline = {"spec": {"progressDeadlineSeconds": 1}}
    await story.view.patch("deployments", story.name, NAME, deadline)  # a field that is nobody's
    await story.change(image="example/never-ready:1")
    yield partial(story.told, "Ready", "False", "ProgressDeadlineExceeded")
    await story.change(image="example/worker:1")


@asynccontextmanager
async def quota_is_used_up(story: Story) -> AsyncIterator[Bites]:
    """Allow no more pods, and delete the idle one: it has no successor."""
    (idle,) = story.view.pods(story.name).keys() - {story.busy}
    quota = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "1"}}}
    await story.view.create("resourcequotas", story.name, quota)
    path = path_of("resourcequotas", story.name, "pods")

    async def counted() -> bool:
        return "used" in (await story.view.request("GET", path)).get("status", {})

    await wait_for(counted, "the quota is counted")
    await story.view.delete("pods", story.name, idle)
    await story.change(scaling={"minReplicas": 3})

    def failed() -> bool:
        conditions = story.view.get("deployments", story.name)["status"].get("conditions") or ()
        return any(each["type"] == "ReplicaFailure" for each in conditions)

    yield partial(story.view.until, failed, f"{story.name} can have no more pods")
    await story.change(scaling={"minReplicas": 0})
    await story.view.delete("resourcequotas", story.name, "pods")


async def node_is_drained(world: World, name: str) -> None:
    """Evict the busy pod: it has its grace period, and its work counts until it is gone."""
    async with looked_at(world, name) as (story, proxy):
        await story.begin()
        await bind(story, story.busy)
        view = story.view
        view.busy.discard((name, story.busy))  # whoever drains asks for it, not the operator
        await view.request("POST", path_of("pods", name, story.busy, "eviction"), {"metadata": {"name": story.busy}})
        await view.until(lambda: story.busy in view.pods(name, terminating=True), f"{story.busy} ends")
        await story.ask_for_fewer()
        # One that runs in a pod that ends is not counted as needed; but there is no zero before it has ended.
        await story.wait_size(1)
        await look(story, proxy)
        assert story.size == 1, "zero while an activity runs"
        await story.release()
        await view.delete("pods", name, story.busy, **AT_ONCE)  # the kubelet's last word
        await story.wait_size(0)
        await story.settle()


async def pod_ignores_sigterm(world: World, name: str) -> None:
    """Let the idle pod that was taken never end: the size goes on following what is asked for."""
    async with looked_at(world, name) as (story, proxy):
        await story.begin()
        (idle,) = story.view.pods(name).keys() - {story.busy}
        await bind(story, idle)
        await story.ask_for_fewer()
        # A pod with a node sorts after one without: Kubernetes would take the busy pod first, so nothing is done.
        await look(story, proxy)
        story.assert_kept()
        await bind(story, story.busy)
        await story.wait_size(1)
        await story.view.until(lambda: idle in story.view.pods(name, terminating=True), f"{idle} ends")
        await story.change(scaling={"minReplicas": 2})
        await story.wait_size(2)
        await story.ask_for_fewer()
        await story.wait_size(1)
        story.assert_kept()
        assert idle in story.view.pods(name, terminating=True)
        await story.view.delete("pods", name, idle, **AT_ONCE)
        await story.release()
        await story.wait_size(0)
        await story.view.until(lambda: story.busy in story.view.pods(name, terminating=True), f"{story.busy} ends")
        await story.view.delete("pods", name, story.busy, **AT_ONCE)
        await story.settle()


@asynccontextmanager
async def looked_at(world: World, name: str) -> AsyncIterator[tuple[Story, TemporalProxy]]:
    """Tell a story in which it shows how often the operator has looked."""
    async with (
        serving_temporal_proxy(world.temporal) as proxy,
        telling(world, name, proxy.address, world.temporal) as story,
    ):
        yield story, proxy


async def look(story: Story, proxy: TemporalProxy) -> None:
    """Wait until the operator has looked again and decided: it asks for the second time from now."""
    asked = proxy.looks
    await story.view.until(lambda: proxy.looks >= asked + 3, f"{story.name} is looked at")


async def bind(story: Story, pod: str) -> None:
    """Put a pod on a node of its own, so that it is deleted in an orderly way."""
    node = f"{NODE}-{pod}"
    await story.view.request("POST", path_of("nodes"), {"metadata": {"name": node}, "spec": {"unschedulable": True}})
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    await story.view.request("POST", path_of("pods", story.name, pod, "binding"), binding)


async def image_is_mute(world: World, name: str) -> None:
    """Let nobody know what the pods do: an image without heartbeats or metrics."""
    async with looked_at(world, name) as (story, proxy):
        await story.make_namespace()
        await story.create(scaling={"minReplicas": 2})
        pods = await story.wait_pods(2)
        for pod in pods:
            await story.start(pod)
            story.view.busy.add((name, pod))
        await story.told("TemporalReachable", "True", "Answering")
        await story.ask_for_fewer()
        await look(story, proxy)
        assert story.size == 2
        assert set(story.view.pods(name)) == pods, "a pod was taken of which nothing is known"
        for pod in pods:  # their work is done; what comes after them never starts
            story.view.busy.discard((name, pod))
            await story.view.delete("pods", name, pod)
        await story.wait_size(0)
        await story.settle()
        assert not [each for each in story.view.taken if each[0] == name]
