"""Requests: what is accepted, what is refused and how it is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.contract import (
    Asset,
    AssetTable,
    Segment,
    SegmentResult,
    VideoExportRequest,
    VideoFormat,
    list_between,
    parse_request,
)
from video_export_worker.errors import InvalidRequest
from video_export_worker.planning.size import choose_size


def test_the_smallest_request() -> None:
    request = parse_request({"recording": "s3://recordings/a.json"})
    assert request.recording == ["s3://recordings/a.json"]
    assert request.format == [VideoFormat.MP4]
    assert (request.fps, request.speed, request.start, request.end) == (25, 1, 0, None)


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_request({"recording": "a.json", "fps": 100, "format": ["gif", "avi"], "start": 9, "end": 3, "colour": 1})
    message = str(refused.value)
    for problem in (
        "fps: must be at most 60 (given: 100)",
        "format.1: must be 'mp4', 'webm' or 'gif'",
        "colour: there is no such field",
        "end (3 s) must be after start (9 s)",
        "'a.json' must be a URI",
        "fps 100 is too high for a GIF",
    ):
        assert problem in message, f"not reported: {problem}\n{message}"


@pytest.mark.parametrize("raw", [None, 3, "s3://a/b", ["s3://a/b"]])
def test_what_is_no_object_is_refused(raw: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        parse_request(raw)


def test_too_many_device_pixels_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="5760x3240 pixels: at most 3840x2160"):
        parse_request({"recording": "s3://a/b", "width": 1920, "height": 1080, "device_scale_factor": 3})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*VideoExportRequest.model_fields, "unknown"]), json_values, max_size=6)
    | json_values
)
def test_any_json_is_either_a_request_or_refused_by_name(raw: Any) -> None:
    try:
        request = parse_request(raw)
    except InvalidRequest:
        return
    assert parse_request(request.model_dump(mode="json")) == request


@pytest.mark.parametrize(
    ("fields", "viewport", "size"),
    [
        ({}, (1166, 705), (1166, 704)),
        ({}, (2560, 1440), (1280, 720)),
        ({}, (400, 900), (320, 720)),
        ({}, (1366, 657), (1280, 616)),
        ({}, (1920, 937), (1280, 624)),
        ({}, (390, 844), (332, 720)),
        ({}, (641, 401), (640, 400)),
        ({"width": 640}, (1280, 800), (640, 400)),
        ({"height": 1080}, (1280, 720), (1920, 1080)),
        ({"width": 500, "height": 500}, (1280, 720), (500, 500)),
        ({"device_scale_factor": 2}, (801, 601), (1602, 1202)),
    ],
)
def test_the_size_follows_the_recording(fields: Any, viewport: tuple[int, int], size: tuple[int, int]) -> None:
    assert choose_size(parse_request({"recording": "s3://a/b", **fields}), viewport) == size


@pytest.mark.parametrize(
    ("fields", "viewport"),
    [
        ({"width": 1280}, (1, 100_000)),
        ({"width": 1280}, (10, 4000)),
        ({"height": 720}, (100_000, 1)),
        ({"width": 3840}, (1000, 900)),
        ({"width": 1920, "device_scale_factor": 2}, (1000, 1000)),
    ],
)
def test_no_size_is_beyond_what_a_video_may_have(fields: Any, viewport: tuple[int, int]) -> None:
    page = f"the page is {viewport[0]}x{viewport[1]} pixels"
    with pytest.raises(InvalidRequest, match=rf"{page}.*at most 3840 a side and 8,294,400 pixels; give a smaller"):
        choose_size(parse_request({"recording": "s3://a/b", **fields}), viewport)


@given(
    viewport=st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)),
    width=st.none() | st.integers(16, 3840),
    height=st.none() | st.integers(16, 2160),
    ratio=st.sampled_from([0.5, 1, 1.5, 3]),
)
def test_a_size_is_even_and_bounded_or_refused(
    viewport: tuple[int, int], width: int | None, height: int | None, ratio: float
) -> None:
    fields = {"recording": "s3://a/b", "width": width, "height": height, "device_scale_factor": ratio}
    try:
        size = choose_size(parse_request(fields), viewport)
    except InvalidRequest:
        return
    assert all(side % 2 == 0 and 2 <= side <= 3840 for side in size)
    assert size[0] * size[1] <= 3840 * 2160


def _segments(*bounds: tuple[int, int]) -> list[Segment]:
    return [Segment(first=first, count=stop - first) for first, stop in bounds]


@pytest.mark.parametrize(
    ("cut_out", "left"),
    [
        ([], [(10, 50)]),
        ([(10, 50)], []),
        ([(20, 30)], [(10, 20), (30, 50)]),
        ([(20, 30), (30, 35), (40, 50)], [(10, 20), (35, 40)]),
    ],
)
def test_what_is_left_of_a_segment(cut_out: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    (whole,) = _segments((10, 50))
    assert list_between(whole, _segments(*cut_out)) == _segments(*left)


def test_a_result_without_a_rest_has_rendered_its_first_frames() -> None:
    (segment,) = _segments((10, 50))
    assert SegmentResult(count=40, captured=1, repeated=1).list_rest(segment) == []
    assert SegmentResult(count=15, captured=1, repeated=1).list_rest(segment) == _segments((25, 50))


def test_a_table_of_assets_is_narrowed_to_what_some_chunks_can_show() -> None:
    asset = Asset(sha256="a" * 64, type="image/png", size=1)
    table = AssetTable(files={"http://a/1": asset, "http://a/2": asset, "http://a/3": asset}, chunks=[[0], [0, 2]])
    assert list(table.of_chunks([1]).files) == ["http://a/1", "http://a/3"]
    assert list(table.of_chunks([0, 7]).files) == ["http://a/1"], "a chunk behind the last that was looked through"
    unknown = AssetTable(files=table.files)
    assert unknown.of_chunks([0]) == unknown
