"""Asks Temporal about one resource, as often as its intervals and the shared budget allow."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from video_export_operator.cluster import Cluster
from video_export_operator.errors import OperatorError, SecretMissing, TemporalUnavailable
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile.record import NEVER, Record
from video_export_operator.reconcile.schedule import Budget, spread
from video_export_operator.resource import VideoExportWorker
from video_export_operator.temporal_queue import Endpoint, TemporalQueues

EARLY = 0.05
"""Seconds by which an interval may be cut short, so that a tick that is a little early is not lost."""


@dataclass(frozen=True)
class Asker:
    """Keeps the records' view of their queues fresh."""

    queues: TemporalQueues
    cluster: Cluster
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
        self.metrics.interval.labels(resource.key.namespace, resource.key.name).set(effective)
        return effective

    async def _ask(self, resource: VideoExportWorker, record: Record, whole: bool, at_zero: bool, at: float) -> None:
        """Ask once and remember what came of it."""
        began = time.monotonic()
        try:
            if whole or record.endpoint is None:
                record.secret_problem = await self._storage_problem(resource)
                record.endpoint = await self._endpoint(resource)
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

    async def _storage_problem(self, resource: VideoExportWorker) -> OperatorError | None:
        """Return what is wrong with the storage's Secret: the pods read it, the operator looks whether it is there."""
        reference = resource.spec.storage.secret_ref
        if reference is None:
            return None
        try:
            await self.cluster.fetch_secret(resource.key.namespace, reference.name)
        except SecretMissing as error:
            return error
        return None

    async def _endpoint(self, resource: VideoExportWorker) -> Endpoint:
        """Return where Temporal is, with the credentials as the Secrets have them now."""
        temporal = resource.spec.temporal
        secrets: dict[str, Mapping[str, bytes]] = {}

        async def read(name: str, key: str) -> bytes:
            if name not in secrets:
                secrets[name] = await self.cluster.fetch_secret(resource.key.namespace, name)
            if key not in secrets[name]:
                raise SecretMissing(f"Secret {resource.key.namespace}/{name} has no key {key}; add it")
            return secrets[name][key]

        tls, api_key = temporal.tls, temporal.api_key_secret_ref
        ca = tls.ca_secret_ref if tls else None
        client = tls.client_cert_secret_ref if tls else None
        return Endpoint(
            address=temporal.address,
            namespace=temporal.namespace,
            tls=tls is not None or api_key is not None,
            server_name=tls.server_name if tls else None,
            ca=await read(ca.name, "ca.crt") if ca else None,
            certificate=await read(client.name, "tls.crt") if client else None,
            private_key=await read(client.name, "tls.key") if client else None,
            api_key=(await read(api_key.name, api_key.key)).decode().strip() if api_key else None,
        )
