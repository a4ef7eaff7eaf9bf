"""What the worker of a pod says of itself on its metrics port.

For workers without heartbeats: those of an older SDK, of an image whose author switched them off, or of a server that
keeps none. Every Temporal SDK serves these metrics.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from video_export_operator.scaling import WorkerReport

log = logging.getLogger(__name__)

TIMEOUT = 1.0
"""Seconds for the answers of all pods of a resource, which it adds to a reconciliation at most."""
AT_ONCE = 32
"""Connections of the whole operator."""
LONGEST = 4 * 1024 * 1024
"""Bytes of an answer that are read; the SDK's metrics are some tens of kilobytes, an application may add its own."""
MOST_KEPT = 256 * 1024
"""Bytes of an answer that are kept: its lines about slots and activities, of all task queues."""
_SLOTS = re.compile(r"(^|_)worker_task_slots_(used|available)$")
_ENDED = re.compile(r"(^|_)(activity|nexus_task)_execution_latency(_\w+)?_count$")
_OTHERS_ENDED = re.compile(r"(^|_)(local_activity|nexus_task)_execution_latency")
_NEEDED = re.compile(
    rb"(?m)^\w*(?:worker_task_slots_(?:used|available)|(?:activity|nexus_task)_execution_latency(?:_\w+)?_count)[{ ].*$"
)
OTHERS = frozenset({"LocalActivityWorker", "NexusWorker", "WorkflowWorker"})
"""What a worker may run beside activities, as the SDKs name it."""


@dataclass(frozen=True)
class MetricsPort:
    """Where the metrics of a pod are."""

    pod: str
    address: str
    port: int

    @property
    def url(self) -> str:
        """The URL; an IPv6 address goes into brackets."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/metrics"


class WorkerMetrics:
    """Reads the metrics of pods. It needs no credentials and sends none."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch_reports(self, ports: Iterable[MetricsPort], queue: str, at: float) -> Mapping[str, WorkerReport]:
        """Return what the workers say, by pod; one that does not answer in time, or not with such metrics, is left out.

        Args:
            ports: which to ask, all at once.
            queue: task queue whose activities count.
            at: the time of this observation, which stands for a heartbeat's.
        """
        asked = tuple(ports)
        texts = await asyncio.gather(*(self._read(port) for port in asked))

        def parse() -> dict[str, WorkerReport | None]:
            return {port.pod: parse_report(text, queue, at) for port, text in zip(asked, texts, strict=True) if text}

        # Of a thousand pods it takes a second, in which the loop has other resources to serve.
        reports = await asyncio.to_thread(parse)
        return {pod: report for pod, report in reports.items() if report is not None}

    async def _read(self, port: MetricsPort) -> str | None:
        """Return those metrics of one pod that matter."""
        assert self._session is not None, "used outside of its `async with`"
        try:
            async with asyncio.timeout(TIMEOUT), self._session.get(port.url, allow_redirects=False) as answer:
                return await read_needed(answer.content.iter_any()) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, TooMuch) as error:
            log.debug("%s: %s does not answer: %s", port.pod, port.url, error)
            return None


class TooMuch(Exception):
    """A pod says more than a worker's metrics can be."""


async def read_needed(chunks: AsyncIterable[bytes]) -> str:
    """Return the lines of a text that matter, and keep nothing else of it.

    Raises:
        TooMuch: it is longer than LONGEST, or what matters than MOST_KEPT.
    """
    kept, rest, length = bytearray(), b"", 0
    async for chunk in chunks:
        length += len(chunk)
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        kept += b"".join(line + b"\n" for line in _NEEDED.findall(lines + newline))
        if length > LONGEST or max(len(kept), len(rest)) > MOST_KEPT:
            raise TooMuch(f"more than {length} bytes")
    kept += b"".join(line + b"\n" for line in _NEEDED.findall(rest))
    return kept.decode(errors="replace")


def parse_report(text: str, queue: str, at: float) -> WorkerReport | None:
    """Return what a worker's metrics say of what it runs; None where they say nothing of activities.

    Args:
        text: in Prometheus' format.
        queue: task queue; metrics of other queues do not count, those without that label do.
        at: when they were read.
    """
    samples = [sample for sample in _samples(text) if sample.labels.get("task_queue", queue) == queue]
    slots = [sample for sample in samples if _SLOTS.search(sample.name)]
    activities = [sample for sample in slots if sample.labels.get("worker_type") == "ActivityWorker"]
    if not activities:
        return None
    others = [sample for sample in slots if sample.labels.get("worker_type") in OTHERS]
    ended = [sample for sample in samples if _ENDED.search(sample.name)]
    return WorkerReport(
        used=_sum_used(activities),
        processed=round(sum(sample.value for sample in ended if not _OTHERS_ENDED.search(sample.name))),
        beat=at,
        others=_sum_used(others),
        others_processed=round(sum(sample.value for sample in ended if _OTHERS_ENDED.search(sample.name))),
        slots=_sum_slots(activities),
    )


def _sum_used(slots: Iterable[Sample]) -> int:
    """Return how many slots are in use."""
    return round(sum(sample.value for sample in slots if sample.name.endswith("used")))


def _sum_slots(slots: Iterable[Sample]) -> int | None:
    """Return how many slots there are; None unless both the used and the free ones are told."""
    by_kind = {sample.name.rpartition("_")[2] for sample in slots}
    return round(sum(sample.value for sample in slots)) or None if by_kind == {"used", "available"} else None


def _samples(text: str) -> list[Sample]:
    """Return the samples; what a stranger's worker says may be no metrics at all."""
    try:
        return [sample for family in text_string_to_metric_families(f"{text}\n") for sample in family.samples]
    except ValueError as error:
        log.debug("metrics that cannot be read: %s", error)
        return []
