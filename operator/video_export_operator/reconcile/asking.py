"""Asks Temporal about one resource, as often as its intervals and the shared budget allow."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from video_export_operator.errors import OperatorError, TemporalUnavailable
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile.credentials import SecretReader, build_endpoint, find_storage_problem
from video_export_operator.reconcile.record import NEVER, Record
from video_export_operator.reconcile.schedule import Budget, spread
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.resource import VideoExportWorker
from video_export_operator.temporal_queue import Endpoint, TemporalQueues

EARLY = 0.05
"""Seconds by which an interval may be cut short, so that a tick that is a little early is not lost."""

REFUSED = frozenset({"SecretMissing", "Unauthenticated", "PermissionDenied", "CertificateInvalid", "HandshakeRefused"})
"""What another Secret may mend: then Secrets are read as they are now."""


@dataclass(frozen=True)
class Asker:
    """Keeps the records' view of their queues fresh."""

    queues: TemporalQueues
    secrets: SecretCache
    budget: Budget
    metrics: Metrics
    random: Callable[[], float]

    async def refresh(self, resource: VideoExportWorker, record: Record, at_zero: bool, at: float) -> None:
        """Ask Temporal if it is time to.

        Everything is asked each `pollInterval`. Without pods nothing can be counted twice, so workflow tasks, where
        new exports show, are asked for each `pollIntervalAtZero`.
        """
        if at < self.next_ask(resource, record, at_zero) - EARLY:
            return
        interval = self._interval(resource, record, at_zero)
        whole = not at_zero or record.queue is None or at - record.asked_all_at >= self._whole(resource) - EARLY
        first = record.asked_at == NEVER
        await self._ask(resource, record, whole, at_zero, at)
        # Only the first interval is another: from then on each resource keeps its place in the interval.
        record.asked_at = at - interval + spread(interval, self.random) if first else at

    def next_ask(self, resource: VideoExportWorker, record: Record, at_zero: bool) -> float:
        """Return when to ask next; another interval counts at once when the size becomes zero, or no longer is."""
        return record.asked_at + self._interval(resource, record, at_zero)

    async def count_open(self, resource: VideoExportWorker, record: Record, at: float) -> int | None:
        """Return the number of open executions; None where Temporal does not say."""
        if record.endpoint is None:
            return None
        try:
            return await self.queues.count_open(record.endpoint, resource.spec.temporal.task_queue, at)
        except TemporalUnavailable as error:
            self.metrics.errors.labels(error.reason).inc()
            return None

    def _whole(self, resource: VideoExportWorker) -> float:
        """Return the effective `pollInterval`, in seconds."""
        return resource.spec.scaling.poll_interval * self.budget.stretch

    def _interval(self, resource: VideoExportWorker, record: Record, at_zero: bool) -> float:
        """Return the effective interval in seconds, and book what it costs."""
        scaling = resource.spec.scaling
        rate = 3.0 / scaling.poll_interval
        wanted = scaling.poll_interval
        if at_zero and not record.failures:
            wanted = min(scaling.poll_interval_at_zero, scaling.poll_interval)
            rate = 1.0 / wanted + 1.0 / scaling.poll_interval
        self.budget.want(resource.key, rate)
        effective = wanted * self.budget.stretch
        if effective != record.interval:
            record.interval = effective
            self.metrics.interval.set((resource.key.namespace, resource.key.name), effective)
        return effective

    async def _ask(self, resource: VideoExportWorker, record: Record, whole: bool, at_zero: bool, at: float) -> None:
        """Ask once and remember what came of it."""
        began = time.monotonic()
        try:
            if whole or record.endpoint is None:
                record.endpoint = await self._read_secrets(resource, record)
            record.queue = await self.queues.fetch_state(
                record.endpoint,
                resource.spec.temporal.task_queue,
                at,
                before=None if whole else record.queue,
                with_workers=not at_zero,
            )
        except OperatorError as error:
            record.failures += 1
            record.silence = error
            self.metrics.errors.labels(error.reason).inc()
            return
        finally:
            self.metrics.latency.observe(time.monotonic() - began)
        record.failures, record.silence = 0, None
        if whole:
            record.asked_all_at = at

    async def _read_secrets(self, resource: VideoExportWorker, record: Record) -> Endpoint:
        """Return how to reach Temporal, and remember what the Secrets of a resource hold now.

        Raises:
            SecretMissing: one that says how to reach Temporal.
        """
        wrong = record.secret_problem or record.silence
        fresh = wrong is not None and wrong.reason in REFUSED
        reader = SecretReader(self.secrets, resource.key.namespace, fresh)
        record.secret_problem = await find_storage_problem(resource, reader)
        endpoint = await build_endpoint(resource, reader)
        if record.secret_problem is None:
            record.secrets = reader.digest
        return endpoint
