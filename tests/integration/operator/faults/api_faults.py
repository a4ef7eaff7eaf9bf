"""Faults of the API server, and what is deleted underneath."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from tests.integration.operator.faults.api_proxy import (
    Handler,
    delay,
    hang_up,
    is_watch,
    requests_in,
    tell_in_watch,
    writes_in,
)
from tests.integration.operator.faults.story import Bites, Fault, Story, World, endure, telling

Run = Callable[[World, str], Awaitable[None]]
TOO_LATE = 4.0
"""Seconds: the operator gives up waiting for the answer to a write after three."""
ATTEMPTS = 2
"""Requests that must have failed before the fault ends."""


def during(fault: Fault) -> Run:
    """Tell a story in which a fault lasts while fewer pods are asked for."""

    async def run(world: World, name: str) -> None:
        async with telling(world, name) as story:
            await endure(story, fault)

    return run


def writes_are(act: Handler) -> Fault:
    """Let every write into the namespace be answered so."""

    @asynccontextmanager
    async def fault(story: Story) -> AsyncIterator[Bites]:
        with story.world.api.rule(writes_in(story.name), act) as rule:
            yield partial(story.view.until, lambda: rule.hits >= ATTEMPTS, f"{story.name}: {ATTEMPTS} writes failed")

    return fault


@asynccontextmanager
async def nothing_is_answered(story: Story) -> AsyncIterator[Bites]:
    """Close each connection without an answer."""
    with story.world.api.rule(requests_in(story.name), hang_up) as rule:
        yield partial(story.view.until, lambda: rule.hits >= ATTEMPTS, f"{story.name}: {ATTEMPTS} requests failed")


@asynccontextmanager
async def answers_are_late(story: Story) -> AsyncIterator[Bites]:
    """Carry out every write, and answer when nobody waits any more."""
    proxy = story.world.api
    with proxy.rule(writes_in(story.name), delay(proxy, TOO_LATE)) as rule:
        yield partial(story.view.until, lambda: rule.hits >= ATTEMPTS, f"{story.name}: {ATTEMPTS} writes timed out")


@asynccontextmanager
async def watches_are_cut(story: Story) -> AsyncIterator[Bites]:
    """Break every watch off, and every new one for a while; what changes meanwhile is seen by nobody."""
    proxy = story.world.api
    with proxy.rule(is_watch, hang_up) as rule:
        proxy.cut_watches()
        yield partial(story.view.until, lambda: rule.hits >= ATTEMPTS, "watches were opened again")


def watches_say(code: int, reason: str) -> Fault:
    """Let every new watch begin with an error, as the API server tells it within a stream."""

    @asynccontextmanager
    async def fault(story: Story) -> AsyncIterator[Bites]:
        proxy = story.world.api
        with proxy.rule(is_watch, tell_in_watch(code, reason)) as rule:
            proxy.cut_watches()
            yield partial(story.view.until, lambda: rule.hits >= ATTEMPTS, f"watches said {code}")

    return fault


@asynccontextmanager
async def deployment_deleted(story: Story) -> AsyncIterator[Bites]:
    """Delete the Deployment and leave its pods, which its successor finds."""
    before = story.view.get("deployments", story.name)["metadata"]["uid"]
    await story.view.delete("deployments", story.name, propagationPolicy="Orphan")

    def replaced() -> bool:
        found = story.view.get("deployments", story.name)
        return bool(found) and found["metadata"]["uid"] != before

    yield partial(story.view.until, replaced, f"{story.name} has a new Deployment")


@asynccontextmanager
async def idle_pod_deleted(story: Story) -> AsyncIterator[Bites]:
    """Delete the pod that has nothing to do."""
    (idle,) = story.view.pods(story.name).keys() - {story.busy}
    await story.view.delete("pods", story.name, idle)
    yield partial(story.view.until, lambda: idle not in story.view.pods(story.name), f"{story.name}: {idle} is gone")


async def secret_deleted(world: World, name: str) -> None:
    """Delete the Secret that the pods use, and make it again."""
    async with telling(world, name) as story:
        await story.make_namespace()
        secret = {"metadata": {"name": "bucket"}, "stringData": {"AWS_REGION": "x"}}
        await story.view.create("secrets", name, secret)
        await story.begin(storage={"uri": "s3://exports", "secretRef": {"name": "bucket"}})
        await story.view.delete("secrets", name, "bucket")
        await story.told("Ready", "False", "SecretMissing")
        await story.ask_for_fewer()
        await story.wait_size(1)
        story.assert_kept()
        await story.view.create("secrets", name, secret)
        await story.converge()
        await story.finish()
