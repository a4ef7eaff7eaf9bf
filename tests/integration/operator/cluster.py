"""A namespace of a real API server, and the operator as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.control_plane import ControlPlane
from dev.waiting import find_free_port, open_directly
from tests.servers import INHERITED, freeze
from tests.waiting import PATIENCE, wait_for, wait_until

ROOT_OF_PLUGINS = Path(__file__).parents[3] / "plugins"
KIND = "VideoExportWorker"
FOLDERS = {
    "vew": "/apis/videoexport.dev/v1alpha1/namespaces/{}/videoexportworkers",
    "deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "networkpolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "serviceaccount": "/api/v1/namespaces/{}/serviceaccounts",
    "service": "/api/v1/namespaces/{}/services",
    "pod": "/api/v1/namespaces/{}/pods",
    "event": "/api/v1/namespaces/{}/events",
}
REPLICAS = ("replica-first", "replica-second")
"""Users as which replicas of an operator log in where a test asks who wrote what."""
AUDIT_LOG = "audit.log"
NAME = "exports"
SHARED = "shared"
OWN = "own"
Json = dict[str, Any]


@dataclass(frozen=True)
class Namespace:
    """One namespace, as a user with kubectl sees it."""

    control_plane: ControlPlane
    name: str

    def kubectl(self, *arguments: str, given: Any = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl; `given` goes to its standard input, as JSON if it is no text."""
        program = str(self.control_plane.programs / "kubectl")
        text = given if isinstance(given, str) or given is None else json.dumps(given)
        return subprocess.run(
            [program, f"--kubeconfig={self.control_plane.kubeconfig}", f"--namespace={self.name}", *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def succeed(self, *arguments: str, given: Any = None) -> str:
        """Run kubectl and return what it printed; a failure shows what it said."""
        done = self.kubectl(*arguments, given=given)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Apply a manifest."""
        self.succeed("apply", "-f", "-", given=dict(manifest))

    def get(self, kind: str, name: str = NAME) -> Json | None:
        """Return an object, None if it is not there."""
        found: Json | None = self.control_plane.get(f"{FOLDERS[kind].format(self.name)}/{name}")
        return found

    def objects(self, kind: str) -> list[Json]:
        """Return all objects of a kind."""
        answer = self.control_plane.get(FOLDERS[kind].format(self.name))
        return list(answer["items"]) if answer else []

    def condition(self, kind: str, name: str = NAME) -> Json:
        """Return a condition of the resource; empty while there is none."""
        status = (self.get("vew", name) or {}).get("status") or {}
        return next((each for each in status.get("conditions") or () if each["type"] == kind), {})

    async def wait_condition(
        self, kind: str, status: str, reason: str, timeout: float = PATIENCE, name: str = NAME
    ) -> Json:
        """Wait until a condition says so."""

        def look() -> Json | None:
            found = self.condition(kind, name)
            return found if (found.get("status"), found.get("reason")) == (status, reason) else None

        try:
            return await wait_for(look, f"{kind} is {status} for {reason}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.condition(kind, name)}") from None

    async def wait_size(self, replicas: int, timeout: float = PATIENCE) -> Json:
        """Wait until the Deployment has this size."""

        def look() -> Json | None:
            found = self.get("deployment")
            return found if found is not None and found["spec"]["replicas"] == replicas else None

        return await wait_for(look, f"the Deployment has {replicas} replicas", timeout)

    async def wait_pods(self, count: int, timeout: float = PATIENCE) -> list[Json]:
        """Wait until there are so many pods that are not being deleted."""

        def look() -> list[Json] | None:
            pods = [pod for pod in self.objects("pod") if "deletionTimestamp" not in pod["metadata"]]
            return pods if len(pods) == count else None

        return await wait_for(look, f"there are {count} pods", timeout)

    def start_pod(
        self, name: str, ready: bool = True, address: str = "127.0.0.1", since: str = "2026-01-01T00:00:00Z"
    ) -> None:
        """Report what a kubelet would of a pod whose worker runs since then; there is no node here."""
        container = {
            "name": "worker",
            "image": "example/worker:1",
            "imageID": "",
            "ready": ready,
            "restartCount": 0,
            "state": {"running": {"startedAt": since}},
        }
        state = {"status": str(ready), "lastTransitionTime": since}
        conditions = [{"type": kind, **state} for kind in ("Ready", "ContainersReady")]
        running = {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}
        self.patch_pod(name, {**running, "podIP": address, "podIPs": [{"ip": address}]})

    def protected(self) -> dict[str, bool | None]:
        """Return of each pod whether node autoscalers leave it alone, None if its annotations say neither."""
        found = {}
        for pod in self.objects("pod"):
            its = pod["metadata"]["annotations"]
            both = its["cluster-autoscaler.kubernetes.io/safe-to-evict"], its["karpenter.sh/do-not-disrupt"]
            found[pod["metadata"]["name"]] = {("false", "true"): True, ("true", "false"): False}.get(both)
        return found

    def patch_pod(self, name: str, status: Mapping[str, Any]) -> None:
        """Patch a pod's status."""
        patch = json.dumps({"status": status})
        self.succeed("patch", "pod", name, "--subresource=status", "--type=merge", "-p", patch)

    def writers(self) -> list[tuple[str, str, str]]:
        """Return who wrote what here, in its order: user, verb, resource. Of REPLICAS alone, Leases aside.

        An event that was held back and comes late is told late; nothing follows from it.
        """
        lines = (self.control_plane.directory / AUDIT_LOG).read_text().splitlines()
        entries = sorted((json.loads(line) for line in lines), key=lambda entry: str(entry["stageTimestamp"]))
        return [
            (entry["user"]["username"], entry["verb"], entry["objectRef"]["resource"])
            for entry in entries
            if entry["objectRef"].get("namespace") == self.name
            and entry["objectRef"]["resource"] not in ("leases", "events")
            and entry["responseStatus"]["code"] < 300
        ]

    def told(self) -> list[tuple[str, str]]:
        """Return reason and message of every event about the resource."""
        mine = [event for event in self.objects("event") if event["involvedObject"]["kind"] == KIND]
        return [(event["reason"], event["message"]) for event in mine]


def resource(address: str, name: str = NAME, served_by: str = SHARED, **spec: Any) -> Json:
    """Return a small resource whose windows are as short as they may be.

    Args:
        address: of Temporal.
        name: of the resource.
        served_by: which operator of the tests acts on it.
        spec: laid over the smallest one.
    """
    scaling = {
        "pollInterval": "6s",
        "scaleDown": {"stabilizationWindow": "2s", "minIdle": "1s"},
        **spec.pop("scaling", {}),
    }
    return {
        "apiVersion": "videoexport.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"name": name, "labels": {"served-by": served_by}},
        "spec": {
            "temporal": {"address": address, **spec.pop("temporal", {})},
            "image": "example/worker:1",
            "storage": {"uri": "s3://exports"},
            "scaling": scaling,
            **spec,
        },
    }


def install_definition(namespace: Namespace, file: Path) -> None:
    """Apply the definition of the resource, and wait until it is served."""
    namespace.succeed("apply", "-f", str(file))
    look = ("wait", "--for=condition=Established", "--timeout=5s", "crd/videoexportworkers.videoexport.dev")
    # Asked in the first moment, kubectl fails because there is no status yet.
    wait_until(lambda: namespace.kubectl(*look).returncode == 0, "the definition is established")


@dataclass
class Operator:
    """The operator's process."""

    control_plane: ControlPlane
    log: Path
    namespaces: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    health_port: int = 0
    metrics_port: int = 0
    program: str = "video_export_operator"

    @property
    def temporary_files(self) -> Path:
        """Where it keeps what it should take along when it ends."""
        return self.log.with_suffix(".temporary")

    def start(self) -> None:
        """Start it and wait until it has seen what exists."""
        self.health_port, self.metrics_port = find_free_port(), find_free_port()
        options = [f"--health-port={self.health_port}", f"--metrics-port={self.metrics_port}", *self._log_format()]
        options += [f"--namespace={name}" for name in self.namespaces] or ["--all-namespaces"]
        self.temporary_files.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program, "run", *options],
                stdout=log,
                stderr=log,
                env={
                    **INHERITED,
                    "KUBECONFIG": str(self.control_plane.kubeconfig),
                    "TMPDIR": str(self.temporary_files),
                    **self.environment,
                },
            )
        wait_until(self._is_ready, "the operator is ready")

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without asking."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does."""
        assert self.process is not None
        freeze(self.process)

    def resume(self) -> None:
        """Let it go on where it was stopped, if it still runs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 if it has none."""
        text = fetch(self.metrics_port, "/metrics")
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = (line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] == name)
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(each in line for each in wanted))

    def _log_format(self) -> list[str]:
        """Text unless the environment says otherwise."""
        return [] if "VIDEO_EXPORT_OPERATOR_LOG_FORMAT" in self.environment else ["--log-format=text"]

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return fetch(self.metrics_port, "/readyz") == "ready\n"


def fetch(port: int, path: str, host: str = "127.0.0.1") -> str:
    """Return what a local port answers; empty while nobody listens."""
    try:
        with open_directly(f"http://{host}:{port}{path}") as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


@contextmanager
def running_operator(
    control_plane: ControlPlane,
    folder: Path,
    *namespaces: str,
    served_by: str = OWN,
    program: str = "video_export_operator",
    **variables: str,
) -> Iterator[Operator]:
    """Run an operator for the block, on the resources that name it.

    Args:
        control_plane: where.
        folder: for its log.
        namespaces: those it serves, none for all.
        served_by: the label of its resources.
        program: module that is run.
        variables: its environment; lower-case names are those of its settings.
    """
    settings = {"label_selector": f"served-by={served_by}", **variables}
    environment = {
        (f"VIDEO_EXPORT_OPERATOR_{name.upper()}" if name.islower() else name): value for name, value in settings.items()
    }
    operator = Operator(control_plane, folder / "operator.log", namespaces, environment, program=program)
    try:
        operator.start()
        yield operator
    finally:  # also where it is not ready in time
        if operator.process is not None and operator.process.poll() is None:
            operator.stop()
