"""Linked images, fonts and style sheets, from hosts on loopback to pixels."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asset_hosts import AssetHosts, serving_assets
from tests.integration.rendering.asset_exports import colour, digests, export, svg
from tests.snapshots import Page
from video_export_worker.assets.recorded import write_payload
from video_export_worker.contract import AssetMode
from video_export_worker.replay.settings import ChromiumSettings

RED, GREEN, BLUE = (255, 0, 0), (0, 128, 0), (0, 0, 255)


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        yield serving


async def test_a_style_sheet_that_has_moved_refers_to_what_is_beside_its_new_place(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    hosts.put("/theme@2.1/app.css", b"@import 'more.css'; .a{background:url(blue.svg)}")
    hosts.put("/theme@2.1/more.css", b".b{background:green}")
    hosts.put("/theme@2.1/blue.svg", svg("blue"))
    sheet = hosts.put("/theme", status=302, headers={"Location": "/theme@2.1/app.css"})
    page = Page()
    box = "position:absolute;width:20px;height:20px;left:0"
    boxes = [page.element("div", class_=name, style=f"{box};top:{top}px") for name, top in (("a", 0), ("b", 30))]
    page.show(page.document(boxes, head=[page.element("link", rel="stylesheet", href=sheet)])).end(200)
    for cached in (0, 3):
        frames, table, counts = await export(page, tmp_path, hosts, chromium)
        assert (colour(frames[0], 10, 10), colour(frames[0], 10, 40)) == (BLUE, GREEN), table
        assert (table.counts.found, table.counts.cached, counts.warnings) == (3, cached, [])
        assert len(set(digests(frames))) == 1, "something came late"


async def test_everything_that_is_linked_is_there_from_the_first_frame_on(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    picture = hosts.put("/red.svg", svg("red"), headers={"Content-Type": "image/svg+xml"})
    hosts.put("/deep/blue.svg", svg("blue"))
    hosts.put("/deep/more.css", b".b{background:url(blue.svg)}")
    sheet = hosts.put(
        "/app.css",
        b"@import 'deep/more.css'; .a{background:green}",
        headers={"Content-Type": "text/css; charset=utf-8"},
    )
    page = Page()
    box = "position:absolute;width:20px;height:20px;left:0"
    page.show(
        page.document(
            [
                page.element("img", src=picture, style=f"{box};top:0"),
                page.element("div", class_="a", style=f"{box};top:30px"),
                page.element("div", class_="b", style=f"{box};top:60px"),
                page.element("div", style=f"{box};top:90px;background:url('{picture}')"),
                page.element("input", type="image", src=picture, style=f"{box};top:120px"),
                page.svg("svg", page.svg("image", href=picture, width="20", height="20"), style=f"{box};top:150px"),
            ],
            head=[page.element("link", rel="stylesheet", href=sheet)],
        )
    ).end(400)
    frames, table, counts = await export(page, tmp_path, hosts, chromium)
    expected = {0: RED, 30: GREEN, 60: BLUE, 90: RED, 120: RED, 150: RED}
    assert {top: colour(frames[0], 10, top + 10) for top in expected} == expected, table
    assert (table.counts.found, table.counts.fetched, table.counts.missing) == (4, 4, [])
    assert counts.warnings == []
    assert len(set(digests(frames))) == 1, "something came late"
    again, table, _ = await export(page, tmp_path, hosts, chromium)
    assert (table.counts.fetched, table.counts.cached) == (0, 4)
    assert digests(again) == digests(frames)
    assert max(hosts.asked.values()) == 1, "the store was not used"


FONT = Path(__file__).parent / "fidelity" / "media" / "blocks.woff2"


def a_page_with_everything(hosts: AssetHosts, *, inline: bool = False) -> Page:
    """Linked pictures, styles and a web font, at once and in changes; or the same as data URLs."""
    font = FONT.read_bytes()

    def at(name: str, body: bytes, kind: str) -> str:
        url = hosts.put(name, body, headers={"Content-Type": kind})
        return f"data:{kind};base64,{base64.b64encode(body).decode()}" if inline else url

    red, blue = at("/red.svg", svg("red"), "image/svg+xml"), at("/blue.svg", svg("blue"), "image/svg+xml")
    face = at("/font.woff2", font, "font/woff2")
    rules = ".late{background:green}"
    sheet = at("/late.css", rules.encode(), "text/css")
    page = Page()
    box = "position:absolute;width:20px;height:20px;left:0"
    image, late = page.element("img", src=red, style=f"{box};top:0"), page.element("div", style=f"{box};top:60px")
    css = f"@font-face{{font-family:f;src:url('{face}')}}.b{{background:url('{blue}')}}"
    text = page.element("div", "AB", style="position:absolute;left:60px;top:0;font:40px f")
    hidden = page.element("div", class_="none", style=f"{box};top:30px")
    page.show(page.document([image, late, text, hidden], css))
    page.change(200, image, src=blue)
    page.change(300, hidden, class_="b")
    linked = page.element("link", rel="stylesheet", href=sheet)
    page.append(400, late, page.element("style", rules) if inline else linked)
    page.change(500, late, class_="late")
    return page.end(800)


async def test_what_is_linked_looks_as_what_is_in_the_recording_in_any_segment(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    page = a_page_with_everything(hosts)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, table, counts = await export(page, tmp_path / "a", hosts, chromium)
    assert (table.counts.missing, counts.warnings) == ([], [])
    inline, _, _ = await export(a_page_with_everything(hosts, inline=True), tmp_path / "b", hosts, chromium)
    assert [n for n, (a, b) in enumerate(zip(digests(whole), digests(inline), strict=True)) if a != b] == []
    assert colour(whole[-1], 10, 10) == BLUE
    assert colour(whole[-1], 10, 70) == GREEN
    cut, _, _ = await export(page, tmp_path / "a", hosts, chromium, pieces=4)
    assert digests(cut) == digests(whole)


async def test_what_is_missing_is_a_quiet_box_and_moves_nothing(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    page = Page()
    box = "position:absolute;width:40px;height:30px;left:0"
    gone = hosts.url("/gone.png")
    page.show(
        page.document(
            [
                page.element("img", src=gone, alt="An image that is gone", style=f"{box};top:0"),
                page.element("img", src="blob:http://page.test/1", style=f"{box};top:40px"),
                page.element("div", style=f"{box};top:80px;background:red url('{hosts.url('/gone-too.png')}')"),
                page.element("img", src=gone, width="40", height="30", style="position:absolute;top:120px;left:0"),
                page.element("img", src="ftp://page.test/x.png", style=f"{box};top:160px"),
                page.element("video", poster=gone, style="position:absolute;left:60px;top:0;width:120px;height:30px"),
            ]
        )
    ).end(200)
    for mode in AssetMode:
        frames, table, counts = await export(page, tmp_path, hosts, chromium, mode=mode)
        shown = {top: colour(frames[0], 20, top + 15) for top in (0, 40, 80, 120)}
        quiet = shown[0]
        assert quiet not in (RED, (255, 255, 255)), shown
        assert shown == {0: quiet, 40: quiet, 80: RED, 120: quiet}
        assert colour(frames[0], 65, 5) == (227, 230, 234), "a clip without picture and poster"
        for top in (0, 40, 120):
            inside = frames[0][top : top + 30, 0:40]
            assert (inside == inside[0, 0]).all(), "a broken-image icon, or a text"
        assert table.counts.missed == 2
        assert counts.warnings == []


async def test_a_recording_that_holds_its_assets_asks_nobody(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """Asset events come after what shows them, and elements name them by `rr_captured_` attributes."""
    page = Page()
    url, sheet = hosts.url("/red.svg"), hosts.url("/a.css")
    box = "position:absolute;width:20px;height:20px;left:0"
    link = page.element("link", rel="stylesheet", rr_captured_href=sheet)
    image = page.element("img", rr_captured_src=url, style=f"{box};top:0")
    page.show(page.document([image, page.element("div", class_="a", style=f"{box};top:30px")], head=[link]))
    page.add(100, 7, {"url": url, "payload": write_payload("image/svg+xml", svg("red"))})
    page.add(110, 7, {"url": sheet, "payload": {"rr_type": "CssText", "cssText": ".a{background:green}"}})
    page.add(120, 7, {"url": url + "2", "failed": {"status": 404}})
    frames, table, _ = await export(page.end(200), tmp_path, hosts, chromium)
    assert (colour(frames[0], 10, 10), colour(frames[0], 10, 40)) == (RED, GREEN)
    assert (table.counts.found, table.counts.cached, table.counts.missing) == (2, 2, [])
    assert not hosts.asked


async def test_an_svg_with_a_script_is_a_picture(hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings) -> None:
    body = svg("green").replace(
        b"</svg>",
        b"<script>document.documentElement.remove();fetch('/x')</script><animate/>"
        b"<image href='/more.png' width='20' height='20'/></svg>",
    )
    page = Page()
    url = hosts.put("/evil.svg", body)
    page.show(page.document([page.element("img", src=url, style="position:absolute;left:0;top:0")]))
    frames, _, _ = await export(page.end(200), tmp_path, hosts, chromium)
    assert colour(frames[0], 10, 10) == GREEN
    assert list(hosts.asked) == ["/evil.svg"]


async def test_a_linked_clip_shows_what_one_in_the_recording_shows(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    body = (FONT.parent / "clip.webm").read_bytes()
    shown = []
    for name, url in {
        "linked": hosts.put("/clip.webm", body),
        "inline": f"data:video/webm;base64,{base64.b64encode(body).decode()}",
    }.items():
        page = Page()
        clip = page.element("video", src=url, style="position:absolute;left:0;top:0;width:200px;height:150px")
        page.show(page.document([clip])).end(300)
        (tmp_path / name).mkdir()
        frames, table, counts = await export(page, tmp_path / name, hosts, chromium)
        assert (table.counts.missing, counts.warnings) == ([], [])
        shown.append(digests(frames)[-1])
    assert shown[0] == shown[1]


async def test_a_part_of_another_svg_file_is_shown_wherever_it_is_from(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """`<use>` of a sprite: browsers load it from the page's own origin only, and a replay has another one."""
    drawn = '<rect width="20" height="20" fill="{}"/>'
    symbols = "".join(
        f'<symbol id="{name}" viewBox="0 0 20 20">{drawn.format(name)}</symbol>' for name in ("red", "green", "blue")
    )
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}<script>document.title = "run"</script></svg>'
    url = hosts.put("/icons.svg", sprite.encode(), headers={"Content-Type": "image/svg+xml"})
    other = hosts.put("/more.svg?v=2&x=%20", sprite.encode(), headers={"Content-Type": "image/svg+xml"})
    page = Page()
    box = "position:absolute;left:0;width:20px;height:20px"

    def icon(top: int, **names: str) -> tuple[dict[str, Any], dict[str, Any]]:
        used = page.svg("use", **names)
        return page.svg("svg", used, width="20", height="20", style=f"{box};top:{top}px"), used

    (first, changed), (second, _) = icon(0, href=f"{url}#red"), icon(30, **{"xlink:href": f"{other}#green"})
    gone, _ = icon(60, href=f"{hosts.url('/gone.svg')}#red")
    inside = page.svg("svg", page.svg("symbol", page.svg("rect", width="20", height="20", fill="blue"), id="own"))
    own, _ = icon(90, href="#own")
    late, _ = icon(120, href=f"{url}#blue")
    body = page.element("div", first, second, gone, inside, own)
    page.show(page.document([body]))
    page.change(200, changed, href=f"{other}#blue")
    page.append(300, body, late)
    page.end(500)
    frames, table, counts = await export(page, tmp_path, hosts, chromium)
    white = (255, 255, 255)
    shown = [tuple(colour(frame, 10, top + 10) for top in (0, 30, 60, 90, 120)) for frame in frames]
    assert shown[:5] == [(RED, GREEN, white, BLUE, white)] * 5
    assert shown[5:7] == [(BLUE, GREEN, white, BLUE, white)] * 2
    assert set(shown[8:]) == {(BLUE, GREEN, white, BLUE, BLUE)}
    assert (table.counts.found, table.counts.missed, counts.warnings) == (3, 1, [])
    cut, _, _ = await export(page, tmp_path, hosts, chromium, pieces=3)
    assert digests(cut) == digests(frames)


async def test_a_part_of_the_page_itself_is_no_link(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """rrweb writes `url(#part)` of styles, and `use` of some frameworks, with the address of the page or its folder."""
    page = Page()
    drawn = page.svg("rect", width="20", height="20", fill="green", id="drawn")
    red = page.svg("stop", **{"stop-color": "red"})
    parts = page.svg("defs", drawn, page.svg("linearGradient", red, id="paint"))
    clip = page.svg("clipPath", page.svg("rect", width="20", height="10"), id="half")

    def icon(top: int, child: dict[str, Any]) -> dict[str, Any]:
        style = f"position:absolute;left:0;top:{top}px"
        return page.svg("svg", child, width="20", height="20", style=style)

    def square(style: str) -> dict[str, Any]:
        return page.svg("rect", width="20", height="20", style=style)

    late = square("fill:blue")
    body = [
        page.svg("svg", parts, clip, width="0", height="0"),
        icon(0, page.svg("use", href="http://page.test/#drawn")),
        icon(30, page.svg("use", href="#drawn")),
        icon(60, square("fill:url(http://page.test/#paint)")),
        icon(90, page.svg("rect", width="20", height="20", class_="painted")),
        icon(120, late),
        page.element("img", src=hosts.put("/a.svg", svg("blue")), style="position:absolute;left:0;top:150px"),
    ]
    css = ".painted{fill:url('http://cdn.test/css/#paint');clip-path:url(\"http://page.test/#half\")}"
    page.show(page.document(body, css)).change(200, late, style={"fill": "url(http://page.test/#paint)"}).end(400)
    frames, table, counts = await export(page, tmp_path, hosts, chromium)
    shown = [colour(frames[0], 10, top + 5) for top in (0, 30, 60, 90, 120, 150)]
    assert shown == [GREEN, GREEN, RED, RED, BLUE, BLUE]
    assert colour(frames[0], 10, 105) == (255, 255, 255), "the lower half is clipped"
    assert colour(frames[-1], 10, 125) == RED
    assert (table.counts.found, table.counts.missing, counts.warnings) == (1, [], [])


async def test_which_candidate_of_an_image_is_shown_follows_from_the_page_alone(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """Blink keeps a larger candidate that it has in its memory, so it would matter what was shown before."""
    kind = {"Content-Type": "image/svg+xml"}
    small, middle, large = (
        hosts.put(f"/{name}.svg?size={width}", svg(name, width, 20), headers=kind)
        for name, width in (("green", 160), ("blue", 320), ("red", 640))
    )
    page = Page(640, 200)
    style = "position:absolute;left:0;height:20px;width:20px"
    widths = f"{small} 160w, {middle} 320w, {large} 640w"
    sized = page.element("img", srcset=widths, sizes="100vw", style=f"{style};top:0")
    dense = page.element("img", srcset=f"{middle} 1x, {large} 2x", style=f"{style};top:30px")
    wide = page.element("source", srcset=large, media="(min-width: 500px)")
    picture = page.element("picture", wide, page.element("img", src=small, style=f"{style};top:60px"))
    plain = page.element("img", src=large, style=f"{style};top:90px")
    late = page.element("img", srcset=widths, sizes="50vw", style=f"{style};top:120px")
    body = page.element("div", sized, dense, picture, plain)
    document = page.document([body])
    page.show(copy.deepcopy(document)).add(200, 3, {"source": 4, "width": 320, "height": 200}).append(400, body, late)
    page.change(500, sized, sizes="10vw")
    body["childNodes"].append(late)
    sized["attributes"]["sizes"] = "10vw"
    page.width = 320
    page.show(document, 600).add(800, 3, {"source": 4, "width": 640, "height": 200}).end(1000)
    for ratio, second in ((1.0, BLUE), (2.0, RED)):
        one, two = (BLUE, GREEN) if ratio == 1 else (RED, BLUE)
        frames, table, counts = await export(page, tmp_path, hosts, chromium, device_scale_factor=ratio)
        shown = [
            tuple(colour(frame, round(10 * ratio), round((top + 10) * ratio)) for top in (0, 30, 60, 120))
            for frame in frames
        ]
        white = (255, 255, 255)
        assert shown[4] == (RED, second, RED, white)
        assert shown[6] == (one, second, GREEN, white), "the page is half as wide"
        assert shown[11] == (one, second, GREEN, two)
        assert shown[14] == shown[18] == (GREEN, second, GREEN, two)
        assert shown[-1] == (GREEN, second, RED, one)
        assert (table.counts.found, table.counts.missing, counts.warnings) == (3, [], [])
        cut, _, _ = await export(page, tmp_path, hosts, chromium, pieces=4, device_scale_factor=ratio)
        assert digests(cut) == digests(frames)


async def test_a_segment_is_given_the_assets_that_its_own_part_of_the_recording_can_show(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """Three pages, each with a picture in its style sheet; a checkout repeats styles that were there before."""
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    kind = {"Content-Type": "image/svg+xml"}
    pictures = {name: hosts.put(f"/{name}.svg", svg(name), headers=kind) for name in colours}
    sheets = {
        name: hosts.put(
            f"/{name}.css", f".a{{background:url({name}.svg)}}".encode(), headers={"Content-Type": "text/css"}
        )
        for name in colours
    }
    page = Page()
    filling = "x" * 100_000  # more than the smallest chunk
    style = "position:absolute;width:20px;height:20px;left:0"
    for number, name in enumerate(("red", "green", "blue", "blue")):
        if number < 3:
            page.add(number * 400, 0, {})
        parts = [page.element("div", class_="a", style=f"{style};top:0"), page.element("p", filling, hidden="")]
        head = [page.element("link", rel="stylesheet", href=sheets[name])]
        css = f".b{{background:url({pictures['red']})}}"
        parts.append(page.element("div", class_="b", style=f"{style};top:30px"))
        page.show(page.document(parts, css, head), number * 400)
    page.end(1600)
    frames, table, _ = await export(page, tmp_path, hosts, chromium)
    assert [colour(frames[at], 10, 10) for at in (5, 15, 25, 35)] == [RED, GREEN, BLUE, BLUE]
    assert {colour(frame, 10, 40) for frame in frames} == {RED}
    assert len(table.files) == 6
    brought: list[set[str]] = []
    cut, _, _ = await export(page, tmp_path, hosts, chromium, pieces=4, brought=brought)
    assert digests(cut) == digests(frames)
    assert brought[3] == {pictures["blue"], sheets["blue"], pictures["red"]}
    assert brought[0] == {pictures["red"], sheets["red"], pictures["green"], sheets["green"]}, (
        "it reaches the second page"
    )
