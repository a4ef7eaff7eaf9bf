"""The benchmark's stand-in for Temporal answers what the operator asks, however many queues it asks about at once."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.operator.temporal_stand_in import TemporalStandIn
from video_export_operator.scaling import QueueState
from video_export_operator.temporal_queue import Endpoint, TemporalQueues
from video_export_operator.temporal_queue.worker_list import NAMED


@pytest.mark.parametrize("count", [1, 2, NAMED + 1], ids=["one", "named in a query", "all that there are"])
async def test_the_workers_of_every_queue_are_listed(count: int) -> None:
    queues = TemporalQueues()
    with TemporalStandIn() as temporal:
        endpoint = Endpoint(temporal.address, "default")

        async def fetch(number: int) -> QueueState:
            return await queues.fetch_state(endpoint, f"queue-{number}", 100.0, before=None, with_workers=True)

        for number in range(count):
            temporal.report_workers(f"queue-{number}", [f"pod-{number}"])
        found = await asyncio.gather(*map(fetch, range(count)))
    assert [{name: report.used for name, report in state.workers.items()} for state in found] == [
        {f"pod-{number}": 2} for number in range(count)
    ]
