"""Reading takes a time in proportion to the recording, whatever is in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.slowness import slowness
from tests.snapshots import Page
from video_export_worker.recording import parse_recording
from video_export_worker.recording.wireframes import MobileScreen

MOST_SECONDS: Final = 7.0  # each took longer where its time grew with the square of its size


def of_page(css: str = "") -> tuple[Page, dict[str, Any]]:
    page = Page()
    box = page.element("div")
    return page.show(page.document([box], css=css)), box


def unknown_nodes() -> Any:
    page, box = of_page()
    adds = [{"parentId": box["id"], "nextId": None, "node": {"type": 9, "id": 100 + at}} for at in range(30_000)]
    return page.add(10, 3, {"source": 0, "adds": adds}).end(20).events


def labels() -> Any:
    page, _ = of_page()
    return [[*page.end(20).events, *(f"label {at}" for at in range(60_000))]]


def endless_rules() -> Any:
    rule = "[" * 1900 + "{animation:" + " infinite" * 200 + " " * 2000
    page, _ = of_page(css=rule * 20)
    return page.end(20).events


def endless_rules_and_nodes() -> Any:
    page = Page()
    rules = "".join(f".a{number}{{animation:x 1s infinite}}" for number in range(20_000))
    page.show(page.document([page.element("i", class_="b") for _ in range(10_000)], css=rules))
    return page.end(20).events


def removals_below_a_chain() -> Any:
    """Each of 6,000 elements holds the next; what turns is in the last of them, and others are removed."""
    page, box = of_page(css=".a{animation:x 1s infinite}")
    last = box
    for at in range(6000):
        inner = page.element("div")
        page.append(at, last, inner)
        last = inner
    page.append(6000, last, *(page.element("i", class_="a") for _ in range(190)))
    for at in range(6000, 6080):
        page.add(at, 3, {"source": 0, "removes": [{"parentId": 1, "id": 10**7 + at}]})
    return page.end(7000).events


def windows_in_each_other() -> Any:
    """Each of 700 windows may be a frame of any that is larger, and all of those hold frames."""
    lines = []
    for number in range(700):
        page = Page(1000 - number, 1000 - number)
        frame = page.element("iframe", src="http://elsewhere.test/")
        page.show(page.document([frame, page.element("p", "x" * 1000)]), at=number).end(9000 - number)
        page.events[0]["data"]["href"] = f"http://page.test/{number}"
        lines += [[f"window {number}", event] for event in page.events]
    return lines


CASES: dict[str, Callable[[], Any]] = {
    "nodes of unknown kinds": unknown_nodes,
    "texts beside events": labels,
    "animations without an end": endless_rules,
    "animations without an end, and nodes": endless_rules_and_nodes,
    "removals below a chain": removals_below_a_chain,
    "windows in each other": windows_in_each_other,
}


@pytest.mark.parametrize("case", CASES)
def test_reading_takes_a_time_in_proportion_to_the_recording(case: str) -> None:
    recording = json.dumps(CASES[case]()).encode()
    began = time.process_time()
    parse_recording([recording])
    taken = time.process_time() - began
    assert taken < MOST_SECONDS * slowness()


def test_wireframes_beside_many_others_are_updated_at_once() -> None:
    box = {"type": "text", "text": "x", "x": 0, "y": 0, "width": 9, "height": 9}
    wireframes = [{"id": at, **box} for at in range(30_000)]
    screen = MobileScreen()
    screen.convert({"type": 2, "data": {"wireframes": wireframes}, "timestamp": 0})
    began = time.process_time()
    for each in wireframes:
        screen.convert({"type": 3, "data": {"source": 0, "updates": [{"wireframe": each}]}, "timestamp": 0})
    taken = time.process_time() - began
    assert taken < MOST_SECONDS * slowness()
