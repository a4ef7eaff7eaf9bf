"""The connection to Chromium, against a WebSocket server of the test's own: what happens when answers go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from video_export_worker.errors import RenderFailed
from video_export_worker.replay.devtools import PORT_FILE, DevTools, connect_devtools

Answer = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]
KNOWN = {
    "Target.getTargets": {"targetInfos": [{"targetId": "page-1", "type": "page"}]},
    "Target.attachToTarget": {"sessionId": "session-1"},
}


@asynccontextmanager
async def browser(profile: Path, answer: Answer) -> AsyncIterator[DevTools]:
    """A connection to a server that attaches, and answers everything else by `answer`."""

    async def handle(connection: ServerConnection) -> None:
        async for text in connection:
            message = json.loads(text)
            if message["method"] in KNOWN:
                await connection.send(json.dumps({"id": message["id"], "result": KNOWN[message["method"]]}))
            else:
                await answer(connection, message)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        (profile / PORT_FILE).write_text(f"{port}\n/devtools/browser/1\n")
        async with connect_devtools(profile) as devtools:
            yield devtools


async def test_a_call_goes_to_the_page(tmp_path: Path) -> None:
    async def answer(connection: ServerConnection, message: dict[str, Any]) -> None:
        await connection.send(json.dumps({"method": "Some.event", "params": {}}))
        await connection.send(json.dumps({"id": message["id"], "result": {"asked": message}}))

    async with browser(tmp_path, answer) as devtools:
        asked = (await devtools.call("Page.enable", "load", 60, depth=1))["asked"]
    assert (asked["sessionId"], asked["params"]) == ("session-1", {"depth": 1})


async def test_an_error_names_its_stage(tmp_path: Path) -> None:
    async def answer(connection: ServerConnection, message: dict[str, Any]) -> None:
        await connection.send(json.dumps({"id": message["id"], "error": {"code": 1, "message": "no such thing"}}))

    async with browser(tmp_path, answer) as devtools:
        with pytest.raises(RenderFailed, match=r"^seek: no such thing$"):
            await devtools.call("Page.enable", "seek", 60)


async def test_a_browser_that_hangs_is_given_up(tmp_path: Path) -> None:
    async def answer(connection: ServerConnection, message: dict[str, Any]) -> None:
        """Says nothing."""

    async with browser(tmp_path, answer) as devtools:
        with pytest.raises(RenderFailed, match=r"^frame: Chromium did not answer within 0\.01 s$"):
            await devtools.call("Page.enable", "frame", 0.01)


async def test_a_browser_that_ends_is_noticed_at_once(tmp_path: Path) -> None:
    async def answer(connection: ServerConnection, message: dict[str, Any]) -> None:
        await connection.close()

    async with browser(tmp_path, answer) as devtools:
        with pytest.raises(RenderFailed, match=r"^frame: Chromium is gone$"):
            await devtools.call("Page.enable", "frame", 60)
        with pytest.raises(RenderFailed, match=r"^frame: "):
            await devtools.call("Page.enable", "frame", 60)


async def test_a_browser_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / PORT_FILE).write_text("1\n/devtools/browser/1\n")
    with pytest.raises(RenderFailed, match=r"connect: Chromium's DevTools cannot be reached: .*Connect call failed"):
        async with connect_devtools(tmp_path):
            pass


async def test_a_cancellation_beside_an_answer_is_kept(tmp_path: Path) -> None:
    """Lost, an export that nobody wants any more would be rendered to its end."""
    asked = asyncio.Event()

    async def answer(connection: ServerConnection, message: dict[str, Any]) -> None:
        asked.set()

    async with browser(tmp_path, answer) as devtools:
        task = asyncio.create_task(devtools.call("Page.enable", "frame", 60))
        await asked.wait()
        (waiting,) = devtools._waiting.values()
        waiting.set_result({"result": {}})
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
