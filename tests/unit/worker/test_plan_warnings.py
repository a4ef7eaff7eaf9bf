"""What a plan warns of."""

from __future__ import annotations

from tests.snapshots import Page
from video_export_worker.contract import ExportPlan, parse_request
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import RecordingLimits


def test_a_range_that_is_cut_out_as_a_whole_is_told() -> None:
    """One frame is left of it, which looks like a failure."""
    recording = Page().recording_of(60_000)
    idle = {"recording": "s3://a/b", "start": 10, "end": 20}

    def plan(**more: object) -> ExportPlan:
        return build_plan(recording.index, parse_request({**idle, **more}), RecordingLimits())

    (warning,) = plan(skip_inactivity={"threshold": 5}).warnings
    assert warning.startswith("the user does nothing in these 10.0 s, so skip_inactivity has cut all of them")
    assert plan(skip_inactivity={"threshold": 5, "mode": "speed"}).warnings == plan().warnings == []
    assert plan(skip_inactivity={"threshold": 5}, start=0).warnings == []
