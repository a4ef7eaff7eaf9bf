"""What the watches have shown: the newest known state of every resource, Deployment and pod."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from video_export_operator.manifests import Ref
from video_export_operator.reconcile.caches import share_texts, shared_key, shared_ref
from video_export_operator.reconcile.sharing import QueueIndex
from video_export_operator.reconcile.snapshot import Snapshot
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.identity import WORKER_LABEL
from video_export_operator.resource.live import (
    LiveDeployment,
    LivePod,
    parse_deployment,
    parse_pod,
    take_fingerprint,
    take_writer,
)
from video_export_operator.resource.replica_sets import LiveReplicaSet, parse_replica_set

Json = Mapping[str, Any]


class Store:
    """A cache that is fed by the watches and by the answers to our own writes, whichever is newer.

    Args:
        wake: called with the key of every resource that something changed for.
    """

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self.resources: dict[Key, Json] = {}
        self._queues = QueueIndex()
        self._deployments: dict[Key, tuple[int, LiveDeployment]] = {}
        self._pods: dict[Key, dict[str, LivePod]] = {}
        self._sets: dict[Key, dict[str, LiveReplicaSet]] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}
        self._children: dict[Key, dict[Ref, tuple[int, str, str]]] = {}

    def put_resource(self, body: Json) -> None:
        """Remember a resource."""
        key, body = _key(body), _slim(body)
        old = self.resources.get(key)
        if old is not None and _same_life(old, body) and _version(body) < _version(old):
            return
        self.resources[key] = body
        self._queues.put(key, body)
        if old is None or _matters(old) != _matters(body):
            self._wake(key)

    def drop_resource(self, body: Json) -> None:
        """Forget a resource that was deleted."""
        self._queues.drop(_key(body))
        if self.resources.pop(_key(body), None) is not None:
            self._wake(_key(body))

    def known(self) -> set[tuple[Key, str]]:
        """Return key and uid of every resource."""
        return {(key, body["metadata"]["uid"]) for key, body in self.resources.items()}

    def drop_all(self, gone: Iterable[tuple[Key, str]]) -> None:
        """Forget resources that are not there any more."""
        for key, uid in gone:
            body = self.resources.get(key)
            if body is not None and body["metadata"]["uid"] == uid:
                self.drop_resource(body)

    def made(self) -> set[tuple[str, str, str]]:
        """Return namespace, name and uid of every Deployment, ReplicaSet and pod that is known."""
        found = {(key.namespace, key.name, live.uid) for key, (_, live) in self._deployments.items()}
        for key in self._sets.keys() | self._pods.keys():
            named: tuple[LiveReplicaSet | LivePod, ...] = (*self._sets.get(key, {}).values(), *self.pods_of(key))
            found |= {(key.namespace, each.name, each.uid) for each in named}
        return found

    def drop_made(self, gone: Collection[tuple[str, str, str]]) -> None:
        """Forget Deployments, ReplicaSets and pods that are not there any more."""
        for key, (_, live) in list(self._deployments.items()):
            if (key.namespace, key.name, live.uid) in gone:
                del self._deployments[key]
                self._wake(key)
        both: tuple[dict[Key, dict[str, Any]], ...] = (self._sets, self._pods)
        for known in both:
            for key, named in list(known.items()):
                for each in [each for each in named.values() if (key.namespace, each.name, each.uid) in gone]:
                    self._drop_named(known, key, each.name)
                    self._tell_of_pods(key)

    def forget(self, key: Key) -> None:
        """Forget a resource that turned out to be gone; its watch missed that."""
        self.resources.pop(key, None)
        self._queues.drop(key)

    def put_deployment(self, body: Json) -> None:
        """Remember a worker Deployment."""
        key = _worker_key(body)
        if key is None:
            return
        version, live = _version(body), parse_deployment(body)
        old = self._deployments.get(key)
        if old is not None and old[1].uid == live.uid and version < old[0]:
            return
        self._deployments[key] = (version, live)
        if old is None or old[1] != live:
            self._wake(key)

    def drop_deployment(self, body: Json) -> None:
        """Forget a Deployment that was deleted, unless its successor is known already."""
        key = _worker_key(body)
        if key is not None and key in self._deployments and self._deployments[key][1].uid == body["metadata"]["uid"]:
            del self._deployments[key]
            self._wake(key)

    def put_child(self, body: Json) -> None:
        """Remember how an object beside the Deployment is."""
        key = _worker_key(body)
        if key is None:
            return
        known, ref, new = (
            self._children.setdefault(key, {}),
            shared_ref(body),
            (_version(body), take_fingerprint(body), take_writer(body)),
        )
        old = known.get(ref)
        if old is not None and new[0] < old[0]:
            return
        known[ref] = new
        if old is None or old[1] != new[1]:
            self._wake(key)

    def drop_child(self, body: Json) -> None:
        """Forget an object beside the Deployment that was deleted, unless its successor is known already."""
        key, ref = _worker_key(body), shared_ref(body)
        old = self._children.get(key, {}).get(ref) if key is not None else None
        if key is None or old is None or _version(body) < old[0]:
            return
        del self._children[key][ref]
        if not self._children[key]:
            del self._children[key]
        self._wake(key)

    def put_replica_set(self, body: Json) -> None:
        """Remember a ReplicaSet of a worker Deployment."""
        key = _worker_key(body)
        if key is None:
            return
        new = parse_replica_set(body)
        known = self._sets.setdefault(key, {})
        if known.get(new.name) != new:
            known[new.name] = new
            self._wake(key)

    def drop_replica_set(self, body: Json) -> None:
        """Forget a ReplicaSet that was deleted."""
        key = _worker_key(body)
        if key is not None and self._drop_named(self._sets, key, body["metadata"]["name"]):
            self._wake(key)

    def put_pod(self, body: Json) -> None:
        """Remember a worker pod; one that has ended is forgotten."""
        pod = parse_pod(body)
        key = _worker_key(body)
        if key is None:
            return
        if pod is None:
            self.drop_pod(body)
            return
        known = self._pods.setdefault(key, {})
        if known.get(pod.name) != pod:
            known[pod.name] = pod
            self._tell_of_pods(key)

    def drop_pod(self, body: Json) -> None:
        """Forget a pod that was deleted."""
        key = _worker_key(body)
        if key is not None and self._drop_named(self._pods, key, body["metadata"]["name"]):
            self._tell_of_pods(key)

    def pods_of(self, key: Key) -> tuple[LivePod, ...]:
        """Return the pods of a resource that the watch has shown."""
        return tuple(self._pods.get(key, {}).values())

    async def wait_for_pods(self, key: Key, seen: Callable[[tuple[LivePod, ...]], bool], timeout: float) -> bool:
        """Wait until the watch has shown something of the pods of a resource, and return whether it did in time.

        Args:
            key: which resource.
            seen: whether these pods are what is waited for.
            timeout: in seconds.
        """
        changed = asyncio.Event()
        self._waiting.setdefault(key, set()).add(changed)
        try:
            async with asyncio.timeout(timeout):
                while not seen(self.pods_of(key)):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting[key].discard(changed)
            if not self._waiting[key]:
                del self._waiting[key]
        return True

    def _tell_of_pods(self, key: Key) -> None:
        """Wake whoever waits for a change of a resource's pods."""
        for changed in self._waiting.get(key, ()):
            changed.set()
        self._wake(key)

    @staticmethod
    def _drop_named(known: dict[Key, dict[str, Any]], key: Key, name: str) -> bool:
        """Forget one of a resource's objects, and return whether it was known."""
        if known.get(key, {}).pop(name, None) is None:
            return False
        if not known[key]:
            del known[key]
        return True

    def replace_pods(self, key: Key, bodies: Iterable[Json]) -> None:
        """Remember exactly these pods of a resource, as they were just read."""
        pods = {pod.name: pod for body in bodies if (pod := parse_pod(body)) is not None}
        if pods:
            self._pods[key] = pods
        else:
            self._pods.pop(key, None)

    def replace(self, key: Key, deployment: Json | None, pods: Iterable[Json]) -> None:
        """Remember the Deployment and the pods of a resource exactly as they were just read."""
        self.replace_pods(key, pods)
        if deployment is None:
            self._deployments.pop(key, None)
        else:
            self._deployments[key] = (_version(deployment), parse_deployment(deployment))

    def snapshot(self, resource: VideoExportWorker) -> Snapshot:
        """Return what is there for a resource now."""
        key = resource.key
        _, deployment = self._deployments.get(key, (0, None))
        children = self._children.get(key, {})
        is_ours = deployment is not None and deployment.controller_uid == resource.uid
        return Snapshot(
            resource=resource,
            at=time.monotonic(),
            body=self.resources.get(key) or {},
            deployment=deployment if is_ours else None,
            pods=self.pods_of(key),
            shares=self._queues.shares(key),
            sets=tuple(self._sets.get(key, {}).values()),
            now=time.time(),
            children={ref: fingerprint for ref, (_, fingerprint, _) in children.items()},
            writers={ref: writer for ref, (_, _, writer) in children.items()},
            scheduled=resource.spec.scaling.scheduled_minimum(datetime.now(UTC)),
        )


def _slim(body: Json) -> Json:
    """Return a resource without `managedFields`, which is longer than all the rest and of no use here."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    slim: Json = share_texts({**body, "metadata": metadata})
    return slim


def _key(body: Json) -> Key:
    """Return which resource this is."""
    return shared_key(body["metadata"]["namespace"], body["metadata"]["name"])


def _worker_key(body: Json) -> Key | None:
    """Return which resource an object was made for."""
    name = (body["metadata"].get("labels") or {}).get(WORKER_LABEL)
    return shared_key(body["metadata"]["namespace"], name) if name else None


def _version(body: Json) -> int:
    """Return the resource version; they grow (KEP-5504 makes that a promise)."""
    return int(body["metadata"].get("resourceVersion") or 0)


def _same_life(one: Json, other: Json) -> bool:
    """Return whether both are the same object, not one and its successor of the same name."""
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))


def _matters(body: Json) -> tuple[Any, ...]:
    """Return what of a resource may change a decision: not its status, which is our own."""
    metadata = body["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("annotations"),
        metadata.get("deletionTimestamp"),
    )
