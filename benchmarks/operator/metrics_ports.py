"""The metrics ports of many pods: one process that answers for every address of the loopback network.

The text is as long as that of a Temporal SDK, and comes after a few milliseconds, as over a network.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from aiohttp import web

ON_THE_WAY = 0.005
"""Seconds until an answer."""
SAMPLES = 300
"""Lines beside those about slots, as SDKs have them."""


class MetricsPorts:
    """The parent's side; `port` is the same for all addresses."""

    port: int

    def __enter__(self) -> Self:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.port = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()  # the other side ends with it
        self._process.join(10)


def build_text() -> str:
    """Return what an idle worker says."""
    slots = [f'temporal_worker_task_slots_{kind}{{worker_type="ActivityWorker"}} {n}' for kind, n in _SLOTS]
    others = [f'temporal_request_latency_bucket{{operation="Poll",le="{n}"}} {n}' for n in range(SAMPLES)]
    return "\n".join([*slots, *others, ""])


_SLOTS = (("used", 0), ("available", 2))


def _serve(pipe: Connection) -> None:
    asyncio.run(_run(pipe))


async def _run(pipe: Connection) -> None:
    text = build_text()

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(ON_THE_WAY)
        return web.Response(text=text)

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)
    await site.start()
    pipe.send(runner.addresses[0][1])
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), closed.set)
    await closed.wait()
    await runner.cleanup()
