"""A second version of the worker's image on the node: another renderer, made of the first by one small layer."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from dev.containers import Containerd
from dev.images import WORKER
from dev.places import cache_directory
from video_export_worker.rendering.version import PLAYER

IMAGE = "docker.io/library/video-export-worker:next"
_TYPE = "application/vnd.oci.image"
_PLAYER_IN_IMAGE = "opt/app/video_export_worker/player_dist/player.js"


def ensure_second_worker(containerd: Containerd) -> str:
    """Bring the image into the node; return its name.

    The renderer's name has a digest of the replay page. A comment at its end gives another one, and the same pixels.
    """
    player = PLAYER.read_bytes() + b"\n// the next version\n"
    found = re.search(r"sha256:[0-9a-f]{64}", containerd.ctr("images", "list", f"name=={WORKER.name}"))
    assert found, f"{WORKER.name} is not in the node"
    manifest = json.loads(containerd.ctr("content", "get", found[0]))
    config = json.loads(containerd.ctr("content", "get", manifest["config"]["digest"]))
    with tempfile.TemporaryDirectory(dir=cache_directory()) as folder:
        layout = Path(folder)
        (layout / "blobs" / "sha256").mkdir(parents=True)
        layer = _keep(layout, _pack(_PLAYER_IN_IMAGE, player), f"{_TYPE}.layer.v1.tar")
        config["rootfs"]["diff_ids"].append(layer["digest"])
        manifest["layers"].append(layer)
        manifest["config"] = _keep(layout, json.dumps(config).encode(), f"{_TYPE}.config.v1+json")
        named = _keep(layout, json.dumps(manifest).encode(), f"{_TYPE}.manifest.v1+json")
        named["annotations"] = {"org.opencontainers.image.ref.name": IMAGE}
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
        containerd.load(IMAGE, layout, hashlib.sha256(player).hexdigest()[:16])
    return IMAGE


def _keep(layout: Path, content: bytes, media_type: str) -> dict[str, Any]:
    """Write a blob of the layout; return what a manifest says of it."""
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _pack(path: str, content: bytes) -> bytes:
    """Return a tar with one file that everybody may read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
