"""What rrweb records by half, or builds wrong: unrecorded parts, formulas, early positions, inlined pictures."""

from __future__ import annotations

from typing import Any

from tests.integration.rendering.fidelity.gallery import feature, svg_picture
from tests.snapshots import Node, Page

AWAY = "https://elsewhere.test/"


@feature(0, 120, 240)
def parts_that_were_not_recorded(page: Page) -> None:
    """Boxes with labels; none over content, none for what is filled later, none for an element that holds something."""

    def blocked(tag: str, *children: Node, **more: Any) -> Node:
        return page.element(tag, *children, rr_width="100px", rr_height="40px", **more)

    def inline(tag: str, **more: Any) -> Node:
        return page.element(tag, rr_width="60px", rr_height="16px", **more)

    cards = inline("span"), inline("x-card"), inline("b", class_="hidden")
    filled, late = page.element("iframe"), page.element("iframe")
    above = page.element("iframe", src=AWAY, style="position:absolute;left:4px;top:4px;width:150px;height:20px")
    opaque = page.element(
        "div", page.element("iframe", src=AWAY), style="position:absolute;right:2px;top:2px;background:#fed"
    )
    parts = [
        page.element("p", "text below a frame"),
        above,
        opaque,
        blocked("div", class_="some-block"),
        blocked("img"),
        blocked("div", page.element("b", "held")),
        page.element("div", "in a line ", *cards, style="position:absolute;left:110px;top:100px"),
        page.element("video", src=AWAY),
        page.element("object", data=AWAY),
        page.element("iframe", src=AWAY, style="width:8px;height:40px"),
        filled,
        late,
    ]
    css = (
        ".hidden{display:none} p{margin:6px} iframe,video,object{width:100px;height:40px;border:0}"
        " body>*{display:inline-block;margin:2px}"
    )
    document = page.document(parts, css)
    page.show(document)
    page.attach(0, filled, page.document([page.element("i", "filled")]))
    page.attach(100, late, page.document([page.element("i", "filled late")]))
    page.change(200, above, style="position:absolute;left:4px;top:150px;width:150px;height:30px")


@feature(0)
def formulas(page: Page) -> None:
    def make(tag: str, *children: Node | str) -> Node:
        return page.element(tag, *children)

    root = make("mroot", make("mn", "2"), make("mn", "3"))
    power = make("msup", make("mi", "x"), make("mn", "2"))
    table = make("mtable", make("mtr", make("mtd", make("mn", "1")), make("mtd", power)))
    page.show(
        page.document(
            [make("math", make("mfrac", make("mi", "a"), root), make("mo", "="), table)], "math{font-size:40px}"
        )
    )


@feature(0, 120, 200, 280)
def positions_that_snap_or_come_early(page: Page) -> None:
    """Recorded positions hold, between the places that a page would snap to, and where the content comes later."""
    slides = [
        page.element("div", style=f"flex:0 0 150px;background:{name};scroll-snap-align:start")
        for name in ("navy", "teal")
    ]
    row = page.element(
        "div", *slides, style="display:flex;height:80px;width:150px;overflow:scroll;scroll-snap-type:x mandatory"
    )
    early = page.element("div", style="height:80px;width:150px;overflow:auto")
    page.show(page.document([row, early])).scroll(80, row, 0, 40).scroll(80, early, 300)
    page.append(160, early, page.element("div", style="height:300px;background:silver"))
    page.append(240, early, page.element("div", style="height:200px;background:green")).scroll(240, row, 0, 90)


@feature(0)
def inlined_pictures(page: Page) -> None:
    """What the recorder has inlined is shown, whatever else an image could choose from."""
    square = svg_picture("<rect width='60' height='60' fill='crimson'/>")
    image = page.element(
        "img", style="width:60px;border:4px solid green", src=AWAY, srcset=f"{AWAY} 1x, {AWAY} 2x", rr_dataURL=square
    )
    source = page.element("source", srcset=AWAY)
    inner = page.element("img", src=AWAY, rr_dataURL=square)
    page.show(page.document([image, page.element("picture", source, inner)]))
