"""What a recording of the test recorder links to, as the product is given it: files instead of hosts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.recorder.session import CONTENT_TYPES, HOSTS
from video_export_worker.contract import Asset, AssetTable
from video_export_worker.recording import Recording
from video_export_worker.replay.answers import WITHOUT_ASSETS, StoredAnswers


@contextmanager
def linked_files(recording: Recording) -> Iterator[StoredAnswers]:
    """The files of all hosts that the recording names."""
    text = json.dumps(recording.events)
    hosts = [host for host in HOSTS.iterdir() if f"http://{host.name}/" in text]
    if not hosts:
        yield WITHOUT_ASSETS
        return
    with TemporaryDirectory() as name:
        files = {}
        for path in HOSTS.glob("*/*"):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            (Path(name) / digest).write_bytes(data)
            kind = CONTENT_TYPES[path.suffix].partition(";")[0]
            # Nothing in the page waits for the images of style sheets, which are beside them.
            awaited = kind.startswith("image/") and any(path.parent.glob("*.css"))
            asset = Asset(sha256=digest, type=kind, size=len(data), awaited=awaited)
            files[f"http://{path.parent.name}/{path.name}"] = asset
        yield StoredAnswers(AssetTable(files=files), Path(name))
