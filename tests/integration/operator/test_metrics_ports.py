"""What pods may answer on their metrics port, however hostile, over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.waiting import PATIENCE
from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue import worker_metrics
from video_export_operator.temporal_queue.worker_metrics import (
    LONGEST,
    MetricsPort,
    WorkerMetrics,
)

SLOTS = b'temporal_worker_task_slots_used{task_queue="q",worker_type="ActivityWorker"} 2\n'
NOISE = b"# " + b"x" * 1021 + b"\n"
BUFFERS = 16 * 1024 * 1024
"""Bytes that the system takes from who sends to who has stopped reading."""

Answer = Callable[[web.StreamResponse], Awaitable[None]]


class Pod:
    """A pod that answers as it likes, and how many bytes it was rid of."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.port = answer, 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await self.answer(response)
        return response


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pod says is the subject, not how fast this machine says it: pods of this test share its event loop."""
    monkeypatch.setattr(worker_metrics, "TIMEOUT", PATIENCE)


@asynccontextmanager
async def running(answer: Answer) -> AsyncIterator[Pod]:
    pod, app = Pod(answer), web.Application()
    app.router.add_get("/metrics", pod.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pod.port = runner.addresses[0][1]
    try:
        yield pod
    finally:
        await runner.cleanup()


async def ask(*pods: Pod) -> dict[str, WorkerReport]:
    async with WorkerMetrics() as metrics:
        ports = [MetricsPort(str(number), "127.0.0.1", pod.port) for number, pod in enumerate(pods)]
        return dict(await metrics.fetch_reports(ports, "q", 7.0))


async def long_but_honest(response: web.StreamResponse) -> None:
    """Half a mebibyte in many pieces, what matters at its end, cut in two."""
    for _ in range(512):
        await response.write(NOISE)
    await response.write(SLOTS[:30])
    await asyncio.sleep(0.05)
    await response.write(SLOTS[30:])


async def test_metrics_that_come_in_pieces_are_read_to_their_end() -> None:
    async with running(long_but_honest) as pod:
        assert await ask(pod) == {"0": WorkerReport(2, 0, 7.0)}


@pytest.mark.parametrize("piece", [NOISE * 64, b"x" * 65536, SLOTS * 800], ids=["comments", "one line", "slots"])
async def test_a_pod_that_says_gigabytes_is_not_heard_out(piece: bytes) -> None:
    sent = 0

    async def answer(response: web.StreamResponse) -> None:
        nonlocal sent
        while True:  # until the connection is closed
            await response.write(piece)
            sent += len(piece)

    async with running(answer) as hostile, running(long_but_honest) as honest:
        assert await ask(hostile, honest) == {"1": WorkerReport(2, 0, 7.0)}
    assert sent <= LONGEST + BUFFERS


async def at_once(response: web.StreamResponse) -> None:
    await response.write(SLOTS)


async def test_a_pod_that_never_ends_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_metrics, "TIMEOUT", 2.0)

    async def answer(response: web.StreamResponse) -> None:
        while True:
            await response.write(SLOTS)
            await asyncio.sleep(0.2)

    async with running(answer) as hostile, running(at_once) as honest, asyncio.timeout(PATIENCE):
        assert await ask(hostile, honest) == {"1": WorkerReport(2, 0, 7.0)}
