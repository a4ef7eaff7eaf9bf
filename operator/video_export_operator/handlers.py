"""Kopf's part: watching. Nothing here writes to a resource, so there are no finalizers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from video_export_operator.cluster import load_configuration
from video_export_operator.errors import OperatorError
from video_export_operator.reconcile import Store
from video_export_operator.resource.identity import GROUP, MANAGER, PLURAL, VERSION

OURS = {"app.kubernetes.io/managed-by": MANAGER}
CHILDREN = (
    ("", "v1", "serviceaccounts"),
    ("", "v1", "services"),
    ("networking.k8s.io", "v1", "networkpolicies"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("monitoring.coreos.com", "v1", "servicemonitors"),
)
"""What stands beside a Deployment, so that its edits are repaired soon. A kind that is not installed is left out."""

BACKOFFS = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0)
"""Seconds before a watch that was refused is tried again; the last for ever."""
LOOK = 2.0
"""Seconds between two looks at whether the watches are alive."""
UNSERVED = 15.0
"""Seconds without a watch of our resource before the process ends. Kopf looks for definitions when one changes, which
is a moment before the API server serves it, and may not look again."""

Put = Callable[[Any], None]


class Backoffs:
    """Pauses without an end: of a limited number Kopf would try for a minute, and then never watch again."""

    def __iter__(self) -> Iterator[float]:
        yield from BACKOFFS
        while True:
            yield BACKOFFS[-1]


def build_registry(
    store: Store, relisted: Callable[[], None] = lambda: None, context: str | None = None
) -> kopf.OperatorRegistry:
    """Return handlers that feed the store with what the watches show.

    They are coroutines without an await: a plain function Kopf would call in a thread of its own, beside the loop.

    Args:
        store: to feed.
        relisted: called for each object that a watch lists as it begins, anew or for the first time.
        context: of the kubeconfig; None prefers the cluster that this process runs in.
    """
    registry = kopf.OperatorRegistry()

    def feed(put: Put, drop: Put) -> Callable[..., Awaitable[None]]:
        async def handle(event: Any, **_: Any) -> None:
            if event["type"] is None:
                relisted()
            (drop if event["type"] == "DELETED" else put)(event["object"])

        return handle

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return describe_connection(await load_configuration(context))

    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry, id="resource")(
        feed(store.put_resource, store.drop_resource)
    )
    kopf.on.event("apps", "v1", "deployments", registry=registry, id="deployment", labels=OURS)(
        feed(store.put_deployment, store.drop_deployment)
    )
    kopf.on.event("apps", "v1", "replicasets", registry=registry, id="replicaset", labels=OURS)(
        feed(store.put_replica_set, store.drop_replica_set)
    )
    kopf.on.event("", "v1", "pods", registry=registry, id="pod", labels=OURS)(feed(store.put_pod, store.drop_pod))
    for group, version, plural in CHILDREN:
        kopf.on.event(group, version, plural, registry=registry, id="child", labels=OURS)(
            feed(store.put_child, store.drop_child)
        )

    return registry


def build_settings(label_selector: str, clusterwide: bool) -> kopf.OperatorSettings:
    """Return Kopf's settings: bounded requests, watches filtered by the server, nothing written by Kopf itself."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    # How long the queue of an object lives on without events, which is also how long the end of the process takes. When
    # all objects are listed each has one: they should be gone before the last ones come.
    settings.queueing.idle_timeout = 0.1
    settings.queueing.exit_timeout = 1.0
    settings.persistence.finalizer = f"{GROUP}/unused"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.watching.chunk_size = 100  # objects at once in a list, which is what the peak of memory is made of
    settings.watching.server_timeout = 300  # an integer: the API server refuses "300.0"
    settings.watching.client_timeout = 330.0
    settings.watching.connect_timeout = 10.0
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 10.0
    settings.networking.error_backoffs = Backoffs()
    # Watching for new namespaces and CRDs takes rights of the whole cluster.
    settings.scanning.disabled = not clusterwide
    ours = ",".join(f"{key}={value}" for key, value in OURS.items())
    settings.watching.label_selectors["apps", "deployments"] = ours
    settings.watching.label_selectors["apps", "replicasets"] = ours
    settings.watching.label_selectors["", "pods"] = ours
    for group, _, plural in CHILDREN:
        settings.watching.label_selectors[group, plural] = ours
    if label_selector:
        settings.watching.label_selectors[GROUP, PLURAL] = label_selector
    return settings


async def escalate_failed_watches() -> None:
    """Raise what ended a watch for good, say an error within it: Kopf only logs that, and goes on without it.

    Raises:
        OperatorError: our resource is not watched, because its definition is missing or was installed anew.
    """
    watches: set[asyncio.Task[Any]] = set()
    served_at = time.monotonic()
    while True:
        watches |= {task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")}
        for task in [task for task in watches if task.done()]:
            watches.discard(task)
            if not task.cancelled():
                task.result()
        if not is_unserved({task.get_name() for task in watches}):
            served_at = time.monotonic()
        if time.monotonic() - served_at > UNSERVED:
            advice = f"install its definition (crds/{PLURAL}.yaml) if it is missing, the next process looks for it"
            raise OperatorError(f"{PLURAL}.{GROUP} is not watched; {advice}")
        await asyncio.sleep(LOOK)


def is_unserved(watches: Collection[str]) -> bool:
    """Return whether everything but our resource is watched; where nothing is, the API server has not answered yet."""
    return bool(watches) and not any(PLURAL in name for name in watches)


def describe_connection(configuration: Configuration) -> kopf.ConnectionInfo:
    """Return for Kopf how the official client logs in, so that both use the same cluster and credentials."""
    scheme, _, token = (configuration.api_key.get("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        scheme=scheme.capitalize() or None,
        token=token or None,
    )
