"""One API server, as the operator reads and writes it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from kubernetes.aio.client import ApiClient, Configuration

from video_export_operator.cluster.applier import Applier, name_taken
from video_export_operator.cluster.paths import path_of
from video_export_operator.cluster.previews import try_out
from video_export_operator.cluster.transport import (
    MERGE,
    ONLY_METADATA,
    NotFound,
    Transport,
)
from video_export_operator.errors import Conflict, SecretMissing
from video_export_operator.manifests import Ref
from video_export_operator.resource import Key
from video_export_operator.resource.identity import (
    API_VERSION,
    DELETION_COST,
    KIND,
    MANAGER,
    WORKER_LABEL,
    is_controlled_by,
)

PAGE = 500
"""Resources in one answer of a list that has their names alone."""
WHOLE_PAGE = 50
"""Objects in one answer of a list that has all of them."""

Json = dict[str, Any]


class Cluster(Applier):
    """One API server, seen as the operator.

    Args:
        configuration: where it is and how to log in.
        concurrency: requests under way at once.
        may_write: asked immediately before each write.
    """

    def __init__(
        self, configuration: Configuration, concurrency: int = 32, may_write: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(Transport(ApiClient(configuration), concurrency, may_write))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def list_resources(self, namespace: str | None, label_selector: str) -> set[tuple[Key, str]]:
        """Return key and uid of every VideoExportWorker of a namespace, or of all for None, without their content."""
        metadata = self._list_metadata(path_of(API_VERSION, KIND, namespace or ""), label_selector)
        return {(Key(each["namespace"], each["name"]), each["uid"]) async for each in metadata}

    async def list_made(self, api_version: str, kind: str, namespace: str | None) -> set[tuple[str, str, str]]:
        """Return namespace, name and uid of every object of a kind that was made for a resource."""
        metadata = self._list_metadata(path_of(api_version, kind, namespace or ""), WORKER_LABEL)
        return {(each["namespace"], each["name"], each["uid"]) async for each in metadata}

    async def _list_metadata(self, path: str, label_selector: str) -> AsyncIterator[Json]:
        query = {"labelSelector": label_selector, "limit": str(PAGE)}
        while True:
            answer = await self._transport.request("GET", path, query=query, accept=ONLY_METADATA)
            for body in answer["items"] or ():  # null where there are none
                yield body["metadata"]
            query["continue"] = answer["metadata"].get("continue") or ""
            if not query["continue"]:
                return

    async def read_workers(self, key: Key) -> tuple[Json | None, list[Json]]:
        """Return the Deployment of a resource, None if it is not there, and its pods."""
        path = path_of("apps/v1", "Deployment", key.namespace, key.name)
        return await self._read(path), await self.list_pods(key.namespace, key.name)

    async def list_deployments(self, namespace: str) -> AsyncIterator[Json]:
        """Yield the worker Deployments of a namespace."""
        path, query = path_of("apps/v1", "Deployment", namespace), {"labelSelector": WORKER_LABEL}
        query["limit"] = str(WHOLE_PAGE)
        while True:
            answer = await self._transport.request("GET", path, query=query)
            for body in answer["items"]:
                yield body
            query["continue"] = answer["metadata"].get("continue") or ""
            if not query["continue"]:
                return

    async def list_pods(self, namespace: str, worker: str) -> list[Json]:
        """Return the pods of a resource as they are now."""
        path, query = path_of("v1", "Pod", namespace), {"labelSelector": f"{WORKER_LABEL}={worker}"}
        items: list[Json] = (await self._transport.request("GET", path, query=query))["items"]
        return items

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """Return a Secret's data.

        Raises:
            SecretMissing: it is not there.
        """
        secret = await self._read(path_of("v1", "Secret", namespace, name))
        if secret is None:
            raise SecretMissing(f"Secret {namespace}/{name} does not exist; create it or correct the reference to it")
        return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}

    async def try_out(self, body: Json) -> None:
        """Ask the API server what it thinks of any object that somebody would apply (`previews`)."""
        await try_out(self._transport, body)

    async def read_size_inputs(self, key: Key) -> tuple[Json | None, list[Json]]:
        """Return the Deployment of a resource, None if it is not there, and its ReplicaSets."""
        sets = path_of("apps/v1", "ReplicaSet", key.namespace)
        query = {"labelSelector": f"{WORKER_LABEL}={key.name}"}
        deployment, listed = await asyncio.gather(
            self._read(path_of("apps/v1", "Deployment", key.namespace, key.name)),
            self._transport.request("GET", sets, query=query),
        )
        return deployment, listed["items"]

    async def read_deployment(self, key: Key) -> Json:
        """Return the Deployment of a resource.

        Raises:
            NotFound: it is not there.
        """
        return await self._transport.request("GET", path_of("apps/v1", "Deployment", key.namespace, key.name))

    async def scale(self, key: Key, owner: str, replicas: int) -> Json:
        """Change the size of the Deployment that the owner controls, whatever it is, and return the Deployment.

        Raises:
            NotFound: it is gone.
            NameTaken: it is somebody else's.
            Conflict: somebody changed it meanwhile.
        """
        await self.write_size(key, owner, replicas, await self.read_deployment(key))
        return await self.read_deployment(key)

    async def write_size(self, key: Key, owner: str, replicas: int, live: Json) -> None:
        """Change the size of a Deployment that the owner controls by its scale subresource.

        Policies for Deployments, which may refuse a template, are not asked about that.

        Args:
            key: of the resource and its Deployment.
            owner: uid of the resource.
            replicas: the size.
            live: the Deployment as it was just read.

        Raises:
            NotFound: it is gone.
            NameTaken: it is somebody else's.
            Conflict: somebody changed it since it was read.
        """
        if not is_controlled_by(live, owner):
            raise name_taken(Ref("apps/v1", "Deployment", key.name), key.namespace)
        path = path_of("apps/v1", "Deployment", key.namespace, key.name)
        # As it was read: a write that the network held back must not undo what the next leader did meanwhile.
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": {"replicas": replicas}}
        await self._transport.request("PATCH", f"{path}/scale", body, MERGE, {"fieldManager": MANAGER})

    async def scale_replica_set(self, live: Json, replicas: int) -> None:
        """Change the size of a ReplicaSet that was just read by its scale subresource.

        Raises:
            NotFound: it is gone.
            Conflict: somebody changed it since it was read.
        """
        metadata = live["metadata"]
        path = path_of("apps/v1", "ReplicaSet", metadata["namespace"], metadata["name"])
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "spec": {"replicas": replicas}}
        await self._transport.request("PATCH", f"{path}/scale", body, MERGE, {"fieldManager": MANAGER})

    async def set_deletion_cost(self, namespace: str, pod: str, cost: int) -> None:
        """Set a pod's deletion cost; 0 removes it. A pod that is gone needs none."""
        await self.annotate_pod(namespace, pod, {DELETION_COST: str(cost) if cost else None})

    async def annotate_pod(self, namespace: str, pod: str, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of a pod; None removes one. A pod that is gone needs none."""
        body = {"metadata": {"annotations": dict(annotations)}}
        try:
            path = path_of("v1", "Pod", namespace, pod)
            await self._transport.request("PATCH", path, body, MERGE, {"fieldManager": MANAGER})
        except NotFound:
            return

    async def write_status(self, key: Key, status: Mapping[str, Any], version: str) -> Json | None:
        """Write the given fields of a resource's status and return the resource; None if it is gone.

        Raises:
            Conflict: it is no longer the version that the status is about.
        """
        body = {"metadata": {"resourceVersion": version}, "status": status}
        path = f"{path_of(API_VERSION, KIND, key.namespace, key.name)}/status"
        try:
            return await self._transport.request("PATCH", path, body, MERGE, {"fieldManager": MANAGER})
        except NotFound:
            return None

    async def emit_event(self, key: Key, uid: str, name: str, reason: str, message: str, warning: bool) -> None:
        """Create an event about a resource; one of this name that is there already says the same."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {"apiVersion": API_VERSION, "kind": KIND, "namespace": key.namespace, "name": key.name, "uid": uid}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message[:1024],
            "type": "Warning" if warning else "Normal",
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._transport.request("POST", path_of("v1", "Event", key.namespace), body)
        except (Conflict, NotFound):
            return

    async def fetch_lease(self, namespace: str, name: str) -> Json | None:
        """Return a Lease, None if it is not there."""
        return await self._read(path_of("coordination.k8s.io/v1", "Lease", namespace, name))

    async def write_lease(self, lease: Json, timeout: float) -> Json:
        """Create a Lease, or replace it if nobody changed it since it was read (`metadata.resourceVersion`).

        Raises:
            Conflict: somebody did.
        """
        metadata = lease["metadata"]
        exists = "resourceVersion" in metadata
        name = metadata["name"] if exists else ""
        path = path_of("coordination.k8s.io/v1", "Lease", metadata["namespace"], name)
        return await self._transport.request("PUT" if exists else "POST", path, lease, timeout=timeout)
