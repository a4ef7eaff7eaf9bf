"""`video-export worker`: take exports from a task queue until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, TypeVar

import click
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker

from video_export_worker.activities import ExportActivities
from video_export_worker.activities.attempt import HEARTBEAT_INTERVAL
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.attempts.kernel import hide_memory
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.cli.connection import TemporalSettings, TemporalUnreachable, connect, read_temporal_settings
from video_export_worker.cli.health import CannotServe, serving_health
from video_export_worker.cli.settings import InvalidSettings, WorkerSettings, read_settings
from video_export_worker.contract import DEFAULT_TASK_QUEUE
from video_export_worker.metrics import BUCKETS, DESCRIPTIONS, Metric
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.protection import OFF, ON, can_sandbox
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings
from video_export_worker.storage import AllowedPlaces, Storage
from video_export_worker.task_queues import find_doubt, find_registration

T = TypeVar("T")

LOG = logging.getLogger("video_export_worker")

WORKER_HEARTBEAT: Final = timedelta(seconds=10)  # how stale the operator's view of busy slots may be
ACTIVITY_HEARTBEAT: Final = timedelta(seconds=HEARTBEAT_INTERVAL)
STICKY_TIMEOUT: Final = timedelta(seconds=5)
RECONNECT_DELAYS: Final = (1, 2, 5, 10, 15)  # seconds; the last one is kept


@click.command("worker")
@click.option("--task-queue", default=DEFAULT_TASK_QUEUE, show_default=True, help="Queue to take exports from.")
@click.option(
    "--metrics-port", type=click.IntRange(1, 65535), default=8007, show_default=True, help="Port of /metrics."
)
def worker_command(task_queue: str, metrics_port: int) -> None:
    """Render exports from a Temporal task queue.

    VIDEO_EXPORT_STORAGE_URI says where videos go; TEMPORAL_ADDRESS where Temporal is. On SIGTERM the worker takes
    nothing new, finishes what it renders (at most VIDEO_EXPORT_GRACEFUL_SHUTDOWN seconds) and ends.
    """
    try:
        settings = read_settings(os.environ)
        temporal = read_temporal_settings(os.environ)
    except InvalidSettings as error:
        raise click.UsageError(str(error)) from error
    hide_memory()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if (doubt := find_doubt(task_queue)) is not None:
        LOG.warning("%s", doubt)
    code = 0
    try:
        asyncio.run(run_worker(settings, temporal, task_queue, metrics_port))
    except CannotServe as error:
        LOG.error("%s", error)
        code = 1
    except Exception:
        LOG.exception("the worker ends by a defect")
        code = 1
    # The SDK's threads can crash the interpreter's orderly exit (139); everything of ours is closed by now.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def run_worker(settings: WorkerSettings, temporal: TemporalSettings, task_queue: str, metrics_port: int) -> None:
    """Serve a task queue until SIGTERM or SIGINT. Temporal may come late, go and come back."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runtime = _start_runtime(metrics_port)
    await _tell_of_sandbox(settings, runtime)
    async with serving_health(settings.health_port) as health, _build_pipeline(settings) as pipeline:
        activities = _build_activities(settings, pipeline)
        health.started = True
        attempt = 0
        while not stop.is_set():
            try:
                client = await _until(stop, connect(temporal, identity=settings.identity, runtime=runtime))
                if client is not None:
                    attempt = 0
                    await _serve(client, settings, activities, task_queue, stop)
            except (TemporalUnreachable, RuntimeError) as error:
                delay = RECONNECT_DELAYS[min(attempt, len(RECONNECT_DELAYS) - 1)]
                attempt += 1
                LOG.warning("%s; trying again in %d s", error, delay)
                await _until(stop, asyncio.sleep(delay))
    LOG.info("stopped")


def _start_runtime(metrics_port: int) -> Runtime:
    everywhere = "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"
    prometheus = PrometheusConfig(
        bind_address=f"{everywhere}:{metrics_port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=BUCKETS,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=prometheus), worker_heartbeat_interval=WORKER_HEARTBEAT)
    except (RuntimeError, ValueError) as error:
        raise CannotServe(
            f"cannot serve metrics with --metrics-port {metrics_port}, choose another: {error}"
        ) from error


async def _tell_of_sandbox(settings: WorkerSettings, runtime: Runtime) -> None:
    """Log, and show as a metric, whether Chromium's own sandbox is on."""
    on = settings.chromium_sandbox == "true"
    if settings.chromium_sandbox == "auto":
        on = await asyncio.to_thread(can_sandbox)
    LOG.log(logging.INFO if on else logging.WARNING, "%s", ON if on else OFF)
    name = Metric.CHROMIUM_SANDBOX
    runtime.metric_meter.create_gauge(name, DESCRIPTIONS[name]).set(int(on))


async def _serve(
    client: Client, settings: WorkerSettings, activities: ExportActivities, task_queue: str, stop: asyncio.Event
) -> None:
    """Poll until `stop`, then let what runs finish. Raises RuntimeError if polling ends by itself."""
    worker = build_worker(client, settings, activities, task_queue)
    running = asyncio.create_task(worker.run())
    LOG.info("%s takes exports from %r, %d at once", settings.identity, task_queue, settings.slots)
    await _until(stop, asyncio.shield(running))
    if stop.is_set():
        LOG.info("stopping: at most %g s for what is running", settings.graceful_shutdown)
    await worker.shutdown()
    await running


def build_worker(client: Client, settings: WorkerSettings, activities: ExportActivities, task_queue: str) -> Worker:
    """Build the SDK's worker for a queue."""
    registration = find_registration(task_queue)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=registration.workflows,
        activities=registration.bind(activities),
        identity=settings.identity,
        max_concurrent_activities=settings.slots,
        # An activity started past the queue would jump over others' priority and fairness.
        disable_eager_activity_execution=True,
        max_heartbeat_throttle_interval=ACTIVITY_HEARTBEAT,
        default_heartbeat_throttle_interval=ACTIVITY_HEARTBEAT,
        # How long a dead worker's share of a workflow's steps waits for it.
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown),
    )


def _build_pipeline(settings: WorkerSettings) -> IsolatedPipeline:
    sandbox = {"true": True, "false": False, "auto": None}[settings.chromium_sandbox]
    chromium = ChromiumSettings(settings.chromium, sandbox, CaptureMode(settings.chromium_capture))
    return IsolatedPipeline(
        read_capacity(settings.slots),
        chromium,
        os.environ,
        browsers=settings.browsers,
        segment_seconds=settings.segment_seconds,
    )


def _build_activities(settings: WorkerSettings, pipeline: IsolatedPipeline) -> ExportActivities:
    limits = RecordingLimits(
        compressed_bytes=settings.max_recording_bytes,
        decompressed_bytes=settings.max_decompressed_bytes,
        video_seconds=settings.max_video_seconds,
    )
    places = AllowedPlaces(settings.storage_uri, settings.sources, settings.outputs)
    storage = Storage(settings.storage_uri, places=places)
    return ExportActivities(storage, limits, pipeline, AssetSettings.from_environment(os.environ))


async def _until(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """Wait for `work` and answer its result, or None if `stop` comes first."""
    stopping, working = asyncio.create_task(stop.wait()), asyncio.ensure_future(work)
    try:
        await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        stopping.cancel()
        working.cancel()
