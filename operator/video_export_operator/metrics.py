"""The operator's metrics, and the port that serves them together with /readyz."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

PREFIX = "video_export_operator"
SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Every metric of the operator; their names are API."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        which = ("namespace", "name")
        self.desired = self._gauge("desired_replicas", "Size that was decided on.", which)
        self.ready = self._gauge("ready_replicas", "Pods that are ready.", which)
        self.busy = self._gauge("busy_replicas", "Pods with at least one activity running.", which)
        self.unknown = self._gauge("unknown_replicas", "Running pods whose worker has not reported.", which)
        self.needed = self._gauge("needed_replicas", "Pods that the work needs.", which)
        self.backlog = self._gauge("backlog_tasks", "Tasks that wait on the queue.", (*which, "type"))
        self.reachable = self._gauge("temporal_reachable", "1 if Temporal answers.", which)
        self.interval = self._gauge("effective_interval_seconds", "How often Temporal is asked.", which)
        self.resources = self._gauge("resources", "VideoExportWorker resources that are served.", ())
        self.leading = self._gauge("leading", "1 if this replica acts.", ())
        self.decisions = self._counter("decisions", "Decisions that changed the size.", (*which, "rule"))
        self.actions = self._counter("actions", "Writes to the API server.", ("action",))
        self.errors = self._counter("errors", "Errors by their reason.", ("reason",))
        self.duration = self._histogram("reconcile_duration_seconds", "Time of one reconciliation.")
        self.lateness = self._histogram("reconcile_lateness_seconds", "How late a reconciliation began.")
        self.latency = self._histogram("temporal_latency_seconds", "Time until Temporal answered.")

    def forget(self, namespace: str, name: str) -> None:
        """Drop the series of a resource that is gone."""
        of_resource = (self.desired, self.ready, self.busy, self.unknown, self.needed, self.reachable, self.interval)
        for metric in (*of_resource, self.backlog, self.decisions):
            metric.remove_by_labels({"namespace": namespace, "name": name})

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, registry=self.registry, buckets=SECONDS)


async def serve(metrics: Metrics, port: int, is_ready: Callable[[], bool]) -> web.AppRunner:
    """Serve /metrics and /readyz until the returned runner is cleaned up.

    Args:
        metrics: what to serve.
        port: to listen on; 0 takes a free one.
        is_ready: whether the operator has seen what exists; it leads or stands by.
    """

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def show_ready(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.Response(status=200 if ready else 503, text="ready\n" if ready else "not ready\n")

    app = web.Application()
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/readyz", show_ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner
