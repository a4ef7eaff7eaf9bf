"""Names in the storage: a retry finds the parts of the same thing, and only those."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.activities import naming
from video_export_worker.contract import PlanReference, Segment
from video_export_worker.storage.uris import parse_location

PLAN = PlanReference(uri=naming.plan_uri("s3://b/parts/default/x", "abc" * 20), digest="abc" * 20)


def test_parts_are_named_by_their_plan_and_their_frames() -> None:
    folder = "s3://b/parts/default/x/" + ("abc" * 20)[:32]
    assert PLAN.uri == f"{folder}/plan.json"
    assert naming.segment_prefix(PLAN, Segment(first=50, count=7)) == f"{folder}/0000050-7"
    assert naming.recording_prefix(PLAN) == "s3://b/parts/default/x/recording"


@given(st.text(min_size=1, max_size=1000))
def test_any_workflow_id_is_one_key_segment(export_id: str) -> None:
    export_id = export_id.encode("utf-8", "replace").decode()
    name = naming.quote_name(export_id)
    assert 0 < len(name) <= naming.LONGEST_NAME
    uri = naming.parts_prefix("s3://b", "default", export_id)
    assert parse_location(uri, root=None).key == f"parts/default/{name}"


@given(*[st.text(min_size=1, max_size=300)] * 4)
def test_two_exports_never_share_a_place(namespace: str, one: str, other_namespace: str, other: str) -> None:
    texts = (namespace, one, other_namespace, other)
    namespace, one, other_namespace, other = (text.encode("utf-8", "replace").decode() for text in texts)
    places = naming.parts_prefix("s3://b", namespace, one), naming.parts_prefix("s3://b", other_namespace, other)
    assert (places[0] == places[1]) == ((namespace, one) == (other_namespace, other))
    assert not places[0].startswith(f"{places[1]}/")


def test_no_id_is_what_another_one_is_shortened_to() -> None:
    shortened = naming.quote_name("a" * (naming.LONGEST_NAME + 1))
    assert len(shortened) <= naming.LONGEST_NAME
    assert naming.quote_name(shortened) != shortened


def test_a_plain_id_stays_readable() -> None:
    assert naming.parts_prefix("s3://b/x", "default", "export-42") == "s3://b/x/parts/default/export-42"
    assert naming.output_prefix("s3://b/x", "default", "a/b") == "s3://b/x/exports/default/a%2Fb"
