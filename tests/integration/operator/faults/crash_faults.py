"""What others make or delete at the worst moment, and an operator that dies at each of its writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiohttp import web

from tests.integration.operator.cluster import Operator
from tests.integration.operator.faults.api_proxy import refuse, serving_proxy, writes_in
from tests.integration.operator.faults.story import NAME, Bites, Fault, Story, World, endure, started_again, telling
from tests.integration.operator.faults.view import path_of

Run = Callable[[World, str], Awaitable[None]]
MOST_WRITES = 25
"""More than any reconciliation takes."""


def killed_at_each_write(before: bool) -> Run:
    """Kill the operator at its first write, at its second ..., each time in the middle of a change of size.

    Args:
        before: the write is not carried out; else it is, and nobody learns of it.
    """

    async def run(world: World, name: str) -> None:
        async with serving_proxy(world.view.session) as proxy, telling(world, name) as story:
            kubeconfig = proxy.write_kubeconfig(await own_folder(world, name))
            settings = {"leader_election": "false", "KUBECONFIG": str(kubeconfig)}
            story.served_by = name
            async with world.operator(name, **settings) as operator:
                await story.begin()
                writes, rests, killed = 0, 0, asyncio.Event()

                async def act(request: web.Request) -> web.StreamResponse:
                    nonlocal writes
                    writes += 1
                    if writes < last:
                        return await proxy.forward(request)
                    if not before:
                        await proxy.forward(request)
                    killed.set()
                    assert operator.process is not None
                    operator.process.kill()
                    return web.Response(status=500)

                size = 2
                for last in range(1, MOST_WRITES):  # noqa: B007 - `act` reads it
                    writes, size = 0, 3 - size
                    killed.clear()
                    with proxy.rule(writes_in(name), act):
                        await story.change(scaling={"mode": "Manual"}, replicas=size)
                        rests = 0 if await dies_before(killed, story, operator, size) else rests + 1
                    story.assert_kept()
                    if rests == 2:  # one that grew and one that shrank
                        break
                else:
                    raise AssertionError(f"a change of size takes more than {MOST_WRITES} writes")
                assert last > 3, f"only {last} writes"
                await story.change(replicas=0)
                await story.converge()
                await story.release()
                await story.wait_size(0)
                await story.settle()

    return run


async def dies_before(killed: asyncio.Event, story: Story, operator: Operator, size: int) -> bool:
    """Start the operator again after it was killed, and return True; False if it came to rest before that."""

    def at_rest() -> bool:
        found = story.view.get("videoexportworkers", story.name)
        status = found.get("status") or {}
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return bool(seen and story.size == size and status.get("desiredReplicas") == size)

    def what() -> str:
        return f"{story.name} is killed or at rest at {size}; it is at {story.size}"

    await story.view.until(lambda: killed.is_set() or at_rest(), what)
    assert operator.process is not None
    died = killed.is_set()
    operator.process.kill()
    await asyncio.to_thread(operator.process.wait)
    await asyncio.to_thread(operator.start)
    return died


async def own_folder(world: World, name: str) -> Path:
    folder = world.folder / f"proxy-{name}"
    await asyncio.to_thread(folder.mkdir)
    return folder


async def name_taken_in_the_same_instant(world: World, name: str) -> None:
    """Create a Deployment of our name after the operator looked and before it writes."""
    async with telling(world, name) as story:
        await story.make_namespace()
        path = path_of("deployments", name, NAME)

        async def act(request: web.Request) -> web.StreamResponse:
            if not made:
                made.append(await story.view.create("deployments", name, foreign()))
            return await world.api.forward(request)

        made: list[dict[str, object]] = []
        with world.api.rule(lambda request: request.method == "PATCH" and request.path == path, act):
            await story.create(scaling={"minReplicas": 1})
            await story.told("Ready", "False", "NameTaken")
        live = await story.view.request("GET", path)
        assert live["metadata"]["uid"] == made[0]["metadata"]["uid"]  # type: ignore[index]
        assert "ownerReferences" not in live["metadata"]
        assert live["spec"] == made[0]["spec"]
        await story.view.delete("deployments", name)
        await story.told("Ready", "True", "InPlace", 60)
        await story.wait_size(1)


def foreign() -> dict[str, object]:
    """Return somebody's Deployment that happens to have our name."""
    labels = {"app": "other"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "other", "image": "example/other:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    return {"metadata": {"name": NAME}, "spec": spec}


async def namespace_deleted(world: World, name: str) -> None:
    """Delete the whole namespace, and make it again."""
    async with telling(world, name) as story:
        await story.make_namespace()
        await story.create(scaling={"minReplicas": 1})
        await story.wait_pods(1)
        path = path_of("namespaces", name=name)
        await story.view.request("DELETE", path)
        await story.until_status(404, path)
        again = replace(story, has_namespace=False)
        await again.make_namespace()
        await again.create(scaling={"minReplicas": 2})
        await again.wait_pods(2)
        await again.settle()


def with_own_operator(fault: Fault) -> Run:
    """Tell a story of a fault that ends the operator: one of its own, which is started again as a kubelet does."""

    async def run(world: World, name: str) -> None:
        async with serving_proxy(world.view.session) as proxy, telling(replace(world, api=proxy), name) as story:
            kubeconfig = proxy.write_kubeconfig(await own_folder(world, name))
            story.served_by = name
            async with world.operator(name, KUBECONFIG=str(kubeconfig)) as operator, started_again(operator):
                await endure(story, fault)

    return run


@asynccontextmanager
async def token_expired(story: Story) -> AsyncIterator[Bites]:
    """Let the API server no longer know who asks, until it does again."""
    proxy = story.world.api
    with proxy.rule(lambda _: True, refuse(401, "Unauthorized")) as rule:
        proxy.cut_watches()
        yield partial(story.view.until, lambda: rule.hits >= 10, "nobody is let in")


async def clock_jumps(world: World, name: str) -> None:
    """Let the operator's wall clock jump, and jump back further."""
    async with telling(world, name) as story:
        clock = await own_folder(world, name) / "seconds"
        clock.write_text("0")

        @asynccontextmanager
        async def fault(_: Story) -> AsyncIterator[Bites]:
            clock.write_text("3600")
            yield partial(story.wait_size, 1)
            clock.write_text("-7200")

        story.served_by = name
        program = "tests.integration.operator.faults.jumping_operator"
        async with world.operator(name, program=program, CLOCK_AHEAD=str(clock)):
            await endure(story, fault)
