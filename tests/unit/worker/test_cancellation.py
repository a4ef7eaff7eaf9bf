"""A cancellation that comes together with the browser's answer is not lost: the export would render to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from video_export_worker.rendering.chromium import _bounded


async def test_a_cancellation_beside_an_answer_is_kept() -> None:
    answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    async def call() -> dict[str, Any]:
        asked.set()
        return await answer

    task = asyncio.create_task(_bounded(call(), 60, "frame"))
    await asked.wait()
    answer.set_result({"hasDamage": True})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
