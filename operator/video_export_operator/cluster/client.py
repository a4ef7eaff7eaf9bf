"""One API server, as the operator reads and writes it."""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from kubernetes.aio.client import ApiClient, Configuration

from video_export_operator.cluster.ports import build_port_patch
from video_export_operator.cluster.previews import try_out
from video_export_operator.cluster.transport import (
    APPLY,
    MERGE,
    ONLY_METADATA,
    STRATEGIC,
    KindNotInstalled,
    NotFound,
    Transport,
)
from video_export_operator.errors import Conflict, NameTaken, ResourceGone, SecretMissing
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.resource import Key
from video_export_operator.resource.identity import (
    ADOPT_ANNOTATION,
    API_VERSION,
    DELETION_COST,
    KIND,
    MANAGER,
    PLURAL,
    WORKER_LABEL,
    is_controlled_by,
    may_be_adopted,
)
from video_export_operator.resource.live import take_fingerprint

PLURALS = {
    "Deployment": "deployments",
    "ServiceAccount": "serviceaccounts",
    "Service": "services",
    "NetworkPolicy": "networkpolicies",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "ServiceMonitor": "servicemonitors",
    "ReplicaSet": "replicasets",
    "Pod": "pods",
    "Secret": "secrets",
    "Event": "events",
    "Lease": "leases",
    KIND: PLURAL,
}

JUST_SEEN = 2.0
"""Seconds for which a resource that was seen is believed to be there: all its objects are made at once."""
PAGE = 500
"""Resources in one answer of a list."""
UNKNOWN_KIND = 30.0
"""Seconds for which a kind that the API server does not know is not asked for again."""

Json = dict[str, Any]


def path_of(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """Return the path of an object, or of its collection; of those of all namespaces where none is named."""
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    path = f"{root}/namespaces/{namespace}/{PLURALS[kind]}" if namespace else f"{root}/{PLURALS[kind]}"
    return f"{path}/{name}" if name else path


class Cluster:
    """One API server, seen as the operator.

    Args:
        configuration: where it is and how to log in.
        concurrency: requests under way at once.
        may_write: asked immediately before each write.
    """

    def __init__(
        self, configuration: Configuration, concurrency: int = 32, may_write: Callable[[], bool] = lambda: True
    ) -> None:
        self._transport = Transport(ApiClient(configuration), concurrency, may_write)
        self._not_installed: dict[tuple[str, str], float] = {}
        self._resources_seen: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def fetch_resource(self, key: Key) -> Json | None:
        """Return a VideoExportWorker, None if it is not there."""
        return await self._read(path_of(API_VERSION, KIND, key.namespace, key.name))

    async def see_resource(self, key: Key, uid: str) -> None:
        """Make sure that a resource is there, unless it was seen a moment ago: its watch may have missed its end.

        Raises:
            ResourceGone: it is not.
        """
        if time.monotonic() - self._resources_seen.get(uid, float("-inf")) < JUST_SEEN:
            return
        body = await self.fetch_resource(key)
        if body is None or body["metadata"]["uid"] != uid or "deletionTimestamp" in body["metadata"]:
            raise ResourceGone(f"{key} is gone")
        self._resources_seen = {uid: time.monotonic()} | {
            each: at for each, at in self._resources_seen.items() if time.monotonic() - at < JUST_SEEN
        }

    async def list_resources(self, namespace: str | None, label_selector: str) -> set[tuple[Key, str]]:
        """Return key and uid of every VideoExportWorker of a namespace, or of all for None, without their content."""
        path = path_of(API_VERSION, KIND, namespace or "")
        query, found = {"labelSelector": label_selector, "limit": str(PAGE)}, set()
        while True:
            answer = await self._transport.request("GET", path, query=query, accept=ONLY_METADATA)
            metadata = [each["metadata"] for each in answer["items"]]
            found |= {(Key(each["namespace"], each["name"]), each["uid"]) for each in metadata}
            query["continue"] = answer["metadata"].get("continue") or ""
            if not query["continue"]:
                return found

    async def read_workers(self, key: Key) -> tuple[Json | None, list[Json]]:
        """Return the Deployment of a resource, None if it is not there, and its pods."""
        path = path_of("apps/v1", "Deployment", key.namespace, key.name)
        return await self._read(path), await self.list_pods(key.namespace, key.name)

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

    async def apply(
        self,
        manifest: Manifest,
        namespace: str,
        owner: str,
        left: str = "",
        replicas: int | None = None,
        dry_run: bool = False,
    ) -> Json | None:
        """Bring an object into the wanted state and return it; None where its kind is not installed.

        Server-side apply with force would adopt a stranger's object in silence. So an absent one is applied without,
        and one that is there only as exactly the object that was read, if the owner is its controller.

        Args:
            manifest: the wanted object.
            namespace: where.
            owner: uid of the resource that must be its controller.
            left: fingerprint of the object when this very manifest was last applied; if it is the same, that is all.
            replicas: size of a Deployment that is not there yet. One that is there keeps its own: the size is part of
                what is applied, because a Deployment that is applied without one gets 1.
            dry_run: only ask the API server what it thinks of it.

        Raises:
            NameTaken: somebody else's object has this name.
            Conflict: it changed since it was read.
            ResourceGone: the object is not there, and neither is the resource that it would be made for.
        """
        path = path_of(manifest.ref.api_version, manifest.ref.kind, namespace, manifest.ref.name)
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        if not self._is_installed(manifest.ref):
            return None
        live = await self._read(path)
        if live is None:
            if not dry_run:
                await self.see_resource(Key(namespace, _owner_of(manifest.body)), owner)
            return await self._create(manifest.ref, _with_size(manifest.body, replicas), path, query)
        if not is_controlled_by(live, owner):
            live = await self._adopt(path, manifest, live, dry_run)
        if "deletionTimestamp" in live["metadata"]:
            raise Conflict(f"{manifest.ref} is being deleted")
        if left and left == take_fingerprint(live):
            return live
        if not dry_run:
            live = await self._take_port_names_back(path, manifest.body, live)
        # As it was read: a write that the network held back must not undo what the next leader did meanwhile.
        as_read = {field: live["metadata"][field] for field in ("uid", "resourceVersion")}
        body = _with_size({**manifest.body, "metadata": {**manifest.body["metadata"], **as_read}}, _size_of(live))
        return await self._transport.request("PATCH", path, body, APPLY, {**query, "force": "true"})

    async def read_size_inputs(self, key: Key) -> tuple[Json | None, list[Json]]:
        """Return the Deployment of a resource, None if it is not there, and its ReplicaSets."""
        sets = path_of("apps/v1", "ReplicaSet", key.namespace)
        query = {"labelSelector": f"{WORKER_LABEL}={key.name}"}
        deployment, listed = await asyncio.gather(
            self._read(path_of("apps/v1", "Deployment", key.namespace, key.name)),
            self._transport.request("GET", sets, query=query),
        )
        return deployment, listed["items"]

    async def scale(self, key: Key, owner: str, replicas: int, live: Json | None = None) -> Json:
        """Change the size of a Deployment that the owner controls by its scale subresource, and return it.

        Policies for Deployments, which may refuse a template, are not asked about that.

        Args:
            key: of the resource and its Deployment.
            owner: uid of the resource.
            replicas: the size.
            live: the Deployment, where it was just read.

        Raises:
            NotFound: it is gone.
            NameTaken: it is somebody else's.
            Conflict: somebody changed it since it was read.
        """
        path = path_of("apps/v1", "Deployment", key.namespace, key.name)
        live = live or await self._transport.request("GET", path)
        if not is_controlled_by(live, owner):
            raise _taken(Ref("apps/v1", "Deployment", key.name), key.namespace)
        # As it was read: a write that the network held back must not undo what the next leader did meanwhile.
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": {"replicas": replicas}}
        await self._transport.request("PATCH", f"{path}/scale", body, MERGE, {"fieldManager": MANAGER})
        return await self._transport.request("GET", path)

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

    async def remove(self, ref: Ref, namespace: str, owner: str) -> None:
        """Delete an object if it is there and the owner is its controller."""
        path = path_of(ref.api_version, ref.kind, namespace, ref.name)
        live = await self._read(path)
        if live is None or not is_controlled_by(live, owner):
            return
        try:
            await self._transport.request("DELETE", path, {"preconditions": {"uid": live["metadata"]["uid"]}})
        except NotFound:
            return

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

    async def _read(self, path: str) -> Json | None:
        try:
            return await self._transport.request("GET", path)
        except NotFound:
            return None

    async def _take_port_names_back(self, path: str, wanted: Mapping[str, Any], live: Json) -> Json:
        """Return the object after ports of other numbers under names of ours were replaced, if there are any."""
        patch = build_port_patch(wanted, live)
        if patch is None:
            return live
        patch["metadata"] = {"resourceVersion": live["metadata"]["resourceVersion"]}
        return await self._transport.request("PATCH", path, patch, STRATEGIC, {"fieldManager": MANAGER})

    async def _adopt(self, path: str, manifest: Manifest, live: Json, dry_run: bool) -> Json:
        """Return an object after its resource was made its owner, where it says that this may be done.

        Raises:
            NameTaken: it does not say so.
        """
        metadata = live["metadata"]
        if not may_be_adopted(live):
            raise _taken(manifest.ref, metadata["namespace"])
        owners = manifest.body["metadata"]["ownerReferences"]
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "ownerReferences": owners}}
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        adopted = await self._transport.request("PATCH", path, body, MERGE, query)
        return {**adopted, "metadata": metadata} if dry_run else adopted

    async def _create(self, ref: Ref, body: Json, path: str, query: Mapping[str, str]) -> Json | None:
        try:
            return await self._transport.request("PATCH", path, body, APPLY, query)
        except Conflict as error:
            raise NameTaken(f"{ref} appeared in the meantime and belongs to somebody else: {error}") from error
        except KindNotInstalled:
            self._not_installed[ref.api_version, ref.kind] = time.monotonic()
            return None
        except NotFound:
            return None

    def _is_installed(self, ref: Ref) -> bool:
        """Return whether the API server may know a kind: one resource finds out for all that it does not."""
        found = self._not_installed.get((ref.api_version, ref.kind))
        return found is None or time.monotonic() - found > UNKNOWN_KIND


def _owner_of(body: Json) -> str:
    """Return the name of the resource that an object is made for."""
    return str(body["metadata"]["ownerReferences"][0]["name"])


def _size_of(live: Json) -> int | None:
    """Return the size of a Deployment; None of anything else."""
    return live["spec"]["replicas"] if live.get("kind") == "Deployment" else None


def _with_size(body: Json, replicas: int | None) -> Json:
    """Return an object with a size."""
    return body if replicas is None else {**body, "spec": {**body["spec"], "replicas": replicas}}


def _taken(ref: Ref, namespace: str) -> NameTaken:
    """Return the error for a name that somebody else uses."""
    return NameTaken(
        f"{ref.kind} {namespace}/{ref.name} belongs to somebody else; delete or rename it, "
        "give the VideoExportWorker another name, or let it be adopted with the annotation "
        f"{ADOPT_ANNOTATION}=true if its owner is gone"
    )
