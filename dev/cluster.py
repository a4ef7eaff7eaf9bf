"""Everything together: Kubernetes with one node, Temporal, an S3 server, the images, and names for all in the cluster.

Pods find Temporal at `temporal-frontend.temporal:7233` and the S3 server at `http://s3.storage:9000`, as they would in
a cluster that runs them as pods.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev import object_storage, temporal_server
from dev.containers import Containerd
from dev.control_plane import ADMIN, ControlPlane
from dev.errors import DevError
from dev.images import ensure_images, ensure_pause_image, load_images
from dev.kubernetes_binaries import PROGRAMS, ensure_programs
from dev.network import HOST
from dev.node import Node
from dev.places import state_directory
from dev.processes import Process, stop_recorded
from dev.steps import require_root, run, say, step

API_PORT = 6443
TEMPORAL_IN_CLUSTER = "temporal-frontend.temporal:7233"
STORAGE_IN_CLUSTER = "http://s3.storage:9000"


class Cluster:
    """The local cluster whose state lies in `directory`. A machine has one at a time: its bridge is the machine's."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or state_directory()
        self.kubeconfig = self.directory / "control-plane" / "certificates" / f"{ADMIN}.kubeconfig"
        self.temporal = f"{HOST}:{temporal_server.PORT}"
        self.storage = object_storage.client_environment(f"http://{HOST}:{object_storage.PORT}")
        self.image_keys: dict[str, str] = {}  # known once it is up
        self.objects = object_storage.objects(self.directory)

    @property
    def programs(self) -> Path:
        """Where kubectl and helm are."""
        return ensure_programs((*PROGRAMS, "pause"))

    def up(self) -> None:
        """Start what does not run, and build what is missing."""
        with self.starting():
            pass

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Start everything side by side.

        The block runs as soon as the API server, Temporal and the storage answer and the images are built; at its end
        the node is ready and has the images.
        """
        require_root("A local cluster with real pods")
        self.directory.mkdir(parents=True, exist_ok=True)
        node = Node(self.directory)
        with step("Network"):
            node.prepare()
        with ThreadPoolExecutor(max_workers=6) as pool:
            runtime = pool.submit(node.start_runtime)
            images = pool.submit(ensure_images)
            servers = pool.submit(self._start_servers)
            loaded = pool.submit(lambda: _load(node.containerd, runtime, images))
            programs = self.programs
            with step("Control plane"):
                control_plane = self._start_control_plane()
            services = pool.submit(self._apply_services)
            ready = pool.submit(lambda: _start_node(node, runtime, control_plane, programs))
            self.image_keys = images.result()
            servers.result()
            services.result()
            yield
            loaded.result()
            ready.result()

    def down(self) -> None:
        """End everything, whatever state it is in, and remove all that it made on the machine but logs and videos."""
        require_root("Removing a local cluster")
        problems = []
        node = Node(self.directory)
        for end in (node.stop, self._stop_control_plane, self._stop_servers):
            try:
                end()
            except DevError as error:
                problems.append(str(error))
        if problems:
            raise DevError("The cluster did not end cleanly:\n" + "\n".join(problems))
        say("Nothing of the local cluster runs any more")

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl as administrator."""
        return run([self.programs / "kubectl", "--kubeconfig", self.kubeconfig, *arguments], given=given)

    def helm(self, *arguments: str) -> str:
        """Run helm as administrator."""
        return run([self.programs / "helm", "--kubeconfig", str(self.kubeconfig), *arguments])

    def _start_control_plane(self) -> ControlPlane:
        """Start the control plane, or take the one that runs. A new one has new certificates."""
        folder = self.directory / "control-plane"
        if Process("kube-apiserver", (), folder).pid is None:
            self._stop_control_plane()
        control_plane = ControlPlane(folder, address=HOST, port=API_PORT)
        control_plane.start()
        return control_plane

    def _stop_control_plane(self) -> None:
        folder = self.directory / "control-plane"
        for name in ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"):
            Process(name, (), folder, patience=3).stop()
        for part in ("etcd", "certificates"):
            shutil.rmtree(folder / part, ignore_errors=True)

    def _start_servers(self) -> None:
        with step("Temporal and the S3 server"):
            temporal_server.start_temporal(self.directory, also_at=HOST)
            object_storage.start_object_storage(self.directory, HOST)

    def _apply_services(self) -> None:
        """Give Temporal and the storage their names in the cluster."""
        self.kubectl("apply", "--filename", "-", given=json.dumps(_services()))

    def _stop_servers(self) -> None:
        for name in (temporal_server.RELAY, "temporal", "object-storage"):
            stop_recorded(self.directory / f"{name}.pid")


def _load(containerd: Containerd, runtime: Future[None], images: Future[dict[str, str]]) -> None:
    """Bring the images into the node."""
    runtime.result()
    load_images(containerd, images.result())


def _start_node(node: Node, runtime: Future[None], control_plane: ControlPlane, programs: Path) -> None:
    """Start the node, which needs what holds a pod's namespaces."""
    runtime.result()
    with step("Node"):
        load_images(node.containerd, ensure_pause_image(programs))
        node.start(control_plane, programs)


def _services() -> dict[str, Any]:
    """Return the services that lead to the servers on this machine."""
    items: list[dict[str, Any]] = []
    for namespace, name, port in (
        ("temporal", "temporal-frontend", temporal_server.PORT),
        ("storage", "s3", object_storage.PORT),
    ):
        metadata = {"name": name, "namespace": namespace}
        ports = [{"name": "main", "port": port, "protocol": "TCP"}]
        items.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        items.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}})
        items.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [HOST]}],
                "ports": ports,
            }
        )
    return {"apiVersion": "v1", "kind": "List", "items": items}
