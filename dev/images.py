"""The images of the system on this machine: made from the Dockerfiles, keyed by the hash of their inputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dev.base_image import ensure_base_image
from dev.buildah import Buildah
from dev.containers import PAUSE_IMAGE, Containerd
from dev.kubernetes_binaries import exclusive
from dev.places import CHECKOUT
from dev.steps import step

_NOT_BUILT_FROM = re.compile(r"node_modules|player_dist|__pycache__|\..+")  # folders, as in .dockerignore


@dataclass(frozen=True)
class Image:
    """One image, its Dockerfile and the paths of the checkout that it is built from."""

    name: str
    dockerfile: str
    inputs: tuple[str, ...]


_TEXTS = ("README.md", "LICENSE", "NOTICE", "THIRD-PARTY-NOTICES.md")
_SHARED = (".dockerignore", "pyproject.toml", *_TEXTS, "requirements/build.txt")
OPERATOR = Image(
    "docker.io/library/video-export-operator:dev",
    "Dockerfile.operator",
    (*_SHARED, "requirements/operator.txt", "operator", "worker/video_export_worker/__init__.py"),
)
WORKER = Image(
    "docker.io/library/video-export-worker:dev",
    "Dockerfile.worker",
    (*_SHARED, "requirements/worker.txt", "operator/video_export_operator/__init__.py", "worker"),
)
IMAGES = (OPERATOR, WORKER)


def ensure_images(images: Iterable[Image] = IMAGES) -> dict[str, str]:
    """Build what is missing or out of date; return the key of each image by name."""
    buildah = Buildah()
    with exclusive(buildah.directory / "lock"):
        base = ensure_base_image(buildah)
        keys = {}
        for image in images:
            keys[image.name] = key = _key(image, base)
            if not buildah.holds(image.name, key):
                log = buildah.directory / f"{image.dockerfile}.log"
                log.unlink(missing_ok=True)
                with step(f"Image {image.name} (minutes the first time; log: {log})", log):
                    buildah.build(CHECKOUT / image.dockerfile, CHECKOUT, image.name, key, log)
        return keys


def load_images(containerd: Containerd, keys: dict[str, str]) -> None:
    """Bring images into the node, those that it does not have."""
    buildah = Buildah()
    for name, key in keys.items():
        if not containerd.holds(name, key):
            with step(f"Loading {name} ({buildah.size(name)}) into the node"):
                containerd.load(name, buildah.export(name), key)


def ensure_pause_image(programs: Path) -> dict[str, str]:
    """Make the image that holds a pod's namespaces."""
    buildah = Buildah()
    program = programs / "pause"
    key = hashlib.sha256(program.read_bytes()).hexdigest()[:16]
    if not buildah.holds(PAUSE_IMAGE, key):
        buildah.commit_program(program, PAUSE_IMAGE, key)
    return {PAUSE_IMAGE: key}


def _key(image: Image, base: str) -> str:
    """Return a hash of everything that the image is made from."""
    digest = hashlib.sha256(base.encode())
    for path in (image.dockerfile, *image.inputs):
        for file in _files(CHECKOUT / path):
            digest.update(str(file.relative_to(CHECKOUT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    """Return a file, or a folder's files that go into an image."""
    if path.is_file():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(f for f in files if not any(map(_NOT_BUILT_FROM.fullmatch, f.relative_to(path).parts)))
