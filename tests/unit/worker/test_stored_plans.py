"""Plans that another version has stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.snapshots import Page
from video_export_worker.activities.plans import PlanStore
from video_export_worker.contract import PlanReference, StoredPlan, parse_request
from video_export_worker.errors import RendererDiffers
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import RecordingLimits
from video_export_worker.storage import Storage


async def test_a_plan_with_a_field_of_a_later_request_is_left_to_its_version(tmp_path: Path) -> None:
    request = parse_request({"recording": "s3://a/b"})
    plan = build_plan(Page().recording_of(100).index, request, RecordingLimits())
    stored = StoredPlan(renderer="x", request=request, plan=plan, index="x", chunks=["x"], output="s3://a/c")
    fields = stored.model_dump(mode="json")
    fields["request"]["added_later"] = fields["added_later"] = True
    data = json.dumps(fields).encode()
    storage = Storage(f"file://{tmp_path}")
    uri = f"file://{tmp_path}/plan.json"
    await storage.write(data, uri)
    with pytest.raises(RendererDiffers, match="another worker takes it"):
        await PlanStore(storage).read(PlanReference(uri=uri, digest=hashlib.sha256(data).hexdigest()))
