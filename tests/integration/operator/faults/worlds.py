"""A world for cases: an operator that reaches the API server through a proxy. One case needs a cluster of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
from temporalio.runtime import Runtime, TelemetryConfig

from dev.control_plane import ADMIN, ADMINS, ControlPlane
from tests.integration.operator.cluster import Namespace, install_definition, running_operator
from tests.integration.operator.faults.api_proxy import serving_proxy
from tests.integration.operator.faults.story import SERVED_BY, Story, World, started_again, telling
from tests.integration.operator.faults.view import viewing

DEFINITION = Path(__file__).parents[4] / "crds" / "videoexportworkers.yaml"
DEFINITION_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/videoexportworkers.videoexport.dev"


@asynccontextmanager
async def making_world(plane: ControlPlane, temporal: str, folder: Path) -> AsyncIterator[World]:
    """Run an operator that reaches the API server through a proxy, and see what cases look at."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=log_in(plane), limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(plane.server, connector=connector))
        proxy = await stack.enter_async_context(serving_proxy(session))
        view = await stack.enter_async_context(viewing(session))
        settings = {"lease_name": SERVED_BY, "KUBECONFIG": str(proxy.write_kubeconfig(folder))}
        running = running_operator(plane, folder, served_by=SERVED_BY, **settings)
        operator = await asyncio.to_thread(running.__enter__)
        stack.push_async_callback(asyncio.to_thread, running.__exit__, None, None, None)
        await stack.enter_async_context(started_again(operator))
        yield World(plane, view, proxy, temporal, runtime, folder)


def log_in(plane: ControlPlane) -> ssl.SSLContext:
    """Return what lets the test in as the administrator."""
    pair = plane.authority.issue(ADMIN, groups=ADMINS)
    context = ssl.create_default_context(cafile=str(plane.authority.pair.certificate))
    context.load_cert_chain(pair.certificate, pair.key)
    return context


async def definition_deleted(world: World, name: str) -> None:
    """Delete the definition, in a cluster of its own: every resource and every pod goes with it."""
    folder = world.folder / name
    await asyncio.to_thread(folder.mkdir)
    async with AsyncExitStack() as stack:
        plane = await asyncio.to_thread(ControlPlane().__enter__)
        stack.push_async_callback(asyncio.to_thread, plane.__exit__, None, None, None)
        default = Namespace(plane, "default")
        await asyncio.to_thread(install_definition, default, DEFINITION)
        own = await stack.enter_async_context(making_world(plane, world.temporal, folder))
        story = await stack.enter_async_context(telling(own, name))
        await story.make_namespace()
        await story.create(scaling={"minReplicas": 1})
        await comes_to_one_pod(story)
        for late in (True, False):
            await own.view.request("DELETE", DEFINITION_PATH)
            await story.until_status(404, DEFINITION_PATH)
            if late:
                await own.view.until(lambda: is_blind(folder), "the operator says that nothing is watched")
            await asyncio.to_thread(install_definition, default, DEFINITION)
            await story.create(scaling={"minReplicas": 1})
            await comes_to_one_pod(story)


async def comes_to_one_pod(story: Story) -> None:
    """Wait until the resource that there is now has a Deployment of its own, and that a pod."""
    view = story.view

    def is_in_place() -> bool:
        resource, deployment = view.get("videoexportworkers", story.name), view.get("deployments", story.name)
        owners = (deployment.get("metadata") or {}).get("ownerReferences") or ()
        return bool(resource) and [owner["uid"] for owner in owners] == [resource["metadata"]["uid"]]

    def what() -> str:
        return f"the new resource has its Deployment; Ready is {story.condition('Ready')}"

    await view.until(is_in_place, what, 90)
    await story.wait_pods(1)
    await story.settle()


def is_blind(folder: Path) -> bool:
    """Return whether the operator has ended because its resource is not served."""
    return "videoexportworkers.videoexport.dev is not watched" in (folder / "operator.log").read_text()
