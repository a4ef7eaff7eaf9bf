"""Where a replay begins, and what the page of a snapshot has kept from the time before."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.snapshots import Node, Page
from video_export_worker.recording.beginnings import Beginning, choose_beginning

PADDING = "x" * 70_000  # a chunk begins at a snapshot only if the one before has some size


def shown(page: Page, box: Node, at: int) -> Page:
    page.show(page.document([box]), at)
    return page.add(at + 900, 5, {"tag": "enough for a chunk", "payload": PADDING})


def begin(page: Page, at_ms: float, end: int = 10_000) -> Beginning:
    return choose_beginning(page.end(end).recording().index, at_ms)


def three_pages(*between: tuple[int, int, dict[str, Any]]) -> Page:
    """Snapshots at 0, 3 and 6 s, and events in between."""
    page = Page(800, 600)
    box = page.element("p", "x")
    events = sorted([*between], key=lambda event: event[0])
    for number, at in enumerate((0, 3000, 6000)):
        shown(page, box, at)
        for event in events:
            if at + 1000 <= event[0] < at + 3000 or (number == 2 and event[0] >= at + 1000):
                page.add(*event)
    return page


def test_it_begins_at_the_last_snapshot_before() -> None:
    times = [begin(three_pages(), at_ms).at_ms for at_ms in (0, 2999, 3000, 5999, 6000, 9000)]
    assert times == [0, 0, 3000, 3000, 6000, 6000]


def test_a_snapshot_without_a_load_continues_the_page() -> None:
    beginning = begin(three_pages(), 7000)
    assert (beginning.at_ms, beginning.page_ms) == (6000, 0)
    assert [context.continues for context in beginning.contexts] == [True]


def test_a_load_begins_a_page_and_the_load_after_its_content_no_other() -> None:
    loaded = three_pages((2900, 0, {}), (4500, 1, {}))
    beginning = begin(loaded, 1000)
    assert [context.continues for context in beginning.contexts] == [False, False, True]
    assert begin(loaded, 7000).page_ms == 3000
    alone = three_pages((2900, 1, {}))
    assert [context.continues for context in begin(alone, 0).contexts] == [False, False, True]


def test_pointer_focus_and_size_are_those_of_the_page() -> None:
    page = three_pages(
        (1500, 3, {"source": 1, "positions": [{"x": 7, "y": 9, "id": 5, "timeOffset": 0}]}),
        (1600, 3, {"source": 2, "type": 5, "id": 5, "x": 0, "y": 0}),
        (4500, 3, {"source": 4, "width": 640, "height": 480}),
    )
    beginning = begin(page, 7000)
    assert beginning.contexts[0].pointer == (7, 9, 5)
    assert beginning.contexts[0].focus == 5
    assert begin(page, 3500).viewport == (800, 600)


def test_what_was_before_another_page_was_loaded_is_forgotten() -> None:
    page = three_pages(
        (1500, 3, {"source": 1, "positions": [{"x": 7, "y": 9, "id": 5, "timeOffset": 0}]}),
        (1600, 3, {"source": 2, "type": 5, "id": 5, "x": 0, "y": 0}),
        (2900, 0, {}),
    )
    later = begin(page, 7000).contexts[0]
    assert (later.continues, later.pointer, later.focus) == (True, None, None)


def test_a_focus_that_was_lost_is_none() -> None:
    page = three_pages(
        (1500, 3, {"source": 2, "type": 5, "id": 5, "x": 0, "y": 0}),
        (1600, 3, {"source": 2, "type": 6, "id": 5, "x": 0, "y": 0}),
    )
    assert begin(page, 7000).contexts[0].focus is None


def test_fonts_that_the_page_has_added_are_looked_for_in_their_chunks() -> None:
    font = {"source": 10, "family": "f", "fontSource": "[]", "buffer": True, "descriptors": {}}
    added = three_pages((1500, 3, font))
    assert begin(added, 7000).font_chunks == (0,)
    assert begin(added, 1000).font_chunks == ()
    assert begin(three_pages((1500, 3, font), (2900, 0, {})), 7000).font_chunks == ()


def counted(node: Node) -> Node:
    """A tree whose nodes are counted from 1, as a recorder that begins counts them."""
    numbers = itertools.count(1)

    def count(each: Node) -> Node:
        number = next(numbers)
        return {**each, "id": number, "childNodes": [count(child) for child in each.get("childNodes", [])]}

    return count(node)


def two_pages(second: Node, address: str, *between: tuple[int, dict[str, Any]]) -> Page:
    """A page with three nodes in its body, and another snapshot after 3 s."""
    page = Page(800, 600)
    body = [page.element("p"), page.element("p"), page.element("i")]
    page.show(counted(page.document(body))).add(900, 5, {"tag": "enough for a chunk", "payload": PADDING})
    for kind, data in between:
        page.add(1000, kind, data)
    page.show(second, 3000)
    page.events[-2]["data"]["href"] = address
    return page


def continues(page: Page) -> list[bool]:
    return [context.continues for context in begin(page, 0).contexts]


PAGE = Page()
OTHER = counted(PAGE.document([PAGE.element("h1", "another page")]))
# What a recorder that goes on says of a page in which the second of three elements was replaced.
USED = counted(PAGE.document([PAGE.element("p"), PAGE.element("p"), PAGE.element("i")]))
USED["childNodes"][1]["childNodes"][1]["childNodes"][1]["id"] = 99


def test_where_no_load_is_noted_another_address_and_another_count_begin_a_page() -> None:
    assert continues(two_pages(OTHER, "http://page.test/other")) == [False, False]


def test_a_page_that_changes_its_own_address_continues() -> None:
    assert continues(two_pages(USED, "http://page.test/other")) == [False, True], "its nodes have the numbers they had"


@pytest.mark.parametrize("address", ["http://page.test/", "http://page.test/#part", ""])
def test_a_snapshot_of_the_same_address_continues_the_page(address: str) -> None:
    assert continues(two_pages(OTHER, address)) == [False, True]


def test_where_loads_are_noted_they_alone_tell() -> None:
    assert continues(two_pages(OTHER, "http://page.test/other", (1, {}))) == [False, False]
    early = two_pages(OTHER, "http://page.test/other")
    early.events.insert(2, {"type": 1, "data": {}, "timestamp": early.events[0]["timestamp"] + 5})
    early.events.insert(3, {**early.events[1], "timestamp": early.events[0]["timestamp"] + 6})
    assert continues(early)[-1], "a load was noted, and none before this snapshot"


def a_selection(*ranges: tuple[int, int, int, int]) -> dict[str, Any]:
    names = ("start", "startOffset", "end", "endOffset")
    return {"source": 14, "ranges": [dict(zip(names, each, strict=True)) for each in ranges]}


def test_a_selection_is_kept_while_its_page_is() -> None:
    chosen = (1500, 3, a_selection((1, 0, 2, 4)))
    assert begin(three_pages(chosen), 3500).contexts[0].selection == ((1, 0, 2, 4),)
    assert begin(three_pages(chosen), 7000).contexts[0].selection == ((1, 0, 2, 4),), "over two checkouts"
    assert begin(three_pages(chosen, (1600, 3, a_selection())), 7000).contexts[0].selection == ()
    two = (4500, 3, a_selection((1, 2, 3, 4), (5, 6, 7, 8)))
    assert begin(three_pages(chosen, two), 7000).contexts[0].selection == ((1, 2, 3, 4), (5, 6, 7, 8))
    assert begin(three_pages(chosen, two), 3500).contexts[0].selection == ((1, 0, 2, 4),)
    assert begin(three_pages(chosen, (2900, 0, {})), 7000).contexts[0].selection == (), "another page was loaded"
