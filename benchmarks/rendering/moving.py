"""Short recordings of one kind of moving content each, and of content that only looks like it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.snapshots import Node, Page

MEDIA: Final = Path("tests/integration/rendering/fidelity/media")
LENGTH_MS: Final = 6000
TURN: Final = "@keyframes turn{to{rotate:1turn}}"


def _page() -> Page:
    return Page(1280, 720)


def _box(page: Page, **attributes: str) -> Node:
    return page.element("div", "content", style="width:90px;height:90px;background:teal", **attributes)


def _show(page: Page, css: str, *nodes: Node) -> Page:
    return page.show(page.document(list(nodes), css))


def _url(name: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode((MEDIA / name).read_bytes()).decode()}"


def still() -> Page:
    """Nothing moves, and nothing happens."""
    page = _page()
    return _show(page, "", _box(page)).end(LENGTH_MS)


def spinner() -> Page:
    """An animation without an end."""
    page = _page()
    return _show(page, TURN + ".a{animation:turn 1s linear infinite}", _box(page, class_="a")).end(LENGTH_MS)


def unused_spinner() -> Page:
    """A style sheet with an animation that no element has."""
    page = _page()
    return _show(page, TURN + ".a{animation:turn 1s linear infinite}", _box(page)).end(LENGTH_MS)


def late_spinner() -> Page:
    """The style sheet has the animation from the beginning, an element has it for the last two seconds."""
    page = _page()
    box = _box(page)
    shown = _show(page, TURN + ".a{animation:turn 1s linear infinite}", box)
    return shown.change(4000, box, class_="a").end(LENGTH_MS)


def short_animation() -> Page:
    """An animation of half a second, begun three times."""
    page = _page()
    box = _box(page)
    shown = _show(page, TURN + ".a{animation:turn .5s}", box)
    for at in (500, 2000, 3500):
        shown.change(at, box, class_="a").change(at + 700, box, class_="")
    return shown.end(LENGTH_MS)


def transitions() -> Page:
    """A class that changes once a second, with a transition."""
    page = _page()
    box = _box(page)
    shown = _show(page, ".b{translate:300px} div{transition:translate .3s}", box)
    for second in range(6):
        shown.change(1000 * second + 200, box, class_="b" if second % 2 == 0 else "")
    return shown.end(LENGTH_MS)


def smil() -> Page:
    """SVG that moves by itself."""
    page = _page()
    move = page.svg("animate", attributeName="x", values="0;400;0", dur="2s", repeatCount="indefinite")
    shape = page.svg("rect", move, width="60", height="60")
    return _show(page, "", page.svg("svg", shape, width="500", height="100")).end(LENGTH_MS)


def picture() -> Page:
    """A picture with frames."""
    page = _page()
    return _show(page, "", page.element("img", src=_url("wheel.gif", "image/gif"))).end(LENGTH_MS)


def still_picture() -> Page:
    """A picture of a format that may have frames, with one."""
    page = _page()
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    return _show(page, "", page.element("img", src=pixel)).end(LENGTH_MS)


def clip() -> Page:
    """A clip that plays."""
    page = _page()
    video = page.element("video", src=_url("clip.webm", "video/webm"), rr_mediaState="played", loop="")
    return _show(page, "", video).end(LENGTH_MS)


def drawing() -> Page:
    """A canvas that is drawn on ten times a second."""
    page = _page()
    canvas = page.element("canvas", width=800, height=400)
    shown = _show(page, "", canvas)
    for step in range(60):
        square = {"property": "fillRect", "args": [step * 10, 20, 40, 40]}
        shown.add(100 * step + 50, 3, {"source": 9, "id": canvas["id"], "type": 0, "commands": [square]})
    return shown.end(LENGTH_MS)


def pointing() -> Page:
    """The mouse moves all the time, ten places twice a second, and nothing of the page changes."""
    page = _page()
    box = _box(page)
    shown = _show(page, "", box)
    for step in range(12):
        places = [
            {"x": 20 + step * 30 + k, "y": 40 + k * 9, "id": box["id"], "timeOffset": 50 * k - 500} for k in range(10)
        ]
        shown.add(500 * step + 500, 3, {"source": 1, "positions": places})
    return shown.end(LENGTH_MS)


MOVING: Final[dict[str, Callable[[], Page]]] = {
    make.__name__: make
    for make in (
        still,
        spinner,
        unused_spinner,
        late_spinner,
        short_animation,
        transitions,
        smil,
        picture,
        still_picture,
        clip,
        drawing,
        pointing,
    )
}
