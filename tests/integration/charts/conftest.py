"""A real API server that the charts are installed into."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import CONTROL_PLANE, find_programs
from tests.integration.charts.helm import CHARTS, run_helm
from tests.requirements import require

OPERATOR = "video-export-operator"
NAMESPACE = "video-export-system"
RESTRICTED = f"""
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
"""


@dataclass(frozen=True)
class Cluster:
    """An API server with the operator's chart installed, and its clients. There are no nodes."""

    kubeconfig: Path
    kubectl_program: Path

    def kubectl(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the operator's namespace."""
        return subprocess.run(
            [str(self.kubectl_program), f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def helm(self, *arguments: str, values: dict[str, object] | None = None) -> subprocess.CompletedProcess[str]:
        """Run helm in the operator's namespace."""
        here = {"KUBECONFIG": str(self.kubeconfig), "HELM_NAMESPACE": NAMESPACE}
        return run_helm(*arguments, values=values, environment=here)


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    """What the command printed; a failure shows what it said."""
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The operator's chart, installed by helm into a namespace that takes restricted pods alone."""
    programs = find_programs((*CONTROL_PLANE, "kubectl", "helm"))
    require(programs, "no kube-apiserver, etcd, kubectl and helm: `make test` builds them, or set KUBEBUILDER_ASSETS")
    with ControlPlane(controllers=False) as control_plane:
        ready = Cluster(control_plane.kubeconfig, Path(os.fspath(programs or "")) / "kubectl")
        succeed(ready.kubectl("create", "--filename=-", given=RESTRICTED))
        # What the controller manager would make, which these tests do not need otherwise.
        succeed(ready.kubectl("create", "serviceaccount", "default"))
        succeed(ready.helm("install", OPERATOR, str(CHARTS / OPERATOR)))
        succeed(
            ready.kubectl(
                "wait", "--for=condition=established", "--timeout=30s", "crd/videoexportworkers.videoexport.dev"
            )
        )
        yield ready
