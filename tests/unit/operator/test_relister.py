"""What was deleted while the watches were away is forgotten soon after they are back."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.unit.operator.bodies import body as resource_body
from video_export_operator.cluster import Cluster
from video_export_operator.reconcile import Relister, Store
from video_export_operator.reconcile import relister as module
from video_export_operator.resource import Key
from video_export_operator.resource.identity import WORKER_LABEL

KEY = Key("media", "exports")


def made(name: str, uid: str, **more: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "exports-0", "uid": "set-0"}
    labels = {WORKER_LABEL: "exports"}
    metadata = {"name": name, "namespace": "media", "uid": uid, "labels": labels, "ownerReferences": [owner]}
    return {"metadata": {**metadata, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}, **more}


def filled(woken: list[Key]) -> Store:
    store = Store(woken.append)
    store.put_resource(resource_body(namespace="media", uid="resource", resourceVersion="1"))
    store.put_deployment(made("exports", "deployment"))
    for number in range(2):
        store.put_replica_set(made(f"exports-{number}", f"set-{number}"))
        store.put_pod(made(f"exports-0-{number}", f"pod-{number}", status={"phase": "Running"}))
    return store


class Listed:
    """An API server, as far as names of objects go."""

    def __init__(self, *objects: tuple[str, str]) -> None:
        self.objects = objects
        self.lists = 0
        self.listed = asyncio.Event()

    async def list_resources(self, namespace: str | None, label_selector: str) -> set[tuple[Key, str]]:
        self.lists += 1
        return {(KEY, "resource")}

    async def list_made(self, api_version: str, kind: str, namespace: str | None) -> set[tuple[str, str, str]]:
        self.listed.set()
        return {("media", name, uid) for name, uid in self.objects}


async def test_what_is_gone_is_forgotten_and_what_is_there_stays() -> None:
    woken: list[Key] = []
    store = filled(woken)
    woken.clear()
    there = Listed(("exports-1", "set-1"), ("exports-0-1", "pod-1"))
    await Relister(cast(Cluster, there), store, (), "").relist()
    assert store.known() == {(KEY, "resource")}
    assert store.made() == {("media", "exports-1", "set-1"), ("media", "exports-0-1", "pod-1")}
    assert set(woken) == {KEY}, "nobody looks at the resource again"


async def test_a_successor_of_the_same_name_that_comes_meanwhile_stays() -> None:
    store = filled([])

    class Meanwhile(Listed):
        async def list_made(self, api_version: str, kind: str, namespace: str | None) -> set[tuple[str, str, str]]:
            store.put_deployment(made("exports", "successor"))
            return set()

    await Relister(cast(Cluster, Meanwhile()), store, (), "").relist()
    assert store.made() == {("media", "exports", "successor")}


async def test_a_cancellation_that_comes_with_a_notice_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator would wait for it until its time to end is over."""
    monkeypatch.setattr(module, "SOON", 0.0)
    relister = Relister(cast(Cluster, Listed()), filled([]), (), "")
    running = asyncio.create_task(relister.run())
    for _ in range(3):
        await asyncio.sleep(0)
    relister.notice()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=1)
    try:
        assert done == {running}
    finally:
        running.cancel()


async def test_a_watch_that_begins_anew_is_followed_by_a_list(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SOON", 0.0)
    there = Listed()
    relister = Relister(cast(Cluster, there), filled([]), (), "")
    running = asyncio.create_task(relister.run())
    try:
        relister.notice()
        await asyncio.wait_for(there.listed.wait(), 10)
        assert there.lists == 1
    finally:
        running.cancel()
