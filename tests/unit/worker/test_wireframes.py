"""Wireframes of mobile apps become nodes of a page, and their changes become mutations of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.worker.recording_files import as_array, as_field, as_lines, incremental, meta, mutation, snapshot
from video_export_worker.recording import Event, parse_recording
from video_export_worker.recording.wireframes import BODY, KEYBOARD, Siblings

START = meta()["timestamp"]
PICTURE = "iVBORw0KGgo="


def screen(at: float, *wireframes: Any) -> Event:
    return {"type": 2, "timestamp": START + at, "data": {"wireframes": list(wireframes), "initialOffset": {}}}


def wireframe(number: int, kind: str = "rectangle", **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "x": 10, "y": 20.5, "width": 30, "height": "40px", **more}


def convert(*events: Event) -> list[Event]:
    return parse_recording(
        [as_lines([["phone", event] for event in (meta(), *events, mutation(9000))])], strict=True
    ).events


def body_of(event: Event) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = event["data"]["node"]["childNodes"][1]["childNodes"][1]["childNodes"]
    return nodes


def texts_in(node: dict[str, Any]) -> str:
    return str(node.get("textContent", "")) + "".join(map(texts_in, node.get("childNodes", [])))


def test_a_wireframe_stands_where_the_screen_has_it_and_keeps_its_id() -> None:
    style = {"backgroundColor": "#f00", "borderWidth": 2, "borderColor": "#00f", "horizontalAlign": "center"}
    inner = wireframe(8, "text", text="Hi", style={"fontSize": "16px", "color": "url(javascript:1)"})
    [node] = body_of(convert(screen(1, wireframe(7, style=style, childWireframes=[inner])))[1])
    assert (node["id"], node["tagName"]) == (7, "div")
    assert node["attributes"]["style"] == (
        "position:fixed;box-sizing:border-box;left:10px;top:20.5px;width:30px;height:40px;"
        "background-color:#f00;border:2px solid #00f;display:flex;justify-content:center;text-align:center;"
    )
    [text] = node["childNodes"]
    assert (text["id"], texts_in(text)) == (8, "Hi")
    assert "font-size:16px" in text["attributes"]["style"]
    assert "javascript" not in json.dumps(text), "a colour that is none is left out"


KINDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a picture": (wireframe(1, "image", base64=PICTURE), "img", f'"src": "data:image/png;base64,{PICTURE}"'),
    "a screenshot in JPEG": (wireframe(1, "screenshot", base64="/9j/4AAQ"), "img", "data:image/jpeg;base64,/9j/4AAQ"),
    "a picture that was masked": (wireframe(1, "image"), "div", "image"),
    "a field": (wireframe(1, "input", inputType="email", value="a@b.c"), "input", '"value": "a@b.c"'),
    "a field that is off": (wireframe(1, "input", inputType="text", disabled=True), "input", '"disabled": true'),
    "an area": (wireframe(1, "input", inputType="text_area", value="long"), "textarea", "long"),
    "a button": (wireframe(1, "input", inputType="button", value="Pay"), "button", "Pay"),
    "a list": (wireframe(1, "input", inputType="select", value="b", options=["a", "b"]), "select", '"selected": true'),
    "a switch": (wireframe(1, "input", inputType="toggle", checked=True, label="On"), "div", '"checked": true'),
    "a rating": (
        wireframe(1, "input", inputType="progress", value=2, max=3, style={"bar": "rating"}),
        "div",
        "\u2605\u2605\u2606",
    ),
    "a bar": (wireframe(1, "input", inputType="progress", value=0.5), "progress", '"value": 0.5'),
    "a web view": (wireframe(1, "web_view", url="https://a.test"), "div", "https://a.test"),
    "what is not known yet": (wireframe(1, "hologram"), "div", "hologram"),
    "no kind": ({"id": 1}, "div", "width:100vw"),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_a_node_that_looks_like_it(name: str) -> None:
    given, tag, part = KINDS[name]
    [node] = body_of(convert(screen(1, given))[1])
    assert node["tagName"] == tag
    assert part in json.dumps(node, ensure_ascii=False)


def test_changes_are_mutations_and_an_update_keeps_its_place() -> None:
    events = convert(
        screen(1, wireframe(1, childWireframes=[wireframe(2), wireframe(3)]), wireframe(4)),
        incremental(100, 0, updates=[{"parentId": 1, "wireframe": wireframe(2, "text", text="new")}]),
        incremental(200, 0, adds=[{"parentId": 1, "wireframe": wireframe(5, childWireframes=[wireframe(6)])}]),
        incremental(300, 0, removes=[{"parentId": 99, "id": 3}]),
        incremental(400, 0, adds=[{"wireframe": wireframe(7)}]),
    )
    update, add, remove, at_the_root = (event["data"] for event in events[2:6])
    assert update["removes"] == [{"parentId": 1, "id": 2}]
    assert [(each["parentId"], each["nextId"], each["node"]["id"]) for each in update["adds"]][:1] == [(1, 3, 2)]
    assert [(each["parentId"], each["node"]["id"]) for each in add["adds"]] == [(1, 5), (5, 6)]
    assert remove["removes"] == [{"parentId": 1, "id": 3}], "a wireframe is removed from where it is"
    assert [(each["parentId"], each["node"]["id"]) for each in at_the_root["adds"]] == [(BODY, 7)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.none() | st.integers(0, 6)), max_size=30))
def test_siblings_are_kept_in_order(steps: list[tuple[bool, int, int | None]]) -> None:
    siblings, expected = Siblings(), list[int]()
    for inserts, node, following in steps:
        if node in expected:
            expected.remove(node)
        if inserts:
            siblings.insert(node, following)
            expected.insert(expected.index(following) if following in expected else len(expected), node)
        else:
            siblings.remove(node)
        assert list(siblings) == expected
        assert [siblings.after(each) for each in expected] == [*expected[1:], None][: len(expected)]


def test_a_keyboard_opens_and_closes() -> None:
    events = convert(
        screen(1, wireframe(1)),
        {"type": 5, "timestamp": START + 100, "data": {"tag": "keyboard", "payload": {"open": True, "height": 200}}},
        {"type": 5, "timestamp": START + 200, "data": {"tag": "keyboard", "payload": {"open": False}}},
    )
    opened, closed = (event["data"] for event in events[2:4])
    assert "bottom:0;width:100vw;height:200px;" in opened["adds"][0]["node"]["attributes"]["style"]
    assert closed["removes"] == [{"parentId": BODY, "id": KEYBOARD}]


def test_touches_and_pages_of_the_web_pass_as_they_are() -> None:
    touch = incremental(50, 2, type=7, id=1, x=5, y=6)
    change = mutation(200, attributes=[{"id": 3, "attributes": {"class": "a"}}])
    page = snapshot(100)
    assert convert(screen(1, wireframe(1)), touch, page, change)[2:5] == [touch, page, change]


def test_screens_go_on_in_the_next_part_and_may_be_compressed() -> None:
    first = screen(1, wireframe(1, childWireframes=[wireframe(2)]))
    packed = {**first, "cv": "2024-10", "data": as_field(first["data"])}
    update = incremental(100, 0, updates=[{"parentId": 1, "wireframe": wireframe(2)}])
    parts = [as_lines([["phone", meta()], ["phone", packed]]), as_lines([["phone", update]])]
    assert parse_recording(parts, strict=True).events[2]["data"]["removes"] == [{"parentId": 1, "id": 2}]


NO_TEXTS: list[Any] = [[], {}]
BROKEN = [
    *(None, 7, "x", {}, {"id": "a"}, {"id": 1, "style": [], "childWireframes": {"a": 1}}),
    *({"id": 1, "style": {name: value}} for name in ("verticalAlign", "horizontalAlign") for value in NO_TEXTS),
    *({"id": 1, "type": "input", "inputType": value} for value in NO_TEXTS),
    {"id": 1, "type": "input", "inputType": "select", "options": [{}, []], "value": {}},
    {"id": 1, "type": {}, "label": []},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_wireframes_with_holes_are_left_out(broken: Any) -> None:
    recording = parse_recording([as_array([meta(), screen(1, broken, wireframe(9)), mutation(9000)])])
    assert body_of(recording.events[1])[-1]["id"] == 9
