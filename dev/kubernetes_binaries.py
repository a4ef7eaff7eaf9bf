"""The programs of a local Kubernetes: found, or built once from the Go module in `dev/kubernetes`.

`KUBEBUILDER_ASSETS` may name a folder that has them; nothing is built if it has all that is asked for.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.errors import MissingError
from dev.go_toolchain import BUILDING, ensure_go
from dev.places import CHECKOUT, cache_directory
from dev.steps import run, step

SOURCES = CHECKOUT / "dev" / "kubernetes"
CONTROL_PLANE = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
NODE = ("kubelet", "kube-proxy", "coredns")
CLIENTS = ("kubectl", "helm")
PROGRAMS = (*CONTROL_PLANE, *CONTROLLERS, *NODE, *CLIENTS)
# Nothing for debuggers, and no inlining in Kubernetes' own packages: 30 % less processor time, since each of its
# thousands of packages reads what it imports with all that could be inlined. What is called most, such as encoders, is
# inlined still.
QUICKLY = ("-gcflags=all=-dwarf=false", "-gcflags=k8s.io/...=-dwarf=false -l")


def find_programs(names: Iterable[str]) -> Path | None:
    """Return a folder that has all the named programs, without building anything."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folders = [Path(assets)] if assets else []
    folders.append(_built() / "bin")
    wanted = tuple(names)
    return next((folder for folder in folders if all(os.access(folder / name, os.X_OK) for name in wanted)), None)


def ensure_programs(names: Iterable[str] = PROGRAMS) -> Path:
    """Return a folder that has all the named programs; build them if there is none (5 minutes on two quiet cores)."""
    wanted = tuple(names)
    found = find_programs(wanted)
    if found:
        return found
    with exclusive(cache_directory() / "kubernetes" / "lock"):
        if not (_built() / "bin").exists():
            _build(_built())
    return _built() / "bin"


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold a lock that one process at a time can have."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _built() -> Path:
    """Where the build of the present sources lies."""
    digest = hashlib.sha256(platform.machine().encode())
    for source in sorted([*SOURCES.rglob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum"]):
        digest.update(source.read_bytes())
    return cache_directory() / "kubernetes" / digest.hexdigest()[:16]


def _build(target: Path) -> None:
    """Compile the one binary and name it by symlinks; the folder appears only when it is complete."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "bin").mkdir(parents=True)
    with step(
        "Building Kubernetes, etcd, helm and CoreDNS (once; 5 minutes on two quiet cores)", partial / "build.log"
    ):
        flags = ["-v", "-trimpath", *QUICKLY, "-ldflags", _link_flags(), "-o", f"{partial / 'bin'}/"]
        command = [str(ensure_go(SOURCES)), "build", *flags, ".", "./pause"]
        run(command, environment=BUILDING, directory=SOURCES, log=partial / "build.log")
    for name in PROGRAMS:
        (partial / "bin" / name).symlink_to("kubernetes")
    partial.rename(target)
    current = target.with_name("current")
    current.unlink(missing_ok=True)
    current.symlink_to(target.name)


def _link_flags() -> str:
    """Return the flags that drop symbols and set the versions, which are otherwise those of an unknown build."""
    modules = (SOURCES / "go.mod").read_text()
    kubernetes = _version(modules, "k8s.io/kubernetes")
    major, minor = kubernetes.removeprefix("v").split(".")[:2]
    base, helm = "k8s.io/component-base/version", "helm.sh/helm/v4"
    values = {
        f"{base}.gitVersion": kubernetes,
        f"{base}.gitMajor": major,
        f"{base}.gitMinor": minor,
        f"{helm}/pkg/chart/common.k8sVersionMajor": major,
        f"{helm}/pkg/chart/common.k8sVersionMinor": minor,
        f"{helm}/internal/version.version": _version(modules, helm),
        f"{helm}/internal/version.kubeClientVersionMajor": major,
        f"{helm}/internal/version.kubeClientVersionMinor": minor,
    }
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in values.items())])


def _version(modules: str, module: str) -> str:
    found = re.search(rf"^\t{re.escape(module)} (v\S+)$", modules, re.MULTILINE)
    if found is None:
        raise MissingError(f"{SOURCES / 'go.mod'} requires no {module}; add it with `go get`")
    return found[1]
