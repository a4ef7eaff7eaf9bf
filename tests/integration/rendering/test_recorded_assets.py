"""Recordings that hold their assets as rrweb's recorder writes them, some under names that it makes up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asset_hosts import AssetHosts, serving_assets
from tests.integration.rendering.asset_exports import colour, digests, export, svg
from tests.snapshots import Page
from video_export_worker.assets.recorded import write_payload
from video_export_worker.replay.settings import ChromiumSettings

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        yield serving


def css(*texts: str) -> dict[str, Any]:
    return {"rr_type": "CssText", "cssTexts": list(texts)}


async def test_what_a_recorder_keeps_apart_from_the_page_is_shown_in_it(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """Texts of `style` elements, which go on to change, sheets in parts, and what were data URLs; nobody is asked."""
    page = Page()
    here, sheet = hosts.url("/page.html"), hosts.url("/app.css")
    first, second = page.text("", style=True), page.text("", style=True)
    style = page.element("style", rr_css_text=f"{here}#rr_style_el:1")
    style["childNodes"] += [first, second]
    other = page.element("style", "", rr_css_text=f"{here}#rr_style_el:2")
    gone = page.element("style", "", rr_css_text=f"{here}#rr_style_el:3")
    link = page.element("link", rel="stylesheet", rr_captured_href=sheet)
    box = "position:absolute;width:20px;height:20px;left:0"
    boxes = [page.element("div", class_=name, style=f"{box};top:{at * 30}px") for at, name in enumerate("abcd")]
    image = page.element("img", rr_captured_src=f"{here}#rr_data_image:4", style=f"{box};top:120px")
    page.show(page.document([*boxes, image], head=[style, other, gone, link]))
    page.events[0]["data"]["href"] = here
    assets = {
        f"{here}#rr_style_el:1": css(".a { background: green; }", ".b { background: red; }"),
        f"{here}#rr_style_el:2": css(".c { background: green; }"),
        f"{here}#rr_data_image:4": write_payload("image/svg+xml", svg("blue")),
        sheet: css(".d { background: ", "green; }"),
    }
    for at, (url, payload) in enumerate(assets.items()):
        page.add(100 + at, 7, {"url": url, "payload": payload})
    page.write(200, second, ".b { background: blue; }")
    frames, table, counts = await export(page.end(400), tmp_path, hosts, chromium)
    places = [at * 30 + 10 for at in range(5)]
    assert [colour(frames[0], 10, top) for top in places] == [GREEN, RED, GREEN, GREEN, BLUE], table
    assert [colour(frames[-1], 10, top) for top in places] == [GREEN, BLUE, GREEN, GREEN, BLUE]
    assert len(set(digests(frames))) == 2
    assert (table.counts.found, table.counts.cached, table.counts.missed) == (5, 4, 1)
    assert (not hosts.asked, counts.warnings) == (True, [])
