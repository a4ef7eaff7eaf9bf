"""Links that are written in rarer ways, and links that come with a change of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asset_hosts import AssetHosts, serving_assets
from tests.integration.rendering.asset_exports import colour, digests, export, svg
from tests.integration.rendering.fidelity.goldens import Picture
from tests.snapshots import Node, Page
from video_export_worker.replay.settings import ChromiumSettings

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
KIND = {"Content-Type": "image/svg+xml"}


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        yield serving


class Boxes:
    """A page with boxes of 20 pixels, one beside the other."""

    def __init__(self) -> None:
        self.page, self.nodes = Page(), list[Node]()

    def add(self, node: Node) -> Node:
        across, down = len(self.nodes) % 8 * 30, len(self.nodes) // 8 * 30
        place = f"position:absolute;width:20px;height:20px;left:{across}px;top:{down}px"
        node["attributes"]["style"] = f"{place};{node['attributes'].get('style', '')}"
        self.nodes.append(node)
        return node

    def styled(self, style: str) -> Node:
        return self.add(self.page.element("div", style=style))

    def classed(self, name: str) -> Node:
        return self.add(self.page.element("div", class_=name))

    def colours(self, picture: Picture) -> list[tuple[int, int, int]]:
        return [colour(picture, at % 8 * 30 + 10, at // 8 * 30 + 10) for at in range(len(self.nodes))]


async def test_links_of_styles_in_every_way_of_writing(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """rrweb makes only `url()` absolute, and what it has left relative counts from the page."""
    hosts.put("/app/green.svg", svg("green"), headers=KIND)
    hosts.put("/app/a(1).svg", svg("green"), headers=KIND)
    hosts.put("/app/red.svg", svg("red"), headers=KIND)
    boxes = Boxes()
    boxes.styled("background-image:image-set('green.svg' 1x, \"red.svg\" 3x)")
    boxes.styled("background-image:-webkit-image-set(url(green.svg) 1x, url('red.svg') 3x)")
    boxes.styled("background-image:image-set(url('a(1).svg') 1x, 'red.svg' 3x)")
    boxes.styled("background:url(gr\\65 en.svg)")
    boxes.styled("background:url('gr\\000065en.svg')")
    for name in ("plain", "typed", "escaped"):
        boxes.classed(name)
    css = (
        '.plain{background:image-set("green.svg" 1x,"red.svg" 2x)}'
        '.typed{background:image-set("red.svg" type("image/nope"), "green.svg" 1x)}'
        '.escaped{background:url("gre\\65n.svg")}'
    )
    page = boxes.page.show(boxes.page.document(boxes.nodes, css)).end(200)
    page.events[0]["data"]["href"] = hosts.url("/app/page.html")
    frames, table, counts = await export(page, tmp_path, hosts, chromium)
    assert boxes.colours(frames[0]) == [GREEN] * len(boxes.nodes)
    assert (table.counts.found, table.counts.missing, counts.warnings) == (3, [], [])


async def test_what_a_change_links_to_is_there_in_its_first_frame(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    drawn = "".join(
        f'<symbol id="{name}" viewBox="0 0 20 20"><rect width="20" height="20" fill="{name}"/></symbol>'
        for name in ("red", "green")
    )
    icons = hosts.put("/icons.svg", f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>'.encode(), headers=KIND)
    small, large = (
        hosts.put("/small.svg", svg("green"), headers=KIND),
        hosts.put("/large.svg", svg("red"), headers=KIND),
    )
    sheets = [hosts.put(f"/{name}.css", f".{name}{{background:green}}".encode()) for name in ("written", "added")]
    boxes = Boxes()
    page = boxes.page

    def icon(**names: str) -> Node:
        used = page.svg("use", **names)
        boxes.add(page.svg("svg", used, width="20", height="20"))
        return used

    other, own, named = (icon(**{"xlink:href": f"{icons}#red"}), icon(**{"xlink:href": f"{icons}#red"}), icon())
    boxes.add(page.element("img", src=large))
    image = boxes.add(page.element("img", src=large))
    boxes.classed("written"), boxes.classed("added")
    text = page.text(".none{}", style=True)
    style = page.element("style")
    style["childNodes"].append(text)
    part = page.svg("symbol", page.svg("rect", width="20", height="20", fill="blue"), id="own")
    head = [style, page.element("style", "body{color:black}")]
    body = page.element("div", page.svg("svg", part, width="0", height="0"), *boxes.nodes)
    page.show(page.document([body], head=head))
    page.change(200, other, **{"xlink:href": f"{icons}#green"})
    page.change(200, own, **{"xlink:href": "#own"})
    page.change(200, named, **{"xlink:href": f"{icons}#green"})
    page.change(200, image, src=small, srcset=f"{large} 2x")  # of which Blink has the larger one in its memory
    page.write(200, text, f"@import '{sheets[0]}';")
    page.append(200, body, page.element("style", f"@import url({sheets[1]});"))
    frames, table, counts = await export(page.end(400), tmp_path, hosts, chromium)
    assert boxes.colours(frames[4]) == [RED, RED, WHITE, RED, RED, WHITE, WHITE]
    assert boxes.colours(frames[5]) == [GREEN, BLUE, GREEN, RED, GREEN, GREEN, GREEN]
    assert len(set(digests(frames[5:]))) == 1, "something came late"
    assert (table.counts.found, table.counts.missing, counts.warnings) == (5, [], [])


async def test_rules_match_what_is_hovered_wherever_they_come_from(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """A linked sheet, an adopted one, a rule that a script wrote, and one of a `style` element."""
    boxes = Boxes()
    page = boxes.page
    linked, adopted, written, own = (boxes.classed(name) for name in ("linked", "adopted", "written", "own"))
    sheet = hosts.put("/menu.css", b"@media (hover:hover){ .linked:hover{background:green} }")
    style = page.element("style", ".own:hover{background:green}")
    document = page.document(boxes.nodes, head=[page.element("link", rel="stylesheet", href=sheet), style])
    page.show(document)
    rule = {"rule": ".adopted:hover{background:green}", "index": 0}
    page.add(20, 3, {"source": 15, "id": document["id"], "styleIds": [1], "styles": [{"styleId": 1, "rules": [rule]}]})
    added = {"rule": ".written:not(:hover){background:blue}", "index": 1}
    page.add(20, 3, {"source": 8, "id": style["id"], "adds": [added]})
    for at, node in enumerate((linked, adopted, written, own)):
        page.move(200 * at + 200, 30 * at + 10, 10, node)
    frames, _, counts = await export(page.end(1000), tmp_path, hosts, chromium)
    shown = [boxes.colours(frames[at]) for at in (2, 7, 12, 17, 22)]
    assert shown == [
        [WHITE, WHITE, BLUE, WHITE],
        [GREEN, WHITE, BLUE, WHITE],
        [WHITE, GREEN, BLUE, WHITE],
        [WHITE, WHITE, WHITE, WHITE],
        [WHITE, WHITE, BLUE, GREEN],
    ]
    assert counts.warnings == []
