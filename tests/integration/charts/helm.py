"""Helm as a program: render a chart, read what came out."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dev.kubernetes_binaries import find_programs
from tests import fast_yaml
from tests.requirements import require

ROOT = Path(__file__).parents[3]
CHARTS = ROOT / "charts"
KUBE_VERSION = "1.34.0"
Manifest = dict[str, Any]
NO_HELM = "no helm: `make test` builds one with the local Kubernetes, or put your own on the PATH"


def find_helm() -> str | None:
    """The helm that the local Kubernetes was built with, or the one of the path."""
    built = find_programs(("helm",))
    return str(built / "helm") if built else shutil.which("helm")


def run_helm(
    *arguments: str, values: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run helm with values on its standard input."""
    helm = find_helm()
    require(helm, NO_HELM)
    given = () if values is None else ("--values", "-")
    return subprocess.run(
        [str(helm), *arguments, *given],
        input=None if values is None else fast_yaml.dump(dict(values)),
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=60,
    )


def render(
    chart: str,
    values: Mapping[str, Any] | None = None,
    *,
    release: str = "rel",
    namespace: str = "media",
    apis: tuple[str, ...] = (),
) -> list[Manifest]:
    """Render a chart; a failure shows helm's own words."""
    text = _render_text(chart, fast_yaml.dump(dict(values or {})), release, namespace, apis)
    return [manifest for manifest in fast_yaml.load_all(text) if manifest]


@cache
def _render_text(chart: str, values: str, release: str, namespace: str, apis: tuple[str, ...]) -> str:
    capabilities = [f"--api-versions={api}" for api in apis]
    done = run_helm(
        "template",
        release,
        str(CHARTS / chart),
        f"--namespace={namespace}",
        f"--kube-version={KUBE_VERSION}",
        *capabilities,
        values=fast_yaml.load(values),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def refuse(chart: str, values: Mapping[str, Any]) -> str:
    """Render values that must be refused; returns what helm says."""
    done = run_helm("template", "rel", str(CHARTS / chart), f"--kube-version={KUBE_VERSION}", values=values)
    assert done.returncode != 0, f"helm took values that it should refuse:\n{done.stdout}"
    return done.stderr


def only(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The one manifest of a kind."""
    found = [item for item in manifests if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    assert len(found) == 1, f"expected one {kind} {name or ''}, got {[item['metadata']['name'] for item in found]}"
    return found[0]


def kinds(manifests: list[Manifest]) -> list[str]:
    """The kinds that were rendered, sorted."""
    return sorted(item["kind"] for item in manifests)


def read_chart(chart: str, name: str) -> str:
    """A file of a chart."""
    return (CHARTS / chart / name).read_text(encoding="utf-8")
