"""What a user does to a page: selections, hovering, focus, dialogs, fingers."""

from __future__ import annotations

from tests.integration.rendering.fidelity.gallery import feature
from tests.snapshots import Page


@feature(0, 120, 240, 360)
def selections(page: Page) -> None:
    first, second = page.text("The quick brown fox "), page.text("jumps over the lazy dog.")
    css = "body{font-size:26px} b::selection{background:black;color:yellow}"
    page.show(page.document([page.element("p", first, page.element("b", second))], css))

    def select(at: int, start: int, end: int) -> None:
        chosen = {"start": first["id"], "startOffset": start, "end": second["id"], "endOffset": end}
        page.add(at, 3, {"source": 14, "ranges": [chosen]})

    select(80, 4, 0)
    select(200, 4, 14)
    page.add(320, 3, {"source": 14, "ranges": []})


@feature(0, 120, 240, 360, 480)
def hover_and_focus(page: Page) -> None:
    button = page.element("button", "button")
    link = page.element("a", "link", href="#")
    field = page.element("input", value="field")
    css = """
      button:hover,a:hover{background:gold} li:hover>ul{display:block} ul ul{display:none}
      input:focus{border:4px solid red;background:mistyrose} form:focus-within{outline:4px dotted blue}
    """
    deep = page.element("li", "submenu")
    menu = page.element("ul", page.element("li", "menu", page.element("ul", deep)))
    page.show(page.document([page.element("form", button, link, field), menu], css))
    page.move(80, 20, 10, button).move(200, 20, 150, deep)
    page.interact(300, 5, field).move(320, 80, 10, link).interact(440, 6, field)


@feature(0, 120, 240, 360, 480)
def dialogs(page: Page) -> None:
    modal = page.element("dialog", "a modal one", page.element("input"))
    plain = page.element("dialog", "a plain one", open="", rr_open_mode="non-modal", style="margin:5px")
    css = "dialog::backdrop{background:#0058} body{background:#efe}"
    page.show(page.document([page.element("p", "below " * 40), plain, modal], css))
    page.change(80, modal, open="", rr_open_mode="modal").change(200, plain, open=None)
    page.change(320, modal, open=None)
    late = page.element("dialog", "added as a modal one", open="", rr_open_mode="modal")
    page.append(440, page.events[1]["data"]["node"]["childNodes"][1]["childNodes"][1], late)


@feature(0, 160)
def popovers(page: Page) -> None:
    """rrweb records no popover as open: it stays closed, unless the page shows it by its own styles."""
    closed = page.element("div", "closed", popover="")
    forced = page.element("div", "shown by a style", popover="manual", style="display:block;margin:20px")
    page.show(page.document([page.element("p", "page"), closed, forced])).change(120, closed, class_="x")


@feature(0, 120, 200, 320, 480)
def fingers(page: Page) -> None:
    box = page.element("div", style="width:100px;height:80px;background:powderblue")
    page.show(page.document([box]))
    page.interact(80, 7, box, 40, 40)
    places = [
        {"x": 40 + 10 * step, "y": 40 + 5 * step, "id": box["id"], "timeOffset": -60 + 20 * step} for step in range(4)
    ]
    page.add(190, 3, {"source": 6, "positions": places}).interact(300, 9, box, 70, 55)
    page.interact(320, 1, box, 70, 55).interact(340, 2, box, 70, 55)  # the browser pretends to be a mouse


@feature(0, 120, 200, 320, 480)
def a_pointer(page: Page) -> None:
    inner_text = page.element("p", "inner")
    frame = page.element("iframe", style="position:absolute;left:150px;top:40px;width:120px;height:100px")
    box = page.element("div", style="width:100px;height:80px;background:powderblue")
    page.show(page.document([box, frame]))
    page.attach(20, frame, page.document([inner_text]))
    places = [
        {"x": 10 + 20 * step, "y": 20 + 10 * step, "id": box["id"], "timeOffset": -90 + 30 * step} for step in range(4)
    ]
    page.add(110, 3, {"source": 1, "positions": places}).interact(180, 1, box, 70, 50).interact(200, 2, box, 70, 50)
    page.move(400, 30, 30, inner_text)
