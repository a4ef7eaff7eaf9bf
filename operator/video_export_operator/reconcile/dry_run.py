"""Shows what would be done for a resource, without doing it."""

import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.cluster import Cluster, KindNotInstalled
from video_export_operator.errors import Forbidden, OperatorError
from video_export_operator.manifests import Manifest
from video_export_operator.metrics import Metrics
from video_export_operator.plan import Apply, Grow, Remove, Shrink, Unmark
from video_export_operator.reconcile.caches import Caches
from video_export_operator.reconcile.memory import Memory, Poll
from video_export_operator.reconcile.observing import Observer
from video_export_operator.reconcile.pod_probe import PodProbe
from video_export_operator.reconcile.schedule import Budget
from video_export_operator.reconcile.secret_turns import SecretTurns
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.reconcile.step import take_step
from video_export_operator.reconcile.store import Store
from video_export_operator.reconcile.temporal_poller import TemporalPoller
from video_export_operator.resource import VideoExportWorker, parse_resource
from video_export_operator.scaling import Decision
from video_export_operator.temporal_queue import TemporalQueues
from video_export_operator.temporal_queue.worker_metrics import WorkerMetrics

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Uid of a resource that does not exist yet; nothing in the cluster belongs to it."""


@dataclass(frozen=True)
class Line:
    """Something to print, and whether it says that the API server refuses an object."""

    text: str
    refused: bool = False


async def try_out(body: dict[str, Any], cluster: Cluster) -> Line:
    """Ask the API server what it thinks of a manifest as somebody would apply it."""
    try:
        await cluster.try_out(body)
    except KindNotInstalled as error:
        return Line(f"the manifest: left out, {error}")
    except Forbidden as error:
        return Line(f"the manifest: not asked about, your account may not apply it: {error}")
    except OperatorError as error:
        return Line(f"the manifest: {error.reason}: {error}", refused=True)
    return Line("the manifest: accepted")


async def explain(body: Mapping[str, Any], cluster: Cluster, queues: TemporalQueues) -> AsyncIterator[Line]:
    """Yield, line by line, what the operator sees and would do for a resource.

    Args:
        body: the resource as a manifest; it need not exist.
        cluster: to read from, and to ask for its opinion of each object (a server-side dry run).
        queues: to ask Temporal.

    Raises:
        InvalidSpec: with every problem found.
    """
    resource = await _resolve(body, cluster)
    store = Store(lambda _: None)
    async with WorkerMetrics() as worker_metrics:
        poller = TemporalPoller(queues, SecretCache(cluster), Budget(400.0), Metrics(), random.random)
        turns = SecretTurns(cluster.list_deployments)
        observer = Observer(cluster, store, poller, PodProbe(worker_metrics), random.random, turns)
        # Read here: the observer reads for a resource that exists only, and this one need not.
        store.replace(resource.key, *await cluster.read_workers(resource.key))
        memory = await observer.observe(resource, Memory(resource.uid, resynced_at=time.monotonic()))
    step = take_step(store.snapshot(resource), memory, Caches())
    for text in _describe(resource, memory.poll, step.decision):
        yield Line(text)
    for ref, action in (*step.plan.checked, *step.plan.others):
        match action:
            case Apply(manifest):
                yield await _opinion(manifest, resource, cluster)
            case Remove():
                yield Line(f"remove {ref}, if it is there")
            case Grow(replicas):
                yield Line(f"set the size to {replicas}")
            case Shrink(replicas, victims):
                yield Line(f"set the size to {replicas} after marking {', '.join(victims)} and asking them again")
            case Unmark(pods):
                yield Line(f"take the marks from {', '.join(pods)}")


async def _resolve(body: Mapping[str, Any], cluster: Cluster) -> VideoExportWorker:
    """Return the resource with the identity of the one in the cluster, if there is one."""
    metadata = {"uid": NOBODY, **(body.get("metadata") or {})}
    resource = parse_resource({**body, "metadata": metadata})
    live = await cluster.fetch_resource(resource.key)
    if live is None:
        return resource
    return parse_resource({**body, "metadata": {**metadata, "uid": live["metadata"]["uid"]}})


def _describe(resource: VideoExportWorker, poll: Poll, decision: Decision) -> list[str]:
    """Return what was seen and decided."""
    queue = poll.queue
    temporal = f"{resource.spec.temporal.address}, queue {resource.spec.temporal.task_queue}"
    lines = [f"{resource.key} (Temporal at {temporal})"]
    if poll.silence is not None:
        lines.append(f"Temporal: {poll.silence.reason}: {poll.silence}")
    elif queue is not None:
        lines.append(f"waiting: {queue.activities.tasks} activities, {queue.workflows.tasks} workflow tasks")
    if poll.secret_problem is not None:
        lines.append(f"storage: {poll.secret_problem}")
    lines.append(f"pods: {decision.workload.live}, busy {len(decision.workload.busy)}")
    lines.append(f"size: {decision.replicas} ({decision.reason})")
    lines.append("a size is lowered only after a whole window was observed, which one look cannot do")
    return lines


async def _opinion(manifest: Manifest, resource: VideoExportWorker, cluster: Cluster) -> Line:
    """Return what the API server thinks of an object."""
    begin = f"apply {manifest.ref}: "
    try:
        accepted = await cluster.apply(manifest, resource.key.namespace, resource.uid, dry_run=True)
    except Forbidden as error:
        return Line(f"{begin}not asked about, your account may not: {error}")
    except OperatorError as error:
        return Line(f"{begin}{error.reason}: {error}", refused=True)
    return Line(begin + ("accepted" if accepted is not None else "left out, its kind is not installed"))
