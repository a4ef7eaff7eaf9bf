"""Images without a Docker engine: buildah with a store of its own in the cache.

Each image carries a key, the hash of what it was made from: an image with the wanted key is not built again.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dev.places import cache_directory
from dev.steps import require_root, run

_KEY = "videoexport.dev.key"


class Buildah:
    """A store of images."""

    def __init__(self) -> None:
        require_root("Building images")
        self.directory = cache_directory() / "images"
        self.directory.mkdir(parents=True, exist_ok=True)
        store = self.directory / "store"
        # Its mounts are nobody else's, and end with it: it would leave one of the store, and more where a build fails.
        self._program = ["unshare", "--mount", "buildah", "--storage-driver", "overlay"]
        self._program += ["--root", str(store), "--runroot", str(self.directory / "run")]

    def write_docker(self, folder: Path) -> None:
        """Write a program `docker` that builds and pushes as Docker does, with this store and to a plain registry."""
        program = shlex.join(self._program)
        build = f"{program} bud --isolation chroot --pull-never --layers"
        push = f"{program} push --quiet --tls-verify=false --compression-format zstd --compression-level 1"
        script = f"""#!/bin/sh
command=$1; shift
case $command in
  build) exec {build} "$@" ;;
  push) exec {push} "$1" "docker://$1" ;;
  *) echo "no such command: $command" >&2; exit 2 ;;
esac
"""
        (folder / "docker").write_text(script)
        (folder / "docker").chmod(0o755)

    def holds(self, image: str, key: str) -> bool:
        """Whether the image is there, made from the inputs of this key."""
        command = [*self._program, "inspect", "--type", "image", image]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            return False
        labels = json.loads(found.stdout)["OCIv1"]["config"].get("Labels") or {}
        return bool(labels.get(_KEY) == key)

    def build(self, dockerfile: Path, context: Path, image: str, key: str, log: Path) -> None:
        """Build a Dockerfile; layers that did not change are taken from the store."""
        options = ["--isolation", "chroot", "--pull-never", "--layers", "--label", f"{_KEY}={key}"]
        options += ["--file", str(dockerfile), "--tag", image]
        run([*self._program, "bud", *options, str(context)], log=log)

    def commit_folder(self, root: Path, image: str, key: str, variables: Mapping[str, str]) -> None:
        """Make an image of one layer from a folder."""
        container = self._run("from", "scratch").strip()
        try:
            self._run("copy", "--quiet", container, str(root), "/")
            settings = [f"--env={name}={value}" for name, value in variables.items()]
            self._run("config", f"--label={_KEY}={key}", *settings, container)
            self._run("commit", "--quiet", container, image)
        finally:
            self._run("rm", container)

    def commit_program(self, program: Path, image: str, key: str) -> None:
        """Make an image that is one static program."""
        container = self._run("from", "scratch").strip()
        try:
            self._run("copy", "--quiet", container, str(program), f"/{program.name}")
            entry = json.dumps([f"/{program.name}"])
            self._run("config", f"--label={_KEY}={key}", f"--entrypoint={entry}", container)
            self._run("commit", "--quiet", container, image)
        finally:
            self._run("rm", container)

    def export(self, image: str) -> Path:
        """Write the image as an OCI layout, a folder."""
        layout = self.directory / "layouts" / image.replace("/", "_").replace(":", "_")
        layout.mkdir(parents=True, exist_ok=True)
        (layout / "index.json").unlink(missing_ok=True)  # or it would list the image from before as well
        quick = ["--compression-format", "zstd", "--compression-level", "1"]
        self._run("push", "--quiet", *quick, image, f"oci:{layout}:{image}")
        blobs = layout / "blobs" / "sha256"
        wanted = _digests(blobs, json.loads((layout / "index.json").read_text())["manifests"])
        for blob in blobs.iterdir():
            if blob.name not in wanted:
                blob.unlink()
        return layout

    def size(self, image: str) -> str:
        """Return the unpacked size as a person reads it."""
        return self._run("images", "--format", "{{.Size}}", image).strip().splitlines()[0]

    def _run(self, *arguments: str) -> str:
        return run([*self._program, *arguments])


def _digests(blobs: Path, manifests: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of all blobs that the manifests need, their own included."""
    found = set()
    for described in manifests:
        name = described["digest"].partition(":")[2]
        manifest = json.loads((blobs / name).read_text())
        found |= {name, *(each["digest"].partition(":")[2] for each in (manifest["config"], *manifest["layers"]))}
    return found
