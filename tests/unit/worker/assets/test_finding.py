"""Which URLs a recording and its style sheets refer to."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import pytest

from tests.snapshots import Page
from video_export_worker.assets.css import Use, find_references
from video_export_worker.assets.found import FoundLinks, read_links, write_links
from video_export_worker.assets.links import MOST_LINK_BYTES, LinkFinder, resolve, split_srcset
from video_export_worker.assets.recorded import RecordedFiles
from video_export_worker.recording import ShownRange, parse_recording
from video_export_worker.recording.chunks import SMALLEST_CHUNK

BYTES: Final = {"rr_type": "ArrayBuffer", "base64": "QUE="}


def found(page: Page) -> dict[str, set[Use]]:
    finder = LinkFinder()
    parse_recording([json.dumps(page.events).encode()], observer=finder)
    return finder.uses


def names(page: Page) -> set[str]:
    return {url.rpartition("/")[2] for url in found(page)}


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        ("a{background:url(x.png)}", [("x.png", Use.STYLE_IMAGE)]),
        ("a{background:URL( 'x y.png' )}", [("x y.png", Use.STYLE_IMAGE)]),
        ('@import "x.css" screen;@import url(y.css);', [("x.css", Use.SHEET), ("y.css", Use.SHEET)]),
        ("/* url(x.png) */a{content:'url(y.png)'}", []),
        ("a{background:url(data:image/png;base64,AA==);mask:url(#m)}", []),
        ("a{fill:url(http://page.test/shop/#m);mask:url(x.svg#m)}", [("x.svg#m", Use.STYLE_IMAGE)]),
        (
            "@font-face{src:url(x.eot);src:url(x.woff2) format('woff2'),url(x.svg#f) format('svg')}",
            [("x.woff2", Use.FONT)],
        ),
        (
            "@font-face{font-family:'}';src:url(x.ttf)}a{b:url(y.png)}",
            [("x.ttf", Use.FONT), ("y.png", Use.STYLE_IMAGE)],
        ),
        (
            "a{background:image-set('x.png' 1x, url(y.png) 2x, 'z.avif' type('image/avif'))}",
            [("x.png", Use.STYLE_IMAGE), ("y.png", Use.STYLE_IMAGE), ("z.avif", Use.STYLE_IMAGE)],
        ),
        ("a{background:url(\\63 ur\\.png)}", [("cur.png", Use.STYLE_IMAGE)]),
        ("a{b:url(x.png", [("x.png", Use.STYLE_IMAGE)]),
        ("a{b:url(x.png)}@media print{c{d:url(y.png)}}", [("x.png", Use.STYLE_IMAGE), ("y.png", Use.STYLE_IMAGE)]),
    ],
)
def test_a_style_sheet_refers_to(sheet: str, expected: list[tuple[str, Use]]) -> None:
    assert [(reference.url, reference.use) for reference in find_references(sheet)] == expected


@pytest.mark.parametrize(
    "piece", ["url(", 'url(" ', "@import ", '"', "/*", "image-set(", "url(\\", "\\", "url( ", "'("]
)
def test_no_style_sheet_takes_more_than_a_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    list(find_references(piece * (400_000 // len(piece)) + "url("))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("piece", [",", " ", " ,", "a,", "a(", ",,a", "("])
def test_no_list_of_images_takes_more_than_a_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    list(split_srcset("a" + piece * (400_000 // len(piece)) + ",,"))
    assert time.process_time() - began < 10


def test_srcset() -> None:
    text = " a.png 1x,b,c.png 2x , data:image/png;base64,AA== 3x,d.png 100w"
    assert list(split_srcset(text)) == ["a.png", "b,c.png", "data:image/png;base64,AA==", "d.png"]


@pytest.mark.parametrize(
    ("url", "base", "absolute"),
    [
        ("a/../b.png?x=1#top", "https://x.test/app/", "https://x.test/app/b.png?x=1"),
        ("//cdn.test/é.png", "https://x.test/", "https://cdn.test/%C3%A9.png"),
        ("\\\\cdn.test\\a", "http://x.test/", "http://cdn.test/a"),
        ("http://2130706433/", "", "http://127.0.0.1/"),
        ("http://0x7f.1/", "", "http://127.0.0.1/"),
        ("HTTPS://CDN.test:443/a b", "", "https://cdn.test/a%20b"),
        ("a.png", "", None),
        ("data:image/png,x", "https://x.test/", None),
        ("javascript:alert(1)", "https://x.test/", None),
        ("blob:https://x.test/1", "https://x.test/", None),
        ("https://[/", "", None),
        ("https://user:secret@x.test/a.png", "", None),
        ("https://cdn.test/@scope/a.png", "", "https://cdn.test/@scope/a.png"),
    ],
)
def test_urls_are_absolute_as_a_browser_writes_them(url: str, base: str, absolute: str | None) -> None:
    assert resolve(url, base) == absolute


def everything(page: Page) -> list[Any]:
    return [
        page.element("img", src="img.png", srcset="set1.png 1x, set2.png 2x"),
        page.element("picture", page.element("source", srcset="source.webp"), page.element("img", src="inner.png")),
        page.element("input", type="image", src="input.png"),
        page.element("video", poster="poster.png", src="clip.mp4"),
        page.element("table", background="table.png"),
        page.svg("svg", page.svg("image", href="svg.png"), page.svg("image", **{"xlink:href": "xlink.png"})),
        page.element("div", style="background:url(style.png)"),
        page.element("link", rel="stylesheet", href="link.css"),
        page.element("style", "a{b:url(text.png)}"),
        page.element("style", _cssText="a{b:url(css-text.png)}"),
        page.element("img", rr_captured_src="captured.png"),
    ]


EVERYTHING = {
    *("img.png", "set1.png", "set2.png", "source.webp", "inner.png", "input.png", "poster.png", "clip.mp4"),
    *("table.png", "svg.png", "xlink.png", "style.png", "link.css", "text.png", "css-text.png", "captured.png"),
}
NOTHING = {
    "a": {"href": "a.html"},
    "iframe": {"src": "frame.html"},
    "script": {"src": "script.js"},
    "link": {"rel": "icon", "href": "icon.png"},
}


def test_links_of_a_snapshot_and_of_a_mutation() -> None:
    page = Page()
    body = page.element("div", *(page.element(tag, **attributes) for tag, attributes in NOTHING.items()))
    page.show(page.document([body, *everything(page)]))
    assert names(page) == EVERYTHING
    page = Page()
    body = page.element("div")
    page.show(page.document([body])).append(10, body, *everything(page))
    assert names(page) == EVERYTHING


def test_links_of_changes_and_of_rules() -> None:
    page = Page()
    image, link, style = page.element("img"), page.element("link", rel="stylesheet"), page.element("style", "x{}")
    page.show(page.document([image, link, style]))
    page.change(1, image, src="changed.png", srcset="changed2.png 2x", style={"background": "url(declared.png)"})
    page.change(2, link, href="changed.css")
    page.write(3, style["childNodes"][0], "a{b:url(written.png)}")
    page.add(4, 3, {"source": 8, "id": style["id"], "adds": [{"rule": "a{b:url(rule.png)}", "index": 0}]})
    page.add(5, 3, {"source": 13, "id": 1, "index": [0], "set": {"property": "mask", "value": "url(set.png)"}})
    page.add(
        6,
        3,
        {
            "source": 15,
            "id": 1,
            "styleIds": [1],
            "styles": [{"styleId": 1, "rules": [{"rule": "a{b:url(adopted.png)}"}]}],
        },
    )
    page.add(7, 3, {"source": 10, "family": "f", "buffer": False, "fontSource": "url(font.woff2)"})
    page.add(
        8,
        3,
        {
            "source": 9,
            "id": 1,
            "type": 0,
            "commands": [{"property": "drawImage", "args": [{"rr_type": "HTMLImageElement", "src": "drawn.png"}]}],
        },
    )
    assert names(page) == {
        *("changed.png", "changed2.png", "declared.png", "changed.css", "written.png", "rule.png", "set.png"),
        *("adopted.png", "font.woff2", "drawn.png"),
    }


def test_relative_urls_count_from_the_base_or_else_from_the_address() -> None:
    page = Page()
    bases = [page.element("base", target="_blank"), page.element("base", href="/app/")]
    page.show(page.document([page.element("img", src="a.png")], head=bases))
    page.show(page.document([page.element("img", src="b.png")]), at=10)
    assert set(found(page)) == {"http://page.test/app/a.png", "http://page.test/b.png"}


def test_a_recording_without_links_has_none() -> None:
    page = Page()
    page.show(page.document([page.element("img", src="data:image/png;base64,AA=="), page.element("a", href="x")]))
    page.add(5, 3, {"source": 0, "adds": None, "attributes": [None, {"id": {}, "attributes": {"src": 5}}], "texts": 3})
    assert found(page) == {}


def test_half_characters_of_a_recording_end_nothing(tmp_path: Path) -> None:
    """JSON may escape half of a character, and UTF-8, which answers and files are written in, has none."""
    page = Page()
    page.show(page.document([page.element("img", src="x.png")]))
    page.events[0]["data"]["href"] = "http://page.test/\ud800/"
    for number, payload in enumerate(
        ("data:a/\ud800,\ud800", {"rr_type": "Blob", "type": "a/\ud800", "data": [BYTES]})
    ):
        page.add(1, 7, {"url": f"http://page.test/{number}.png", "payload": payload})
    finder = LinkFinder(RecordedFiles(tmp_path / "assets").keep)
    parse_recording([json.dumps(page.end(9).events).encode()], observer=finder)
    kinds = [asset.type for asset in finder.recorded.values()]
    assert (finder.href, kinds) == ("http://page.test/\ufffd/", ["a/\ufffd", "a/\ufffd"])


def test_an_image_that_the_recording_holds_links_to_nothing() -> None:
    page = Page()
    held = page.element("img", src="a.png", srcset="b.png 1x, c.png 2x", rr_dataURL="data:image/png;base64,AA==")
    inside = page.element("img", src="d.png", rr_dataURL="data:image/png;base64,AA==")
    picture = page.element("picture", page.element("source", srcset="e.png"), inside)
    other = page.element("picture", page.element("source", srcset="f.png"), page.element("img", src="g.png"))
    page.show(page.document([held, picture, other])).end(100)
    assert names(page) == {"f.png", "g.png"}


def test_a_part_of_the_page_is_no_link() -> None:
    page = Page()
    parts = [page.svg("use", href=href) for href in ("#a", "http://page.test/#b", "icons.svg#c")]
    styled = page.element("p", style="fill:url(http://page.test/shop/#d);mask:url(#e)")
    page.show(page.document([*parts, styled])).end(100)
    assert names(page) == {"icons.svg"}


def test_the_addresses_of_a_recording_have_a_bound(tmp_path: Path) -> None:
    """Relative addresses of some bytes become as long as that of their page."""
    page = Page()
    page.show(page.document([page.element("img", src=str(number)) for number in range(9000)]))
    page.events[0]["data"]["href"] = f"https://page.test/{'x' * 8000}/"
    finder = LinkFinder()
    parse_recording([json.dumps(page.end(9).events).encode()], observer=finder)
    assert len(finder.uses) + finder.left_out == 9000
    write_links(tmp_path, FoundLinks(uses=finder.uses))
    found = read_links(tmp_path)
    assert found is not None
    assert sum(map(len, found.uses)) <= MOST_LINK_BYTES


def test_each_chunk_names_its_own_links_also_where_it_is_looked_at_twice() -> None:
    """A range behind a checkout whose page keeps a frame begins before it, which is known after a first look."""
    page = Page()
    frame, picture = page.element("iframe"), page.element("img", src="first.png")
    padding = page.element("p", "x" * SMALLEST_CHUNK)
    page.show(page.document([frame, padding, picture]))
    page.attach(40, frame, page.document([page.element("p", "inner")]))
    page.change(5000, picture, src="changed.png")
    page.show(page.document([frame, padding]), at=10_000).end(12_000)
    page.show(page.document([padding]), at=18_000).end(20_000)
    finder = LinkFinder()
    parse_recording([json.dumps(page.events).encode()], observer=finder, shown=ShownRange(15_000, 17_000))
    assert [url.rpartition("/")[2] for url in finder.uses] == ["first.png", "changed.png"]
    assert finder.shown == [{0, 1}, set(), set()]


def test_a_page_whose_size_is_not_recorded_has_its_address() -> None:
    page = Page()
    page.show(page.document([page.element("img", src="x.png")])).end(100)
    for length in ("width", "height"):
        del page.events[0]["data"][length]
    assert list(found(page)) == ["http://page.test/x.png"]
