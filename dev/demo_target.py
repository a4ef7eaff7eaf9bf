"""The cluster that the demo runs in: the local one, or an existing one by its context."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import Cluster
from dev.docker_cluster import PROVIDERS, DockerCluster
from dev.errors import MissingError
from dev.exports import Exports
from dev.images import OPERATOR
from dev.object_storage import BUCKET
from dev.places import CHECKOUT
from dev.steps import run
from dev.temporal_server import UI

NAME = "video-export"
NAMESPACE = "default"
RELEASE = "video-export-operator"
CHART = CHECKOUT / "charts" / "video-export-operator"
EXAMPLE = CHECKOUT / "examples" / "videoexportworker.yaml"
_STORAGE_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT",
    "AWS_REGION",
    "AWS_ALLOW_HTTP",
)
_NEEDED = {
    "OPERATOR_IMAGE": "the operator's image, as the cluster pulls it",
    "WORKER_IMAGE": "the worker's image, as the cluster pulls it",
    "TEMPORAL_ADDRESS": "HOST:PORT of a Temporal server that this machine and the cluster's pods reach",
    "VIDEO_EXPORT_STORAGE_URI": "a bucket that both reach, with its AWS_ variables",
}


@dataclass(frozen=True)
class Seen:
    """Pods that the Deployment wants, that are ready and that are busy, and tasks that wait."""

    wanted: int
    ready: int
    busy: int
    backlog: int


class Target:
    """A cluster, and how the demo's clients reach Temporal and the storage.

    Attributes:
        temporal_ui: where a browser shows the exports; None where nobody knows.
        cores: of the machine where all of it runs for the demo alone; None where it is somebody's.
    """

    temporal_ui: str | None = None
    cores: int | None = None

    def __init__(
        self,
        kubectl: tuple[str, ...],
        helm: tuple[str, ...],
        operator_image: str,
        client_environment: Mapping[str, str],
    ) -> None:
        self._kubectl = kubectl
        self._helm = helm
        self._operator_image = operator_image
        self.client_environment = dict(client_environment)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Bring up what the demo needs; the block may use Kubernetes, Temporal and the storage."""
        yield

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl in the demo's namespace."""
        return run([*self._kubectl, "--namespace", NAMESPACE, *arguments], given=given)

    def install_operator(self) -> None:
        """Install or upgrade the operator's release, without waiting for its pod."""
        repository, _, tag = self._operator_image.rpartition(":")
        values = [f"image.repository={repository}", f"image.tag={tag}", *self._values()]
        options = ["--namespace", RELEASE, "--create-namespace"]
        run(
            [*self._helm, "upgrade", "--install", RELEASE, str(CHART), *options, *(f"--set-string={v}" for v in values)]
        )
        definition = "crd/videoexportworkers.videoexport.dev"
        self.kubectl("wait", "--for=condition=Established", definition, "--timeout=60s")

    def apply_example(self) -> str:
        """Apply the example as it stands; return what kubectl says."""
        return self.kubectl("apply", "--filename", str(EXAMPLE))

    def delete_example(self) -> None:
        """Delete what the example made."""
        self.kubectl("delete", "--ignore-not-found", "--filename", str(EXAMPLE))

    def uninstall(self) -> None:
        """Remove the resource and the operator."""
        self.delete_example()
        run([*self._helm, "uninstall", RELEASE, "--namespace", RELEASE, "--ignore-not-found", "--wait"])

    def look(self) -> Seen:
        """Return what the Deployment and the resource's status say."""
        found = json.loads(self.kubectl("get", f"deployment/{NAME}", f"vew/{NAME}", "--output", "json"))
        deployment, resource = found["items"]
        status = resource.get("status", {})
        ready = int(deployment["status"].get("readyReplicas", 0))
        backlog = int(status.get("backlog", {}).get("tasks", 0))
        return Seen(int(deployment["spec"]["replicas"]), ready, int(status.get("busyReplicas", 0)), backlog)

    def condition(self, kind: str) -> str | None:
        """Return the status of one of the resource's conditions."""
        status = json.loads(self.kubectl("get", "vew", NAME, "--output", "json")).get("status", {})
        return next((c["status"] for c in status.get("conditions", []) if c["type"] == kind), None)

    def exports(self) -> Exports:
        """Return what Temporal says about exports."""
        settings = {**os.environ, **self.client_environment}
        return Exports(settings["TEMPORAL_ADDRESS"], settings.get("TEMPORAL_NAMESPACE", "default"))

    def diagnosis(self) -> str:
        """Return what helps when the demo fails: the resource, pods, and the last lines of both logs."""
        parts = [self.kubectl("describe", "vew", NAME), self.kubectl("get", "pods", "--output", "wide")]
        selector = f"videoexport.dev/worker={NAME}"
        parts.append(self.kubectl("logs", "--selector", selector, "--tail", "20", "--prefix"))
        operator = [*self._kubectl, "--namespace", RELEASE, "logs", f"deployment/{RELEASE}", "--tail", "20"]
        return "\n".join([*parts, run(operator)])

    def _values(self) -> list[str]:
        """Further values of the operator's chart."""
        return []


class LocalTarget(Target):
    """The local cluster, which is started first."""

    temporal_ui = UI
    cores = os.cpu_count()

    def __init__(self) -> None:
        self.cluster = Cluster()
        super().__init__((), (), OPERATOR.name, client_environment(self.cluster))

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Start the cluster, and build what is missing, side by side. There is no kubectl before that."""
        with self.cluster.starting():
            programs, config = self.cluster.programs, str(self.cluster.kubeconfig)
            self._kubectl = (str(programs / "kubectl"), "--kubeconfig", config)
            self._helm = (str(programs / "helm"), "--kubeconfig", config)
            yield

    def _values(self) -> list[str]:
        # The tag stays the same: a changed image must change the pod template, or its pods stay.
        return [f"podAnnotations.videoexport\\.dev/image-key={self.cluster.image_keys[OPERATOR.name]}"]


class ExistingTarget(Target):
    """A cluster of the user's, which keeps everything but the demo's resource and release."""

    def __init__(self, context: str, settings: Mapping[str, str]) -> None:
        missing = [f"{name} ({what})" for name, what in _NEEDED.items() if not settings.get(name)]
        missing += _find_missing()
        if missing:
            raise MissingError(f"For the cluster {context!r} the demo needs: {'; '.join(missing)}")
        kubectl, helm = ("kubectl", "--context", context), ("helm", "--kube-context", context)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        super().__init__(kubectl, helm, settings["OPERATOR_IMAGE"], {**settings, "PATH": path})

    def apply_example(self) -> str:
        """Apply the example with this cluster's image, Temporal and storage."""
        settings = self.client_environment
        objects: list[dict[str, Any]] = list(yaml.safe_load_all(EXAMPLE.read_text()))
        for one in objects:
            if one["kind"] == "Secret":
                one["stringData"] = {name: settings[name] for name in _STORAGE_VARIABLES if name in settings}
            else:
                one["spec"]["image"] = settings["WORKER_IMAGE"]
                one["spec"]["temporal"]["address"] = settings["TEMPORAL_ADDRESS"]
                one["spec"]["temporal"]["namespace"] = settings.get("TEMPORAL_NAMESPACE", "default")
                one["spec"]["storage"]["uri"] = settings["VIDEO_EXPORT_STORAGE_URI"]
        return self.kubectl("apply", "--filename", "-", given=yaml.safe_dump_all(objects))


def client_environment(cluster: Cluster) -> dict[str, str]:
    """Return the environment of a client of the local cluster's Temporal and storage."""
    folder = Path(sys.executable).parent
    return {
        **cluster.storage,
        "TEMPORAL_ADDRESS": cluster.temporal,
        "VIDEO_EXPORT_STORAGE_URI": f"s3://{BUCKET}",
        "PATH": f"{folder}:{os.environ['PATH']}",
    }


def choose_target(context: str | None = None, provider: str | None = None) -> Target:
    """Return the named cluster, one of a program that runs Kubernetes in Docker, or the local one."""
    if context:
        return ExistingTarget(context, os.environ)
    if provider:
        if missing := _find_missing("docker", provider):
            raise MissingError(f"For a cluster of {provider} the demo needs: {'; '.join(missing)}")
        cluster = DockerCluster(PROVIDERS[provider])
        target = ExistingTarget(cluster.provider.context, cluster.up())
        target.temporal_ui, target.cores = UI, os.cpu_count()
        return target
    return LocalTarget()


def _find_missing(*further: str) -> list[str]:
    """Return the programs that are not there, of those that the demo calls and of further ones."""
    return [f"{name} on PATH" for name in (*further, "kubectl", "helm", "ffmpeg", "ffprobe") if not shutil.which(name)]
