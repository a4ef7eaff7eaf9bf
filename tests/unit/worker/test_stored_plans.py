"""Plans that another version has stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.snapshots import Page
from video_export_worker.activities.plans import PlanStore
from video_export_worker.contract import PlanReference, StoredPlan, parse_request
from video_export_worker.errors import InvalidRequest, RendererDiffers
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import INDEX_NAME, ChunkFolder, RecordingLimits, parse_recording, save_index
from video_export_worker.storage import Storage


async def read_changed(folder: Path, *fields: str) -> StoredPlan:
    """Read a plan as a version stores it whose requests have a field more, in these of the plan's."""
    request = parse_request({"recording": "s3://a/b", "skip_inactivity": {"threshold": 5}})
    artefact = folder / "artefact"
    artefact.mkdir()
    recording = parse_recording([Page().recording_of(100).chunks.read(0).encode()], chunks=ChunkFolder(artefact))
    save_index(recording.index, artefact / INDEX_NAME)
    storage = Storage(f"file://{folder}")
    plan = build_plan(recording.index, request, RecordingLimits())
    place = f"file://{folder}/parts/x"
    plans = PlanStore(storage)
    stored = await plans.publish(artefact, place, request, plan, renderer="x", output="s3://a/c", assets=None)
    written = json.loads(await storage.read(stored.uri) or b"")
    for name in fields:
        written[name]["added_later"] = True
        written[name]["skip_inactivity"]["added_later"] = True
    written["added_later"] = True
    data = json.dumps(written).encode()
    await storage.write(data, stored.uri)
    read = await plans.read(PlanReference(uri=stored.uri, digest=hashlib.sha256(data).hexdigest()))
    assert read.request == request
    return read


async def test_a_plan_whose_request_uses_a_field_of_a_later_version_is_left_to_it(tmp_path: Path) -> None:
    with pytest.raises(RendererDiffers, match="another worker takes it"):
        await read_changed(tmp_path, "request", "asked")


async def test_a_field_of_a_later_version_that_a_request_does_not_use_is_passed_by(tmp_path: Path) -> None:
    await read_changed(tmp_path, "request")


async def test_a_plan_says_what_its_request_asks_for(tmp_path: Path) -> None:
    stored = await read_changed(tmp_path)
    assert stored.asked == {"recording": ["s3://a/b"], "skip_inactivity": {"threshold": 5.0}}


def test_the_public_request_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InvalidRequest, match="added_later"):
        parse_request({"recording": "s3://a/b", "added_later": True})
