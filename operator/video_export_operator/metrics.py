"""The operator's metrics."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

PREFIX = "video_export_operator"
TASK_TYPES = ("activity", "workflow")
POD_STATES = ("busy", "idle")
SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHORT = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)


class Levels(Collector):
    """A gauge with many series, each a number: prometheus_client's own keeps an object with a lock for each."""

    family: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._text = text
        self._labelnames = labels
        self._values: dict[tuple[str, ...], float] = {}

    def set(self, which: tuple[str, ...], value: float) -> None:
        """Set the value of a series."""
        self._values[which] = value

    def remove(self, which: tuple[str, ...]) -> None:
        """Drop a series."""
        self._values.pop(which, None)

    def describe(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield the metric without values."""
        yield self.family(self._name, self._text, labels=self._labelnames)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield the metric with all its series."""
        family = self.family(self._name, self._text, labels=self._labelnames)
        # Another thread asks. Copying is one step for it; listing is not, garbage may be collected in the middle.
        for series, value in self._values.copy().items():
            family.add_metric(series, value)
        yield family


class Totals(Levels):
    """A counter of that kind, whose values are counted elsewhere and begin at zero with the process."""

    family = CounterMetricFamily


class Metrics:
    """Every metric of the operator; their names are API."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        which = ("namespace", "name")
        self.desired = self._levels("desired_replicas", "Size that was decided on.", which)
        self.ready = self._levels("ready_replicas", "Pods that are ready.", which)
        self.busy = self._levels("busy_replicas", "Pods that run something.", which)
        self.unknown = self._levels("unknown_replicas", "Running pods whose worker was not heard lately.", which)
        self.needed = self._levels("needed_replicas", "Pods that the work needs.", which)
        self.backlog = self._levels("backlog_tasks", "Tasks that wait on the queue.", (*which, "type"))
        self.stalled = self._levels(
            "stalled_tasks", "Tasks that no worker takes although slots are free.", (*which, "type")
        )
        self.pod_seconds = self._totals("pod_seconds", "Time that pods were there, by state.", (*which, "state"))
        self.reachable = self._levels("temporal_reachable", "1 if Temporal answers.", which)
        self.interval = self._levels("effective_interval_seconds", "How often Temporal is asked.", which)
        self.resources = self._gauge("resources", "VideoExportWorker resources that are served.")
        self.leading = self._gauge("leading", "1 if this replica acts.")
        self.decisions = self._counter("decisions", "Decisions that changed the size.", (*which, "rule"))
        self.actions = self._counter("actions", "Writes; an Apply may find nothing to write.", ("action",))
        self.errors = self._counter("errors", "Errors by their reason.", ("reason",))
        self.duration = self._histogram("reconcile_duration_seconds", "Time of one reconciliation.")
        self.lateness = self._histogram("reconcile_lateness_seconds", "How late a reconciliation began.")
        self.shrink = self._histogram(
            "shrink_seconds", "Time from the last look at pods to the size that takes them.", SHORT
        )
        self.latency = self._histogram("temporal_latency_seconds", "Time until Temporal answered.")

    def forget(self, namespace: str, name: str) -> None:
        """Drop the series of a resource that is gone."""
        of_resource = (self.desired, self.ready, self.busy, self.unknown, self.needed, self.reachable, self.interval)
        for levels in of_resource:
            levels.remove((namespace, name))
        for kind in TASK_TYPES:
            self.backlog.remove((namespace, name, kind))
            self.stalled.remove((namespace, name, kind))
        for state in POD_STATES:
            self.pod_seconds.remove((namespace, name, state))
        self.decisions.remove_by_labels({"namespace": namespace, "name": name})

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, registry=self.registry)

    def _levels(self, name: str, text: str, labels: tuple[str, ...]) -> Levels:
        levels = Levels(f"{PREFIX}_{name}", text, labels)
        self.registry.register(levels)
        return levels

    def _totals(self, name: str, text: str, labels: tuple[str, ...]) -> Totals:
        totals = Totals(f"{PREFIX}_{name}", text, labels)
        self.registry.register(totals)
        return totals

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float] = SECONDS) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, registry=self.registry, buckets=buckets)
