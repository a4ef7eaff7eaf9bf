"""A connection of our own to Chromium's DevTools: a step is two calls, which through Playwright cost twice the time.

Playwright starts the browser and loads the page; what happens for every frame goes over this connection.
docs/decisions/0015 has the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from video_export_worker.errors import BrowserHung, RenderFailed

CONNECT_TIMEOUT: Final = 10.0
PORT_FILE: Final = "DevToolsActivePort"  # Chromium writes it into the profile: the port, and the browser's path


class DevTools:
    """One page's DevTools session. Made by `connect_devtools`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None
        self._listeners: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {}
        self._handling: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    async def attach(self) -> None:
        """Speak to the browser's only page from now on."""
        targets = await self.call("Target.getTargets", "connect", CONNECT_TIMEOUT)
        page = next(target["targetId"] for target in targets["targetInfos"] if target["type"] == "page")
        answer = await self.call("Target.attachToTarget", "connect", CONNECT_TIMEOUT, targetId=page, flatten=True)
        self._session = answer["sessionId"]

    async def find_process(self, kind: str) -> int | None:
        """Process id of the browser's process of this kind, such as `GPU`."""
        page, self._session = self._session, None
        try:
            answer = await self.call("SystemInfo.getProcessInfo", "connect", CONNECT_TIMEOUT)
        finally:
            self._session = page
        return next((process["id"] for process in answer["processInfo"] if process["type"] == kind), None)

    async def call(self, method: str, stage: str, timeout: float, **parameters: Any) -> dict[str, Any]:
        """What Chromium answers.

        Args:
            method: of the DevTools protocol.
            stage: names the step of the rendering in an error.
            timeout: seconds until the browser counts as hanging.
            parameters: of the method.

        Raises:
            BrowserHung: no answer in time.
            RenderFailed: an error, or the browser is gone.
        """
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(timeout):
                if self._reader.done():
                    raise RenderFailed(f"{stage}: the connection to Chromium is closed")
                await self._socket.send(json.dumps(message))
                answer = await waiting
        except TimeoutError as error:
            raise BrowserHung(f"{stage}: Chromium did not answer within {timeout:g} s") from error
        except (WebSocketException, ConnectionError) as error:
            raise RenderFailed(f"{stage}: Chromium is gone") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise RenderFailed(f"{stage}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def listen(self, event: str, handle: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Have an event of the page handled; a failure of the browser meanwhile is told by whoever waits for it."""
        self._listeners[event] = handle

    async def _handle(self, handle: Callable[[dict[str, Any]], Awaitable[None]], parameters: dict[str, Any]) -> None:
        with contextlib.suppress(RenderFailed):
            await handle(parameters)

    def _start_handling(self, event: Mapping[str, Any]) -> None:
        handle = self._listeners.get(event["method"])
        if handle is not None:
            task = asyncio.create_task(self._handle(handle, event["params"]))
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                answer: Mapping[str, Any] = json.loads(message)
                if "method" in answer:
                    self._start_handling(answer)
                    continue
                waiting = self._waiting.get(answer.get("id", 0))
                if waiting is not None and not waiting.done():
                    waiting.set_result(dict(answer))
        except WebSocketException:
            pass
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("closed"))

    async def close(self) -> None:
        """End the reader, and what handles events."""
        tasks = [self._reader, *self._handling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def connect_devtools(profile: Path) -> AsyncIterator[DevTools]:
    """A session with the only page of the browser that runs on this profile.

    Raises:
        RenderFailed: the browser cannot be reached.
    """
    try:
        port, path = (profile / PORT_FILE).read_text().split()
        # Pictures arrive here: no limit to their size, and nothing to gain from compressing them again.
        connecting = connect(
            f"ws://127.0.0.1:{port}{path}",
            compression=None,
            max_size=None,
            ping_interval=None,
            proxy=None,
            open_timeout=CONNECT_TIMEOUT,
            close_timeout=1,
        )
        socket = await connecting
    except (OSError, ValueError, TimeoutError, WebSocketException) as error:
        raise RenderFailed(f"connect: Chromium's DevTools cannot be reached: {error}") from error
    async with socket:
        devtools = DevTools(socket)
        try:
            await devtools.attach()
            yield devtools
        finally:
            await devtools.close()
