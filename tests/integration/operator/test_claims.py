"""One operator serves a resource at a time, and none that is gone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from dev.control_plane import ControlPlane
from tests.integration.operator.cluster import Namespace, Operator, resource, running_operator
from tests.integration.operator.faults.api_proxy import hang_up, is_watch, serving_proxy, tell_in_watch
from tests.integration.operator.faults.worlds import log_in
from tests.servers import TemporalServer
from tests.waiting import wait_for


async def test_the_second_of_two_operators_does_nothing_until_the_first_has_gone(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """Two releases whose scopes overlap; together they once made 67 pods in 25 seconds."""

    def apply(least: int) -> None:
        spec = {"temporal": {"taskQueue": namespace.name}, "scaling": {"minReplicas": least}}
        namespace.apply(resource(temporal_server.address, "both", served_by="both", **spec))

    def size() -> int:
        return int((namespace.get("deployment", "both") or {})["spec"]["replicas"])

    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    first, second = f"{namespace.name}-1", f"{namespace.name}-2"
    with running_operator(control_plane, folders[0], namespace.name, served_by="both", lease_name=first) as holder:
        apply(2)
        await namespace.wait_condition("Ready", "True", "InPlace", name="both")
        with running_operator(control_plane, folders[1], namespace.name, served_by="both", lease_name=second) as other:
            await wait_for(lambda: "ClaimedByAnother" in [reason for reason, _ in namespace.told()], "it is told")
            told = await namespace.wait_condition("ClaimedTwice", "True", "ClaimedByAnother", name="both")
            assert f"the operator of the Lease default/{second} has it" in told["message"]
            before = (namespace.get("deployment", "both") or {})["metadata"]["uid"]
            apply(3)
            await wait_for(lambda: size() == 3, "the first acts")
            assert other.metric("video_export_operator_actions_total", action="Apply") == 0
            assert other.metric("video_export_operator_actions_total", action="Grow") == 0
            holder.stop()
            await wait_for(
                lambda: (namespace.get("vew", "both") or {})["status"]["servedBy"]["lease"] == f"default/{second}",
                "the second takes over",
            )
            apply(4)
            await wait_for(lambda: size() == 4, "the second acts")
            assert (namespace.get("deployment", "both") or {})["metadata"]["uid"] == before


async def test_nothing_is_made_for_a_resource_whose_end_no_watch_has_shown(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """It is deleted while the watches are away, and another's Deployment too; then each watch begins anew with 410."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=log_in(control_plane), limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(control_plane.server, connector=connector))
        proxy = await stack.enter_async_context(serving_proxy(session))
        variables = {"KUBECONFIG": str(proxy.write_kubeconfig(tmp_path)), "lease_name": namespace.name}
        running = running_operator(control_plane, tmp_path, namespace.name, served_by="ghost", **variables)
        operator: Operator = await asyncio.to_thread(running.__enter__)
        stack.push_async_callback(asyncio.to_thread, running.__exit__, None, None, None)
        ghost = resource(temporal_server.address, served_by="ghost", temporal={"taskQueue": namespace.name})
        stays = resource(
            temporal_server.address, "stays", served_by="ghost", temporal={"taskQueue": f"{namespace.name}-2"}
        )
        await asyncio.to_thread(namespace.apply, ghost)
        await asyncio.to_thread(namespace.apply, stays)

        async def ask(look: Any, *arguments: Any, **labels: str) -> Any:
            return await asyncio.to_thread(look, *arguments, **labels)

        async def in_place() -> bool:
            reasons = [(await ask(namespace.condition, "Ready", name)).get("reason") for name in ("exports", "stays")]
            return reasons == ["InPlace"] * 2

        await wait_for(in_place, "everything is in place")
        before = (await ask(namespace.get, "deployment", "stays"))["metadata"]["uid"]
        with proxy.rule(is_watch, hang_up):
            proxy.cut_watches()
            await ask(namespace.succeed, "delete", "vew", "exports", "--wait=true")
            await ask(namespace.succeed, "delete", "deployment", "stays", "--wait=true")

            async def is_collected() -> bool:
                return await ask(namespace.get, "deployment") is None

            await wait_for(is_collected, "the Deployment is collected")
        with proxy.rule(is_watch, tell_in_watch(410, "Expired")) as rule:
            await wait_for(lambda: rule.hits >= 12, "the watches begin anew")

        async def is_as_it_should_be() -> bool:
            left = [each["metadata"] for each in await ask(namespace.objects, "deployment")]
            is_new = [each["name"] for each in left] == ["stays"] and left[0]["uid"] != before
            return is_new and bool(await ask(operator.metric, "video_export_operator_resources") == 1)

        await wait_for(is_as_it_should_be, "the resource is forgotten, and the other has its Deployment again")
        assert await ask(operator.metric, "video_export_operator_actions_total", action="Apply") <= 11
