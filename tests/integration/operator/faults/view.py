"""The cluster as watches show it, for many cases at once: nobody asks again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import aiohttp

from tests.waiting import PATIENCE

Json = dict[str, Any]
T = TypeVar("T")
ROOTS = {
    "namespaces": "/api/v1",
    "pods": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "serviceaccounts": "/api/v1",
    "resourcequotas": "/api/v1",
    "nodes": "/api/v1",
    "deployments": "/apis/apps/v1",
    "videoexportworkers": "/apis/videoexport.dev/v1alpha1",
}
WATCHED = ("pods", "deployments", "videoexportworkers")
MERGE = "application/merge-patch+json"
PAUSE = 0.2
"""Seconds until a watch that ended is opened again."""
LONG_LINE = 2**20


def path_of(kind: str, namespace: str = "", name: str = "", part: str = "") -> str:
    """Return the path of an object, of a part of it, or of its collection."""
    inside = f"/namespaces/{namespace}" if namespace else ""
    return "/".join(filter(None, (f"{ROOTS[kind]}{inside}/{kind}", name, part)))


class View:
    """What there is, and what the test itself does there as the administrator.

    Attributes:
        busy: pods that run an activity, as (namespace, name).
        taken: those of them whose deletion somebody asked for while they did.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.busy: set[tuple[str, str]] = set()
        self.taken: list[tuple[str, str]] = []
        self._objects: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in WATCHED}
        self._changed = asyncio.Event()

    def get(self, kind: str, namespace: str, name: str = "exports") -> Json:
        """Return an object as it was last seen, empty if there is none."""
        return self._objects[kind].get((namespace, name), {})

    def pods(self, namespace: str, terminating: bool = False) -> dict[str, Json]:
        """Return the pods that are, or are not, being deleted, by name."""
        found = {name: pod for (where, name), pod in self._objects["pods"].items() if where == namespace}
        return {name: pod for name, pod in found.items() if ("deletionTimestamp" in pod["metadata"]) is terminating}

    async def until(self, look: Callable[[], T], what: Callable[[], str] | str, timeout: float = PATIENCE) -> T:
        """Wait until `look` returns something true; looks again after each change."""
        try:
            async with asyncio.timeout(timeout):
                while not (found := look()):
                    changed = self._changed
                    with suppress(TimeoutError):
                        # Not all that is looked at comes by a watch.
                        async with asyncio.timeout(0.25):
                            await changed.wait()
        except TimeoutError:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {timeout:g} s: {told}") from None
        return found

    async def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Json:
        """Return what the API server answers; an answer that is no success fails the test."""
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, path, data=data, headers={"Content-Type": content_type}) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            found: Json = json.loads(text)
            return found

    async def patch(self, kind: str, namespace: str, name: str, body: Json, part: str = "") -> Json:
        """Merge into an object."""
        return await self.request("PATCH", path_of(kind, namespace, name, part), body, MERGE)

    async def create(self, kind: str, namespace: str, body: Json) -> Json:
        """Create an object."""
        return await self.request("POST", path_of(kind, namespace), body)

    async def delete(self, kind: str, namespace: str, name: str = "exports", **options: Any) -> Json:
        """Delete an object."""
        return await self.request("DELETE", path_of(kind, namespace, name), options or None)

    async def follow(self, kind: str) -> None:
        """Keep one kind up to date until cancelled."""
        while True:
            with suppress(aiohttp.ClientError, OSError, AssertionError):
                await self._follow_once(kind)
            await asyncio.sleep(PAUSE)

    async def _follow_once(self, kind: str) -> None:
        listed = await self.request("GET", path_of(kind))
        self._objects[kind] = {_key(each): each for each in listed["items"]}
        self._tell()
        query = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
        forever = aiohttp.ClientTimeout(total=None)
        async with self.session.get(path_of(kind), params=query, timeout=forever, read_bufsize=LONG_LINE) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                self._see(kind, event["type"], event["object"])

    def _see(self, kind: str, type_: str, body: Json) -> None:
        key = _key(body)
        gone = type_ == "DELETED"
        if kind == "pods" and key in self.busy and (gone or "deletionTimestamp" in body["metadata"]):
            self.taken.append(key)
        if gone:
            self._objects[kind].pop(key, None)
        else:
            self._objects[kind][key] = body
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _key(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


@asynccontextmanager
async def viewing(session: aiohttp.ClientSession) -> AsyncIterator[View]:
    """Keep a view up to date for the block."""
    view = View(session)
    tasks = [asyncio.create_task(view.follow(kind), name=f"follow {kind}") for kind in WATCHED]
    try:
        yield view
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
