"""A namespace of the local cluster, as a team uses it: resources by kubectl, exports by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from dev.cluster import STORAGE_IN_CLUSTER, TEMPORAL_IN_CLUSTER, Cluster
from dev.errors import DevError
from dev.exports import Exports
from dev.images import WORKER
from dev.object_storage import BUCKET, client_environment
from tests import waiting

RECORDINGS = Path(__file__).parents[1] / "recordings"
RELEASE = "video-export-operator"
OPERATOR_NAMESPACE = "video-export"
"""As README has them."""
NAME = "exports"
SECRET = "storage"
MANUAL = {"mode": "Manual", "pollInterval": "6s", "scaleDown": {"minIdle": "0s"}}
"""Sized by whoever tests; idle pods may go at once."""
WAIT = 180
"""Seconds for what will come: other tests render on the same cores. Only a wait that fails takes as long."""
PROGRAMS = Path(sys.executable).parent
LOOK = 0.3
"""Seconds between two looks: each starts kubectl, which costs the cores more than a look at a value does."""
Json = dict[str, Any]
wait_until = partial(waiting.wait_until, timeout=WAIT, interval=LOOK)


@dataclass(frozen=True)
class Tenant:
    """One namespace; its name is also its task queue."""

    cluster: Cluster
    name: str

    def create(self) -> None:
        """Make the namespace and the secret that opens the storage."""
        self.cluster.kubectl("create", "namespace", self.name)
        secret = {"stringData": client_environment(STORAGE_IN_CLUSTER)}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, **secret})
        wait_until(lambda: self.find("serviceaccount", "default"), "the namespace has its ServiceAccount")

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl("--namespace", self.name, *arguments, given=given)

    def apply(self, *objects: Json) -> None:
        """Apply objects."""
        self.kubectl("apply", "--filename", "-", given="\n---\n".join(json.dumps(one) for one in objects))

    def apply_workers(self, **changes: Any) -> None:
        """Apply a VideoExportWorker with short windows, with changes to its spec."""
        spec = {
            "temporal": {"address": TEMPORAL_IN_CLUSTER, "taskQueue": self.name},
            "image": WORKER.name,
            "storage": {"uri": f"s3://{BUCKET}", "secretRef": {"name": SECRET}},
            "slots": 1,
            "scaling": {
                "maxReplicas": 3,
                "pollInterval": "6s",
                "scaleDown": {"stabilizationWindow": "0s", "minIdle": "0s"},
            },
            "terminationGracePeriodSeconds": 60,
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
        }
        metadata = {"name": NAME}
        kind = {"apiVersion": "videoexport.dev/v1alpha1", "kind": "VideoExportWorker"}
        self.apply({**kind, "metadata": metadata, "spec": {**spec, **changes}})

    def find(self, kind: str, name: str) -> Json | None:
        """Return an object, nothing if it is not there."""
        try:
            return dict(json.loads(self.kubectl("get", kind, name, "--output", "json")))
        except DevError as error:
            if "NotFound" not in str(error):
                raise
            return None

    def condition(self, kind: str) -> Json:
        """Return a condition of the resource; empty before it is written."""
        found = self.find("vew", NAME) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((dict(one) for one in conditions if one["type"] == kind), {})

    def wait_condition(self, kind: str, status: str, reason: str | None = None) -> Json:
        """Wait until a condition says this; return it."""

        def look() -> Json | None:
            found = self.condition(kind)
            fits = found.get("status") == status and reason in (None, found.get("reason"))
            return found if fits else None

        try:
            return wait_until(look, f"{kind} is {status} {reason or ''}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.condition(kind)}") from None

    def size(self) -> tuple[int, int]:
        """Return how many pods the Deployment wants and how many are ready; none without a Deployment."""
        found = self.find("deployment", NAME)
        if found is None:
            return 0, 0
        return int(found["spec"]["replicas"]), int(found["status"].get("readyReplicas", 0))

    def pods(self) -> list[Json]:
        """Return the worker's pods, those that end included."""
        selector = f"videoexport.dev/worker={NAME}"
        return list(json.loads(self.kubectl("get", "pods", "--selector", selector, "--output", "json"))["items"])

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client on this machine."""
        return {
            **os.environ,
            **self.cluster.storage,
            "TEMPORAL_ADDRESS": self.cluster.temporal,
            "VIDEO_EXPORT_STORAGE_URI": f"s3://{BUCKET}",
        }

    def submit(self, recording: str, *options: str) -> str:
        """Start an export of one of the test recordings; return its id."""
        file = RECORDINGS / f"{recording}.json.gz"
        return self._run("video-export", "submit", str(file), "--task-queue", self.name, *options).strip()

    def wait_for_end(self, exports: Exports, export: str, timeout: float = WAIT) -> None:
        """Wait until an export has ended well."""
        running = WorkflowExecutionStatus.RUNNING
        wait_until(lambda: exports.status(export) is not running, f"{export} ended", timeout=timeout)
        assert exports.status(export) is WorkflowExecutionStatus.COMPLETED, exports.status(export)

    def download(self, export: str, folder: Path) -> list[Path]:
        """Wait for an export and fetch its videos."""
        self._run("video-export", "watch", export, "--download", str(folder))
        return sorted(file for file in folder.rglob("*") if file.suffix in (".mp4", ".webm", ".gif"))

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(PROGRAMS / program), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=WAIT, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}{done.stdout}"
        return done.stdout


def probe(video: Path) -> Json:
    """Return what ffprobe says about a video's picture."""
    entries = "stream=codec_name,width,height,nb_read_packets:format=duration"
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", entries, "-of", "json", str(video)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {**found["streams"][0], "duration": float(found["format"]["duration"])}
