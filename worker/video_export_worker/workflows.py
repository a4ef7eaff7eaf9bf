"""The workflow of an export: plan, render the segments wherever there is room, assemble, clean up.

It imports the contract and the errors, nothing of the renderer: its code must decide the same at every replay.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import Priority, RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

# Name by name: `from package import module` would load a copy of the module into the sandbox.
with workflow.unsafe.imports_passed_through():
    from video_export_worker.contract import (
        ASSEMBLE,
        DISCARD_PARTS,
        HEARTBEAT_TIMEOUT,
        PLAN_EXPORT,
        PROGRESS_QUERY,
        RENDER_SEGMENT,
        WORKFLOW_NAME,
        AssembleInput,
        DiscardInput,
        PlanInput,
        PlannedExport,
        Progress,
        Segment,
        SegmentInput,
        SegmentResult,
        VideoExportRequest,
        VideoExportResult,
        list_between,
        parse_request,
    )
    from video_export_worker.errors import ERROR_CODES, InvalidRequest, RendererDiffers
    from video_export_worker.metrics import DESCRIPTIONS, Metric

# What can succeed later is tried again; the errors themselves say which those are (errors.py), and the activities when
# it has failed too often (activities/attempt.py). An attempt that ends with its pod is no failure, and only time ends
# those.
RETRIES: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
TRIED_FOR: Final = timedelta(hours=12)  # an activity, all attempts and the waits between them
DISCARD_TRIED_FOR: Final = timedelta(minutes=10)  # who cancels an export waits for it
PLAN_TIMEOUT: Final = timedelta(minutes=15)  # 512 MiB at 1 MB/s, and reading them
ASSEMBLE_TIMEOUT: Final = timedelta(hours=1)  # a GIF of a quarter of an hour is encoded here
DISCARD_TIMEOUT: Final = timedelta(minutes=5)
FRAME_TIMEOUT: Final = 2.0  # seconds; a captured frame takes 0.05
SEGMENT_TIMEOUT: Final = timedelta(minutes=10)  # beside its frames: fetching, starting Chromium, storing
# Segments on their way at once: several times the workers that one export is given, and not all of the longest export,
# whose first workflow task would be too large.
WINDOW: Final = 128
MOST_PLANS: Final = 3  # of one export: each update of the workers while it runs may cost one

NO_INPUT: Final = RawValue(Payload())


# TypeError: an input of several values would otherwise fail the workflow task again and again, never the export.
@workflow.defn(name=WORKFLOW_NAME, failure_exception_types=[TypeError])
class VideoExportWorkflow:
    """One export. The input is `VideoExportRequest` as JSON, the result `VideoExportResult`."""

    def __init__(self) -> None:
        self._progress = Progress()
        self._priority = Priority.default

    @workflow.run
    async def run(self, raw: RawValue = NO_INPUT) -> VideoExportResult:
        """Export; a request that cannot be read fails the export at once, with every problem in the message."""
        try:
            request = _read_request(raw)
            self._priority = Priority(priority_key=request.priority, fairness_key=request.fairness_key)
            result = await self._export(request)
        except asyncio.CancelledError:
            _count_export("cancelled")
            raise
        except Exception as error:
            _count_export("cancelled" if is_cancelled_exception(error) else "failed")
            if (named := _name_failure(error)) is not None:
                raise named from error
            raise
        _count_export("completed")
        return result

    @workflow.query(name=PROGRESS_QUERY)
    def progress(self) -> Progress:
        """How far the export is."""
        return self._progress

    async def _export(self, request: VideoExportRequest) -> VideoExportResult:
        export_id = workflow.info().workflow_id
        try:
            result = await self._plan_and_render(PlanInput(export_id=export_id, request=request))
        finally:
            # In a task of its own: a cancelled export cleans up too, and the activities above have ended by now.
            await asyncio.shield(asyncio.create_task(self._discard(export_id)))
        self._report(phase="done", frames_done=self._progress.frames, seconds_left=0.0)
        return result

    async def _plan_and_render(self, given: PlanInput) -> VideoExportResult:
        """Make the video; where the plan's renderer is gone, begin again with the one that is there now."""
        for left in reversed(range(MOST_PLANS)):
            self._report(phase="planning")
            planned: PlannedExport = await self._execute(PLAN_EXPORT, given, PlannedExport, PLAN_TIMEOUT)
            try:
                segments = await self._render(planned)
                break
            except ActivityError as error:
                if not left or _code_of(error) != RendererDiffers.__name__:
                    raise
                workflow.logger.info("export %s is planned anew: %s", given.export_id, error.cause)
        self._report(phase="assembling", seconds_left=None)
        joined = AssembleInput(export_id=given.export_id, plan=planned.plan, segments=segments)
        result: VideoExportResult = await self._execute(ASSEMBLE, joined, VideoExportResult, ASSEMBLE_TIMEOUT)
        return result

    async def _render(self, planned: PlannedExport) -> list[tuple[int, int]]:
        """Render all segments, some side by side; the first that fails for good ends the others.

        Returns:
            First frame and number of frames of each segment, in order.
        """
        waiting = deque(_list_segments(planned.segments))
        frames = sum(planned.segments)
        self._report(phase="rendering", segments=len(waiting), segments_done=0, frames=frames, frames_done=0)
        began = workflow.time()
        done: list[Segment] = []
        room = asyncio.Semaphore(WINDOW)

        async def take_turns() -> None:
            while waiting:
                segment = waiting.popleft()
                timeout = SEGMENT_TIMEOUT + timedelta(seconds=FRAME_TIMEOUT * segment.count)
                given = SegmentInput(plan=planned.plan, segment=segment)
                async with room:
                    result: SegmentResult = await self._execute(RENDER_SEGMENT, given, SegmentResult, timeout)
                rest = result.list_rest(segment)
                rendered = list_between(segment, rest)
                done.extend(rendered)
                waiting.extend(rest)
                count = sum(part.count for part in rendered)
                self._report_segment(count, len(done) + len(waiting), workflow.time() - began)
                if len(rest) > 1:  # as many workers may go on with it
                    await _gather([take_turns() for _ in rest])

        await _gather([take_turns() for _ in range(min(WINDOW, len(waiting)))])
        return sorted((segment.first, segment.count) for segment in done)

    async def _execute(
        self, name: str, given: Any, result_type: type[Any], timeout: timedelta, tried_for: timedelta = TRIED_FOR
    ) -> Any:
        return await workflow.execute_activity(
            name,
            given,
            result_type=result_type,
            start_to_close_timeout=timeout,
            schedule_to_close_timeout=tried_for,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRIES,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            priority=self._priority,
        )

    async def _discard(self, export_id: str) -> None:
        """Delete the parts. Parts that stay behind cost space, not the export."""
        given = DiscardInput(export_id=export_id)
        try:
            await self._execute(DISCARD_PARTS, given, int, DISCARD_TIMEOUT, DISCARD_TRIED_FOR)
        except ActivityError as error:
            workflow.logger.warning("the parts of export %s stay in the storage: %s", export_id, error.cause)

    def _report(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)

    def _report_segment(self, count: int, segments: int, elapsed: float) -> None:
        done = self._progress.frames_done + count
        left = elapsed / done * (self._progress.frames - done)
        self._report(
            segments=max(segments, self._progress.segments),
            segments_done=self._progress.segments_done + 1,
            frames_done=done,
            seconds_left=round(left, 1),
        )


def _list_segments(counts: list[int]) -> list[Segment]:
    stops = itertools.accumulate(counts)
    return [Segment(first=stop - count, count=count) for stop, count in zip(stops, counts, strict=True)]


def _read_request(raw: RawValue) -> VideoExportRequest:
    """Decode and check the input here, where an error fails the export instead of the workflow task for ever."""
    try:
        value = None if raw is NO_INPUT else workflow.payload_converter().from_payload(raw.payload)
    except Exception as error:
        raise _refuse(f"the input is not JSON: {error}") from error
    try:
        return parse_request(value)
    except InvalidRequest as error:
        raise _refuse(str(error)) from error


def _name_failure(error: Exception) -> ApplicationError | None:
    """Let the export's own failure carry the code of the activity's, so that a client need not dig for it."""
    cause = error.cause if isinstance(error, ActivityError) else None
    if isinstance(cause, ApplicationError) and cause.type in ERROR_CODES:
        return ApplicationError(cause.message, type=cause.type, non_retryable=cause.non_retryable)
    return None


def _code_of(error: ActivityError) -> str | None:
    return error.cause.type if isinstance(error.cause, ApplicationError) else None


def _refuse(message: str) -> ApplicationError:
    return ApplicationError(message, type=InvalidRequest.__name__, non_retryable=True)


async def _gather(work: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(item) for item in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        # Until the last one has ended it may still write parts.
        await asyncio.gather(*tasks, return_exceptions=True)


def _count_export(outcome: str) -> None:
    meter = workflow.metric_meter()
    meter.create_counter(Metric.EXPORTS, DESCRIPTIONS[Metric.EXPORTS]).add(1, {"outcome": outcome})
