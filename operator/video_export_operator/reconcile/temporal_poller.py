"""Asks Temporal about the queue of one resource, as often as its intervals and the shared budget allow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from video_export_operator.errors import OperatorError, TemporalUnavailable
from video_export_operator.metrics import Metrics
from video_export_operator.plan import NEVER
from video_export_operator.reconcile.credentials import SecretReader, build_endpoint, find_storage_problem
from video_export_operator.reconcile.memory import Poll
from video_export_operator.reconcile.schedule import Budget, spread
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.resource import VideoExportWorker
from video_export_operator.temporal_queue import TemporalQueues

EARLY = 0.05
"""Seconds by which an interval may be cut short, so that a tick that is a little early is not lost."""

REFUSED = frozenset({"SecretMissing", "Unauthenticated", "PermissionDenied", "CertificateInvalid", "HandshakeRefused"})
"""What another Secret may mend: then Secrets are read as they are now."""


@dataclass(frozen=True)
class TemporalPoller:
    """Keeps what is known of queues fresh."""

    queues: TemporalQueues
    secrets: SecretCache
    budget: Budget
    metrics: Metrics
    random: Callable[[], float]

    async def poll(self, resource: VideoExportWorker, last: Poll, at_zero: bool, at: float) -> Poll:
        """Return what Temporal says now if it is time to ask, else what it said.

        Everything is asked each `pollInterval`. Without pods nothing can be counted twice, so workflow tasks, where
        new exports show, are asked for each `pollIntervalAtZero`.
        """
        interval = self._interval(resource, last, at_zero)
        # Another interval counts at once when the size becomes zero, or no longer is.
        if at < last.asked_at + interval - EARLY:
            return replace(last, next_at=last.asked_at + interval)
        whole = not at_zero or last.queue is None or at - last.asked_all_at >= self._whole(resource) - EARLY
        new = await self._ask(resource, last, whole, at_zero, at)
        # Only the first interval is another: from then on each resource keeps its place in the interval.
        asked_at = at - interval + spread(interval, self.random) if last.asked_at == NEVER else at
        return replace(new, asked_at=asked_at, next_at=asked_at + self._interval(resource, new, at_zero))

    async def count_open(self, resource: VideoExportWorker, last: Poll, at: float) -> Poll:
        """Return what is known with the number of open executions, or with why Temporal does not say."""
        if last.endpoint is None:
            return last
        try:
            count = await self.queues.count_open(last.endpoint, resource.spec.temporal.task_queue, at)
        except TemporalUnavailable as error:
            self.metrics.errors.labels(error.reason).inc()
            return replace(last, count_refused=f"{error.reason}: {error}")
        return replace(last, open_executions=count)

    def _whole(self, resource: VideoExportWorker) -> float:
        """Return the effective `pollInterval`, in seconds."""
        return resource.spec.scaling.poll_interval * self.budget.stretch

    def _interval(self, resource: VideoExportWorker, last: Poll, at_zero: bool) -> float:
        """Return the effective interval in seconds, and book what it costs."""
        scaling = resource.spec.scaling
        rate = 3.0 / scaling.poll_interval
        wanted = scaling.poll_interval
        if at_zero and not last.failures:
            wanted = min(scaling.poll_interval_at_zero, scaling.poll_interval)
            rate = 1.0 / wanted + 1.0 / scaling.poll_interval
        self.budget.want(resource.key, rate)
        effective = wanted * self.budget.stretch
        self.metrics.interval.set((resource.key.namespace, resource.key.name), effective)
        return effective

    async def _ask(self, resource: VideoExportWorker, last: Poll, whole: bool, at_zero: bool, at: float) -> Poll:
        """Return what came of asking once."""
        began = time.monotonic()
        known = last
        try:
            if whole or last.endpoint is None:
                reader = self._reader(resource, last)
                known = replace(last, secret_problem=await find_storage_problem(resource, reader))
                known = await self._read_secrets(resource, reader, known)
            assert known.endpoint is not None
            queue = await self.queues.fetch_state(
                known.endpoint,
                resource.spec.temporal.task_queue,
                at,
                before=None if whole else last.queue,
                with_workers=not at_zero,
            )
        except OperatorError as error:
            self.metrics.errors.labels(error.reason).inc()
            return replace(known, failures=last.failures + 1, silence=error)
        finally:
            self.metrics.latency.observe(time.monotonic() - began)
        asked_all_at = at if whole else last.asked_all_at
        return replace(known, queue=queue, failures=0, silence=None, asked_all_at=asked_all_at)

    def _reader(self, resource: VideoExportWorker, last: Poll) -> SecretReader:
        """Return a reader of Secrets: as they are now, where what was read before may be what is wrong."""
        wrong = last.secret_problem or last.silence
        return SecretReader(self.secrets, resource.key.namespace, wrong is not None and wrong.reason in REFUSED)

    async def _read_secrets(self, resource: VideoExportWorker, reader: SecretReader, known: Poll) -> Poll:
        """Return what is known with how to reach Temporal, and a hash of what the Secrets of a resource hold now.

        Raises:
            SecretMissing: one that says how to reach Temporal.
        """
        endpoint = await build_endpoint(resource, reader)
        return replace(known, endpoint=endpoint, secrets=known.secrets if known.secret_problem else reader.digest)
