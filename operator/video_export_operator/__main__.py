"""The `video-export-operator` command: wires the parts together."""

import argparse
import asyncio
import atexit
import json
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence

import kopf

from video_export_operator.cluster import Cluster, find_namespace, load_configuration
from video_export_operator.command_line import build_parser
from video_export_operator.endpoints import serve_health, serve_metrics
from video_export_operator.errors import OperatorError
from video_export_operator.garbage import keep_pauses_short
from video_export_operator.handlers import build_registry, build_settings, escalate_failed_watches
from video_export_operator.lease import Elector
from video_export_operator.manifest_files import Document, read_documents
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile import (
    Budget,
    Claims,
    Line,
    Loop,
    Observer,
    PlanExecutor,
    PodProbe,
    Reconciler,
    Relister,
    Reporter,
    SecretCache,
    SecretTurns,
    Shrinker,
    Store,
    TemporalPoller,
    explain,
    try_out,
)
from video_export_operator.settings import InvalidSettings, Settings, read_settings
from video_export_operator.temporal_queue import TemporalQueues
from video_export_operator.temporal_queue.worker_metrics import WorkerMetrics

log = logging.getLogger("video_export_operator")

GRACE = 10.0
"""Seconds that everything has to end in, far below the pod's grace period."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code: 0, 1 failed, 2 usage."""
    options = build_parser(run, plan).parse_args(arguments)
    code = 1
    try:
        code = asyncio.run(options.command(options))
    except InvalidSettings as error:
        print(f"video-export-operator: {error}", file=sys.stderr)
        code = 2
    except OperatorError as error:
        if log.hasHandlers():  # `run` has begun to write its log
            log.critical("%s", error)
        else:
            print(f"video-export-operator: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    except Exception:
        log.exception("video-export-operator ends by a defect; please report it")
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        # The Temporal client's threads can crash the interpreter while it ends. All of ours is cleaned up by now,
        # here what libraries keep for the end: the official client's files with a kubeconfig's private key.
        atexit._run_exitfuncs()
        os._exit(code)


async def run(options: argparse.Namespace) -> int:
    """Run the operator until SIGTERM or SIGINT."""
    given = {name: value for name, value in vars(options).items() if name != "command"}
    # Two replicas of one identity would both lead.
    myself = {"POD_NAME": f"{socket.gethostname()}-{os.getpid()}"}
    settings = read_settings({**myself, **os.environ}, given)
    set_up_logging(settings)
    configuration = await load_configuration(settings.kube_context)
    # The Lease has connections of its own: it must not wait behind a thousand resources.
    async with Cluster(configuration, concurrency=2) as lease_cluster:
        elector = Elector(lease_cluster, settings.lease_namespace, settings.lease_name, settings.identity)

        def is_leading() -> bool:
            return elector.is_leading or not settings.leader_election

        async with (
            Cluster(configuration, settings.concurrency, is_leading) as cluster,
            WorkerMetrics() as worker_metrics,
        ):
            await _serve(settings, cluster, worker_metrics, elector, is_leading)
    return 0


async def _serve(
    settings: Settings,
    cluster: Cluster,
    worker_metrics: WorkerMetrics,
    elector: Elector,
    is_leading: Callable[[], bool],
) -> None:
    """Wire the parts together and run them until a signal ends them."""
    metrics = Metrics()
    metrics.leading.set_function(is_leading)
    loop = Loop(metrics, is_leading, lambda: elector.term, random.random)
    store = Store(loop.wake)
    metrics.resources.set_function(lambda: len(store.resources))
    reconciler = _build_reconciler(settings, cluster, store, worker_metrics, metrics)
    relister = Relister(cluster, store, settings.namespaces, settings.label_selector)
    ready, stop = asyncio.Event(), asyncio.Event()
    served = (
        await serve_metrics(metrics, settings.metrics_port, ready.is_set),
        await serve_health(settings.health_port, lambda: loop.stuck_for(time.monotonic())),
    )
    watching = asyncio.create_task(_watch(settings, store, relister, ready, stop), name="watch")
    signals = asyncio.create_task(_take_signals(ready, stop), name="signals")
    tasks = [
        asyncio.create_task(loop.run(reconciler), name="loop"),
        asyncio.create_task(relister.run(), name="relister"),
        asyncio.create_task(escalate_failed_watches(), name="watches"),
        asyncio.create_task(keep_pauses_short(), name="garbage"),
    ]
    if settings.leader_election:
        tasks.append(asyncio.create_task(elector.run(), name="lease"))
    try:
        stopping = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait([watching, stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()  # none of them ends by itself: what ended it ends the operator, and Kubernetes starts another
    finally:
        stop.set()
        for task in (signals, *tasks):
            task.cancel()
        await asyncio.wait([signals, *tasks, watching], timeout=GRACE)
        for runner in served:
            await runner.cleanup()


def _build_reconciler(
    settings: Settings, cluster: Cluster, store: Store, worker_metrics: WorkerMetrics, metrics: Metrics
) -> Reconciler:
    """Return what reconciles the resources of the store."""
    secrets, budget = SecretCache(cluster), Budget(settings.calls_per_second)
    poller = TemporalPoller(TemporalQueues(), secrets, budget, metrics, random.random)
    probe = PodProbe(worker_metrics)
    secret_turns = SecretTurns(cluster.list_deployments)
    observer = Observer(cluster, store, poller, probe, random.random, secret_turns)
    executor = PlanExecutor(cluster, store, Shrinker(cluster, store, probe, metrics), metrics)
    reporter = Reporter(executor, metrics, random.random)
    lease = f"{settings.lease_namespace}/{settings.lease_name}" if settings.leader_election else None
    claims = Claims(cluster, store, lease)
    turns = asyncio.Semaphore(settings.concurrency)
    return Reconciler(store, observer, executor, reporter, claims, metrics, turns, random.random)


async def _watch(
    settings: Settings, store: Store, relister: Relister, ready: asyncio.Event, stop: asyncio.Event
) -> None:
    """Let Kopf watch until told to stop."""
    clusterwide = not settings.namespaces
    await kopf.operator(
        registry=build_registry(store, relister.notice, settings.kube_context),
        settings=build_settings(settings.label_selector, clusterwide),
        standalone=True,
        clusterwide=clusterwide,
        namespaces=settings.namespaces,
        ready_flag=ready,
        stop_flag=stop,
    )


async def plan(options: argparse.Namespace) -> int:
    """Print what would be done for the documents of manifests; 1 if something of it was refused."""
    documents = read_documents(options.filenames, options.namespace or find_namespace(options.kube_context))
    refused = False
    async with Cluster(await load_configuration(options.kube_context)) as cluster:
        for number, document in enumerate(documents):
            print(f"{chr(10) if number else ''}# {document}")
            async for line in preview(document, documents, cluster):
                print(line.text, flush=True)
                refused |= line.refused
    return int(refused)


async def preview(document: Document, documents: Sequence[Document], cluster: Cluster) -> AsyncIterator[Line]:
    """Yield what would be done for one document; a Secret that is missing may be among the others."""
    yield await try_out(document.body, cluster)
    if not document.is_worker:
        return
    secrets = [other for other in documents if other.body["kind"] == "Secret"]
    async for line in explain(document.body, cluster, TemporalQueues()):
        beside = [each for each in secrets if f"Secret {each.key} does not exist" in line.text]
        yield Line(f"{line.text} (it comes with {beside[0]})", line.refused) if beside else line


async def _take_signals(ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT set the event, also after Kopf has put its own handlers in place.

    Kopf's would end the watches first, and leave this replica to lead without them until they are closed.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await ready.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with what a record says it is about (`extra={"about": ...}`) as fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error in the wanted form. Kopf's own debug level would log secrets."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else text)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    quiet = max(logging.INFO, logging.getLevelNamesMapping()[settings.log_level.upper()])
    for name in ("kopf", "asyncio", "kubernetes"):
        logging.getLogger(name).setLevel(quiet)
    # One line for each event and each probe says nothing that the reconciler does not.
    for name in ("kopf.objects", "kopf.activities", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
