"""The resources of the benchmark on a real API server with real controllers.

There is no node: the ReplicaSet controller makes the pods, and `report_running` says of them what a kubelet would.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from dev.control_plane import ControlPlane

CHECKOUT = Path(__file__).parents[2]
NAMESPACE = "scale"
FOLDER = f"/apis/videoexport.dev/v1alpha1/namespaces/{NAMESPACE}/videoexportworkers"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
READS = frozenset({"GET", "LIST", "WATCH", "CONNECT"})
NO_WRITES = frozenset({"leases", "subjectaccessreviews", "tokenreviews", "selfsubjectaccessreviews", "tokens"})
"""Leases are renewed all the time, by the API server itself too; the others ask and store nothing."""
AT_ONCE = 16
Json = dict[str, Any]


def queue_of(name: str) -> str:
    """Return the task queue of a resource."""
    return f"{name}-queue"


def set_up(control_plane: ControlPlane) -> None:
    """Install the CRD and make the namespace. The scheduler would write about each pod that finds no node."""
    control_plane.scheduler.stop()
    _kubectl(control_plane, "apply", "-f", str(CHECKOUT / "crds" / "videoexportworkers.yaml"))
    _kubectl(control_plane, "wait", "--for=condition=Established", "crd/videoexportworkers.videoexport.dev")
    _kubectl(control_plane, "create", "namespace", NAMESPACE)
    control_plane.wait_for(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default")


def _kubectl(control_plane: ControlPlane, *arguments: str) -> None:
    program = str(control_plane.programs / "kubectl")
    subprocess.run([program, f"--kubeconfig={control_plane.kubeconfig}", *arguments], check=True, capture_output=True)


def build_resource(name: str, temporal: str, **spec: Any) -> Json:
    """Return README's own resource: the defaults of the API, and a Secret with the storage's credentials.

    Args:
        name: of the resource.
        temporal: its address.
        spec: what is other than that.
    """
    return {
        "apiVersion": "videoexport.dev/v1alpha1",
        "kind": "VideoExportWorker",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "temporal": {"address": temporal, "taskQueue": queue_of(name)},
            "image": "ghcr.io/example/video-export-worker:0.1.0",
            "storage": {"uri": "s3://exports", "secretRef": {"name": f"{name}-storage"}},
            **spec,
        },
    }


@dataclass
class Fleet:
    """All resources, seen as the administrator."""

    api: ApiClient
    names: tuple[str, ...]

    @classmethod
    async def connect(cls, control_plane: ControlPlane, names: tuple[str, ...]) -> Fleet:
        """Return the fleet of these names; it has to be closed."""
        settings = Configuration()
        await config.load_kube_config(str(control_plane.kubeconfig), client_configuration=settings)
        return cls(ApiClient(settings), names)

    async def create(self, temporal: str, **spec: Any) -> None:
        """Create every resource, each with a Secret of its own: the most that can be; `spec` is laid over README's."""

        async def create_one(name: str) -> None:
            metadata = {"name": f"{name}-storage", "namespace": NAMESPACE}
            credentials = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": "secret"}
            await self._request("POST", SECRETS, {"metadata": metadata, "stringData": credentials})
            await self._request("POST", FOLDER, build_resource(name, temporal, **spec))

        await _each(self.names, create_one)

    async def scale(self, name: str, replicas: int) -> None:
        """Ask for a size, as `kubectl scale` does."""
        await self._request("PATCH", f"{FOLDER}/{name}/scale", {"spec": {"replicas": replicas}})

    async def statuses(self) -> dict[str, Json]:
        """Return the status of every resource that has one."""
        items = (await self._request("GET", FOLDER))["items"]
        return {item["metadata"]["name"]: item["status"] for item in items if item.get("status")}

    async def pods(self) -> dict[str, list[str]]:
        """Return the names of the pods of each resource."""
        found: dict[str, list[str]] = {}
        for pod in (await self._request("GET", PODS))["items"]:
            found.setdefault(pod["metadata"]["labels"]["videoexport.dev/worker"], []).append(pod["metadata"]["name"])
        return found

    async def report_running(self, pods: Iterable[str], addresses: Mapping[str, str] = MappingProxyType({})) -> None:
        """Say of each pod what the kubelet would of one whose worker runs, with its address if it has one."""
        container = {
            "name": "worker",
            "image": "ghcr.io/example/video-export-worker:0.1.0",
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }
        conditions = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]
        status = {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}

        async def report(pod: str) -> None:
            given = addresses.get(pod)
            where = {"podIP": given, "podIPs": [{"ip": given}]} if given else {}
            await self._request("PATCH", f"{PODS}/{pod}/status", {"status": {**status, **where}})

        await _each(pods, report)

    async def writes(self) -> dict[str, int]:
        """Return how often anybody has asked the API server to write, by verb and resource, by its own count."""
        text = (await self._send("GET", "/metrics")).decode()
        return count_writes(text)

    async def reads_of_secrets(self) -> int:
        """Return how often anybody has read a Secret; here that is the operator."""
        return count_reads_of_secrets((await self._send("GET", "/metrics")).decode())

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def _request(self, method: str, path: str, body: Json | None = None) -> Json:
        answer: Json = json.loads(await self._send(method, path, body))
        return answer

    async def _send(self, method: str, path: str, body: Json | None = None) -> bytes:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = await self.api.param_serialize(method, path, header_params={"Content-Type": kind}, body=body)
        response = await self.api.call_api(*request, _request_timeout=60)
        raw: bytes = await response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {raw[:500].decode(errors='replace')}")
        return raw


def ready_since(status: Json) -> float:
    """Return when the resource became ready, in whole seconds since 1970; infinite if it is not."""
    for condition in status.get("conditions", ()):
        if (condition["type"], condition["status"]) == ("Ready", "True"):
            return datetime.fromisoformat(condition["lastTransitionTime"]).timestamp()
    return float("inf")


def count_writes(metrics: str) -> dict[str, int]:
    """Return the requests that ask for a write from the API server's metrics, by verb and resource."""
    counts: dict[str, int] = {}
    for known, count in _requests(metrics):
        if known["verb"] not in READS and known["resource"] not in NO_WRITES and not known["dry_run"]:
            what = "/".join(filter(None, (known["resource"], known["subresource"])))
            counts[f"{known['verb']} {what}"] = counts.get(f"{known['verb']} {what}", 0) + count
    return counts


def count_reads_of_secrets(metrics: str) -> int:
    """Return the requests for a Secret from the API server's metrics."""
    return sum(count for known, count in _requests(metrics) if (known["verb"], known["resource"]) == ("GET", "secrets"))


def _requests(metrics: str) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the labels and the count of each kind of request."""
    for line in metrics.splitlines():
        if line.startswith("apiserver_request_total{"):
            labels, _, value = line.partition("{")[2].rpartition("} ")
            yield (
                dict(each.split("=", 1) for each in labels.replace('"', "").split(",") if "=" in each),
                int(float(value)),
            )


async def _each(items: Iterable[str], do: Callable[[str], Awaitable[Any]]) -> None:
    """Do something for each item, a few at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: str) -> None:
        async with places:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))
