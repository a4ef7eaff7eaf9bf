"""Recordings that nobody thought of: random changes of every kind at random times, on a page where much can move."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.integration.rendering.fidelity.gallery import HEIGHT, WIDTH, media, svg_picture
from tests.snapshots import Page

LENGTH_MS = 1400
CSS = """
  @keyframes go { to { translate: 150px } } @keyframes hue { 50% { background: blue } }
  div { width: 40px; height: 24px; margin: 2px; background: crimson }
  .a { animation: go .5s linear } .b { animation: hue .3s infinite } .c { transition: all .2s } .d { opacity: .4 }
  .e { animation: go 1s steps(4) .1s infinite alternate } .f { position: sticky; top: 0 }
  div:hover { outline: 2px solid green } input:focus { background: gold }
  p { margin: 0; height: 60px; background: #eee }
"""
CLASSES = ("", "a", "b", "c", "d", "e", "f", "a c", "b d")
STYLES: tuple[dict[str, Any], ...] = (
    {"background": "teal"},
    {"width": "120px"},
    {"translate": "60px"},
    {"opacity": "0.2"},
    {"display": "none"},
    {"display": False},
    {"animation-play-state": "paused"},
    {"animation-duration": "0.9s"},
    {"animation": "none"},
    {"transition-duration": "0s"},
)
PICTURES = (media("wheel.gif", "image/gif"), svg_picture("<circle r='20' cx='20' cy='20' fill='plum'/>"))

times = st.integers(1, LENGTH_MS - 200)
changes = st.one_of(
    st.tuples(st.just("reclass"), times, st.integers(0, 3), st.sampled_from(CLASSES)),
    st.tuples(st.just("restyle"), times, st.integers(0, 3), st.sampled_from(STYLES)),
    st.tuples(st.just("write"), times, st.just(0), st.text("abcé漢🙂 ", max_size=8)),
    st.tuples(
        st.just("add"), times, st.integers(0, 3), st.sampled_from(("div", "progress", "picture", "frame", "shadow"))
    ),
    st.tuples(st.just("remove"), times, st.integers(0, 3), st.none()),
    st.tuples(st.just("scroll"), times, st.integers(0, 1), st.integers(0, 600)),
    st.tuples(st.just("input"), times, st.just(0), st.text("xyz", max_size=5)),
    st.tuples(st.just("focus"), times, st.just(0), st.sampled_from((5, 6))),
    st.tuples(st.just("hover"), times, st.integers(0, 3), st.none()),
    st.tuples(st.just("rule"), times, st.just(0), st.sampled_from(("p{background:pink}", "div{transition:all .3s}"))),
    st.tuples(st.just("sheet"), times, st.just(0), st.sampled_from((".b{animation:none}", "div{border:2px solid}"))),
    st.tuples(st.just("resize"), times, st.integers(150, 400), st.integers(100, 300)),
    st.tuples(st.just("select"), times, st.integers(0, 2), st.integers(2, 4)),
    st.tuples(st.just("snapshot"), times, st.just(0), st.none()),
    st.tuples(st.just("nothing"), times, st.sampled_from((0, 1, 5, 6, 8)), st.none()),
)
pages = st.lists(changes, min_size=1, max_size=12)


def build(page: Page, script: list[tuple[str, int, int, Any]]) -> None:
    """Lay out a page and do to it what the script says."""
    scene = _Scene(page)
    for kind, at, which, value in sorted(script, key=lambda change: change[1]):
        getattr(scene, kind)(at, which, value)


class _Scene:
    """The page as it is at some point of the script."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._page.width, self._page.height = WIDTH, HEIGHT
        self._show(0)

    def _show(self, at: int) -> None:
        page = self._page
        self.boxes = [page.element("div", f"box {n}", class_=CLASSES[n]) for n in range(4)]
        self.gone: set[int] = set()
        self.field = page.element("input", value="field")
        self.list = page.element(
            "section", *(page.element("p", f"{n}") for n in range(6)), style="height:50px;overflow:auto"
        )
        self.note = page.text("a note")
        self.style = page.element("style", CSS)
        self.body = page.element("main", *self.boxes, self.field, self.list, page.element("p", self.note))
        self.document = page.document(
            [self.body, page.element("div", style="height:900px;background:ivory")], head=[self.style]
        )
        page.show(self.document, at)

    def reclass(self, at: int, which: int, value: str) -> None:
        if which not in self.gone:
            self._page.change(at, self.boxes[which], class_=value)

    def restyle(self, at: int, which: int, value: dict[str, Any]) -> None:
        if which not in self.gone:
            self._page.change(at, self.boxes[which], style=value)

    def write(self, at: int, which: int, value: str) -> None:
        self._page.write(at, self.note, value)

    def add(self, at: int, which: int, value: str) -> None:
        page = self._page
        made = {
            "div": lambda: page.element("div", "new", class_=CLASSES[which + 1]),
            "progress": lambda: page.element("progress"),
            "picture": lambda: page.element("img", src=PICTURES[which % 2], loading="lazy"),
            "frame": lambda: page.element("iframe", style="width:80px;height:40px"),
            "shadow": lambda: page.shadow(
                page.element("x-a"), page.element("style", CSS), page.element("div", class_="b")
            ),
        }[value]()
        page.append(at, self.body, made)
        if value == "frame":
            page.attach(at + which, made, page.document([page.element("div", class_="a")], CSS))

    def remove(self, at: int, which: int, value: None) -> None:
        if which not in self.gone:
            self.gone.add(which)
            self._page.remove(at, self.body, self.boxes[which])

    def scroll(self, at: int, which: int, value: int) -> None:
        self._page.scroll(at, (self.document, self.list)[which], value)

    def input(self, at: int, which: int, value: str) -> None:
        self._page.add(at, 3, {"source": 5, "id": self.field["id"], "text": value, "isChecked": False})

    def focus(self, at: int, which: int, value: int) -> None:
        self._page.interact(at, value, self.field)

    def hover(self, at: int, which: int, value: None) -> None:
        if which not in self.gone:
            places = [{"x": n, "y": n, "id": self.boxes[which]["id"], "timeOffset": n - 60} for n in (0, 30, 60)]
            self._page.add(at, 3, {"source": 1, "positions": places})

    def rule(self, at: int, which: int, value: str) -> None:
        self._page.add(at, 3, {"source": 8, "id": self.style["id"], "adds": [{"rule": value, "index": 0}]})

    def sheet(self, at: int, which: int, value: str) -> None:
        styles = [{"styleId": at, "rules": [{"rule": value, "index": 0}]}]
        self._page.add(at, 3, {"source": 15, "id": self.document["id"], "styles": styles, "styleIds": [at]})

    def resize(self, at: int, which: int, value: int) -> None:
        self._page.add(at, 3, {"source": 4, "width": which, "height": value})

    def select(self, at: int, which: int, value: int) -> None:
        chosen = {"start": self.note["id"], "startOffset": 0, "end": self.note["id"], "endOffset": 0}
        self._page.add(at, 3, {"source": 14, "ranges": [chosen]})

    def snapshot(self, at: int, which: int, value: None) -> None:
        self._show(at)

    def nothing(self, at: int, which: int, value: None) -> None:
        self._page.add(at, which, {"tag": "x", "payload": {}, "plugin": "p"})
