"""/healthz and /readyz: the event loop turns, the worker has started. Neither depends on Temporal or the storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

READ_TIMEOUT: Final = 5.0  # seconds; a probe sends its one line at once
LONGEST_REQUEST: Final = 8192  # bytes


class CannotServe(Exception):
    """A port is taken; the message says which and where it is set."""


class Health:
    """What the probes answer."""

    def __init__(self) -> None:
        self.started = False
        self.port = 0

    def answer(self, path: str) -> tuple[int, str]:
        """HTTP status and text for a path."""
        if path == "/healthz":
            return 200, "ok"
        if path == "/readyz":
            return (200, "started") if self.started else (503, "starting")
        return 404, "only /healthz and /readyz"


@asynccontextmanager
async def serving_health(port: int) -> AsyncIterator[Health]:
    """Answer probes on all interfaces while the block runs.

    Args:
        port: 0 takes a free one; `Health.port` says which.

    Raises:
        CannotServe: the port is taken.
    """
    health = Health()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            async with asyncio.timeout(READ_TIMEOUT):
                head = await reader.readuntil(b"\r\n\r\n")
            words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            status, text = health.answer(words[1].partition("?")[0] if len(words) == 3 else "")
            reason = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}[status]
            body = "" if words[0] == "HEAD" else text
            writer.write(
                f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
                f"Connection: close\r\n\r\n{body}".encode()
            )
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(handle, host=None, port=port, limit=LONGEST_REQUEST)
    except OSError as error:
        raise CannotServe(
            f"cannot answer probes with VIDEO_EXPORT_HEALTH_PORT={port}, choose another: {error}"
        ) from error
    health.port = int(server.sockets[0].getsockname()[1])
    try:
        yield health
    finally:
        server.close()
