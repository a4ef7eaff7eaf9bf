"""Recordings that ask for too much: each ends in a right video or a typed error, and the next export works."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rendering.hostile.exporting import export
from tests.snapshots import START_MS, Node, Page
from video_export_worker.errors import BrowserHung, Internal, VideoExportError
from video_export_worker.replay import page
from video_export_worker.replay.settings import ChromiumSettings

LIMIT = 120.0  # seconds; most take one or two


def nested(page: Page, depth: int) -> Node:
    node = page.element("p", "deep")
    for _ in range(depth):
        node = page.element("div", node)
    return node


def deeper_than_any_parser(depth: int) -> bytes:
    """A document so deep that nothing which follows it by recursion would come back, written by hand for that."""
    page = Page()
    innermost = page.element("p")
    text = json.dumps(page.show(page.document([innermost])).end(400).events)
    before, after = text.split(json.dumps(innermost))
    begin = '{"type":2,"tagName":"div","attributes":{},"id":9,"childNodes":['
    return (before + begin * depth + json.dumps(innermost) + "]}" * depth + after).encode()


def of_body(*, width: int = 320, height: int = 200, css: str = "") -> Callable[[Callable[[Page], list[Node]]], bytes]:
    def write(build: Callable[[Page], list[Node]]) -> bytes:
        page = Page(width, height)
        page.show(page.document(build(page), css)).end(400)
        return json.dumps(page.events).encode()

    return write


def changed(change: Callable[[Page, Node], object]) -> bytes:
    """A square, and what happens to it."""
    page = Page()
    square = page.element("div", style="width:100px;height:80px;background:green")
    page.show(page.document([square]))
    change(page, square)
    return json.dumps(page.end(400).events).encode()


def moment_of(page: Page, count: int) -> None:
    move = {"source": 1, "positions": [{"x": 1, "y": 1, "id": 1, "timeOffset": 0}]}
    page.events += [{"type": 3, "timestamp": START_MS + 100, "data": move}] * count


def backwards(page: Page, square: Node) -> None:
    for step in range(50):
        page.change(300 - step, square, style=f"margin-left:{step}px")


def odd_times(page: Page, square: Node) -> None:
    for time in (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324):
        page.change(100, square, style="background:blue")
        page.events[-1]["timestamp"] = time


def odd_texts(page: Page, square: Node) -> None:
    page.append(100, square, page.element("p", "\ud800\udbff\x00\uffff"), page.element("p", "\u202e" * 5000))
    page.change(150, square, title="\ud800", style="content:'\udc00'")


def unknown_ids(page: Page, square: Node) -> None:
    ghost = {**square, "id": 10**12}
    page.change(100, ghost, style="x").remove(110, ghost, square).append(120, ghost, page.element("p")).scroll(
        130, ghost, 5
    )
    page.interact(140, 2, ghost).move(150, 1, 1, ghost)
    page.add(160, 3, {"source": 9, "id": 10**12, "type": 0, "commands": []})
    page.add(170, 3, {"source": 99, "id": 1}).add(180, 77, {}).add(
        190, 3, {"source": 8, "id": 10**12, "adds": [{"rule": "x"}]}
    )


ENDLESS = "@keyframes on{to{transform:rotate(1turn)}} i{display:inline-block;animation:on 1ms infinite}"
ATTACKS: dict[str, Callable[[], bytes]] = {
    "a viewport of 100,000 pixels a side": lambda: of_body(width=100_000, height=100_000)(
        lambda page: [page.element("p", "x")]
    ),
    "a viewport of one column": lambda: of_body(width=1, height=100_000)(lambda page: []),
    "a document 200 deep": lambda: of_body()(lambda page: [nested(page, 200)]),
    "a document 390 deep, near the limit": lambda: of_body()(lambda page: [nested(page, 390)]),
    "a document 450 deep, above the limit": lambda: deeper_than_any_parser(450),
    "a document 1,000,000 deep": lambda: deeper_than_any_parser(1_000_000),
    "a document 20,000 wide": lambda: of_body()(lambda page: [page.element("b", "x") for _ in range(20_000)]),
    # More than a call of JavaScript takes arguments.
    "130,000 texts in one element": lambda: of_body()(lambda page: [page.text("") for _ in range(130_000)]),
    "500 endless animations": lambda: of_body(css=ENDLESS)(lambda page: [page.element("i", "x") for _ in range(500)]),
    "canvases of 16,384 pixels": lambda: of_body()(
        lambda page: [page.element("canvas", width="16384", height="16384") for _ in range(4)]
    ),
    "a broken font and one of 1 MB of nothing": lambda: of_body(
        css=f"@font-face{{font-family:a;src:url(data:font/woff2;base64,{'A' * 1_000_000})}} p{{font-family:a}}"
    )(lambda page: [page.element("p", "x")]),
    "10,000 round brackets in a declaration": lambda: of_body(css="p{width:" + "calc(" * 10_000)(lambda page: []),
    "20,000 commas in a list of images, and spaces where an address begins": lambda: of_body(
        css="p{background:url(" + " " * 500_000
    )(lambda page: [page.element("img", srcset="x.png" + "," * 20_000)]),
    "10,000 square brackets": lambda: of_body(css="[" * 10_000)(lambda page: []),
    "100,000 hovers in one rule": lambda: of_body(css=",".join([".a:hover"] * 100_000) + "{color:red}")(
        lambda page: []
    ),
    "130,000 moves in a millisecond": lambda: changed(lambda page, _: moment_of(page, 130_000)),
    "times that go backwards": lambda: changed(backwards),
    "times that are no times": lambda: changed(odd_times),
    "lone surrogates": lambda: changed(odd_texts),
    "ids that nobody has": lambda: changed(unknown_ids),
}


@pytest.mark.timeout(3 * LIMIT)
@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_ends_in_a_video_or_a_typed_error(
    attack: str, chromium: ChromiumSettings, tmp_path: Path
) -> None:
    try:
        async with asyncio.timeout(LIMIT):
            print(attack, await export(ATTACKS[attack](), tmp_path, chromium, fps=10), "frames")
    except Internal as error:
        pytest.fail(f"{attack}: {error}")
    except VideoExportError as error:
        print(attack, error.code, error)


# Blink itself takes minutes for these: a rule is matched with all those around it, and `:is` with all inside of it.
ENDLESS_STYLES = {"10,000 unclosed CSS blocks": "a{" * 10_000, "10,000 nested :is": ":is(" * 10_000}


@pytest.mark.parametrize("name", ENDLESS_STYLES)
async def test_a_page_that_hangs_the_browser_is_given_up_when_the_second_one_hangs(
    name: str, chromium: ChromiumSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "FRAME_TIMEOUT", 2.0)
    attack = of_body(css=ENDLESS_STYLES[name])(lambda page: [page.element("p", "x")])
    with pytest.raises(BrowserHung, match=r"did not answer within 2 s, in two browsers at frame 0$"):
        await export(attack, tmp_path, chromium, fps=10)


async def test_the_next_export_works(chromium: ChromiumSettings, tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"fps": 10}
    assert await export(changed(lambda page, square: None), tmp_path, chromium, **wanted) == 5
