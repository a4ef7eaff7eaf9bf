"""Activities that only answer, for tests of the workflow alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from tests.waiting import PATIENCE
from video_export_worker.contract import (
    ASSEMBLE,
    DISCARD_PARTS,
    PLAN_EXPORT,
    RENDER_SEGMENT,
    WORKFLOW_NAME,
    AssembleInput,
    DiscardInput,
    PlanInput,
    PlannedExport,
    PlanReference,
    Segment,
    SegmentInput,
    SegmentResult,
    TimeSpan,
    VideoExportResult,
)
from video_export_worker.workflows import VideoExportWorkflow

FRAMES = 900


@dataclass
class Answers:
    """What the activities answer, and what they were asked."""

    segments: int
    cuts: int = 1
    render: Callable[[SegmentInput], int] = lambda given: given.segment.count
    rest: Callable[[SegmentInput], list[Segment]] = lambda given: []
    hold: asyncio.Event | None = None  # segments wait for it
    together: int = 0  # so many segments wait for each other, after the first
    met: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    joined: list[tuple[int, int]] = field(default_factory=list)

    @activity.defn(name=PLAN_EXPORT)
    async def plan(self, given: PlanInput) -> PlannedExport:
        self.calls.append(PLAN_EXPORT)
        digest = f"{self.calls.count(PLAN_EXPORT):064}"
        uri = f"s3://exports/videos/parts/default/{given.export_id}/{digest[:32]}/plan.json"
        return PlannedExport(plan=PlanReference(uri=uri, digest=digest), segments=[FRAMES] * self.segments)

    @activity.defn(name=RENDER_SEGMENT)
    async def render_segment(self, given: SegmentInput) -> SegmentResult:
        self.calls.append(RENDER_SEGMENT)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            while self.hold and not self.hold.is_set():
                activity.heartbeat()  # its answer brings a cancellation
                await asyncio.sleep(0.1)
            if self.together and self.calls.count(RENDER_SEGMENT) > 1:
                if self.running == self.together:
                    self.met.set()
                async with asyncio.timeout(PATIENCE):
                    await self.met.wait()
            return SegmentResult(count=self.render(given), captured=700, repeated=200, rest=self.rest(given))
        finally:
            self.running -= 1

    @activity.defn(name=ASSEMBLE)
    async def assemble(self, given: AssembleInput) -> VideoExportResult:
        self.joined = given.segments
        spans = [TimeSpan(video=at * 7.123456789, recording=at * 13.987654321, speed=20.0) for at in range(self.cuts)]
        return VideoExportResult(videos=[], poster=None, time_map=spans, captured=1, repeated=1, warnings=[])

    @activity.defn(name=DISCARD_PARTS)
    async def discard(self, given: DiscardInput) -> int:
        self.calls.append(DISCARD_PARTS)
        return 1

    @asynccontextmanager
    async def export(self, client: Client, **request: Any) -> AsyncIterator[WorkflowHandle[Any, VideoExportResult]]:
        """An export on a worker of its own."""
        queue = f"queue-{uuid.uuid4().hex[:8]}"
        activities: list[Callable[..., Any]] = [self.plan, self.render_segment, self.assemble, self.discard]
        async with Worker(client, task_queue=queue, workflows=[VideoExportWorkflow], activities=activities):
            yield await client.start_workflow(
                WORKFLOW_NAME,
                {"recording": "s3://recordings/a.json", **request},
                id=f"long-{uuid.uuid4()}",
                task_queue=queue,
                result_type=VideoExportResult,
            )
