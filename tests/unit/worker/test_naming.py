"""Names in the storage: a retry finds the parts of the same thing, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.activities import naming
from video_export_worker.contract import (
    ExportPlan,
    PlannedExport,
    Segment,
    SegmentInput,
    TimeSpan,
    VideoExportRequest,
)
from video_export_worker.storage.uris import parse_location

PLAN = ExportPlan(
    width=640,
    height=480,
    fps=25,
    frames=50,
    time_map=[TimeSpan(video=0, recording=0, speed=1)],
    end=2,
    shows_end=True,
    segments=[Segment(index=0, first=0, count=50)],
)


def _input(recording: str = "s3://b/parts/x/recording-abc", plan: ExportPlan = PLAN, **fields: Any) -> SegmentInput:
    request = VideoExportRequest.model_validate({"recording": "s3://b/r.json", **fields})
    planned = PlannedExport(plan=plan, recording_uri=recording, parts_prefix="s3://b/parts/x", output_prefix="s3://b/o")
    return SegmentInput(request=request, planned=planned, segment=plan.segments[0])


def test_the_same_segment_has_the_same_name_wherever_it_goes() -> None:
    one, other = _input(), _input(recording="s3://b/elsewhere/recording-abc", output="s3://b/mine", priority=1)
    assert naming.segment_prefix(one, 1) == naming.segment_prefix(other, 1)
    assert naming.segment_prefix(one, 1).startswith("s3://b/parts/x/00000-")


@pytest.mark.parametrize(
    "other",
    [
        _input(quality="high"),
        _input(format="gif"),
        _input(mouse={"cursor": False}),
        _input(mask_selectors=[".secret"]),
        _input(background="#000000"),
        _input(recording="s3://b/parts/x/recording-def"),
        _input(plan=PLAN.model_copy(update={"end": 3.0})),
        _input(plan=PLAN.model_copy(update={"segments": [Segment(index=0, first=1, count=49)]})),
    ],
)
def test_what_changes_the_pixels_changes_the_name(other: SegmentInput) -> None:
    assert naming.segment_prefix(_input(), 1) != naming.segment_prefix(other, 1)


def test_another_renderer_reuses_nothing() -> None:
    assert naming.segment_prefix(_input(), 1) != naming.segment_prefix(_input(), 2)


@given(st.text(min_size=1, max_size=1000))
def test_any_workflow_id_is_one_key_segment(export_id: str) -> None:
    export_id = export_id.encode("utf-8", "replace").decode()
    name = naming.name_export(export_id)
    assert 0 < len(name) <= naming.LONGEST_NAME
    uri = naming.parts_prefix("s3://b", export_id)
    assert parse_location(uri, root=None).key == f"parts/{name}"


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_two_exports_never_share_a_place(one: str, other: str) -> None:
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    assert (naming.name_export(one) == naming.name_export(other)) == (one == other)


def test_a_plain_id_stays_readable() -> None:
    assert naming.parts_prefix("s3://b/x", "export-42") == "s3://b/x/parts/export-42"
    assert naming.output_prefix("s3://b/x", "a/b", None) == "s3://b/x/exports/a%2Fb"
    assert naming.output_prefix("s3://b/x", "a", "gs://mine/here/") == "gs://mine/here"
