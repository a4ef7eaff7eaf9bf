"""A recording that holds what it links to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.asset_hosts import AssetHosts, serving_assets
from tests.snapshots import Page
from video_export_worker.assets.links import LinkFinder
from video_export_worker.assets.recorded import RecordedFiles
from video_export_worker.cli import cli
from video_export_worker.recording import Event, Recording, parse_recording

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        yield serving


def test_an_embedded_recording_holds_its_assets(
    hosts: AssetHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_HOSTS", "127.0.0.1@127.0.0.0/8")
    image, gone = hosts.put("/a.png", PNG, host="127.0.0.1"), hosts.url("/gone.png", "127.0.0.1")
    page = Page()
    page.show(page.document([page.element("img", src=image), page.element("img", src=gone)])).end(500)
    source, target = tmp_path / "recording.json", tmp_path / "new.json"
    source.write_text(json.dumps(page.events))
    done = CliRunner().invoke(cli, ["embed", str(source), "-o", str(target), "--json"], catch_exceptions=False)
    counts = json.loads(done.output)["assets"]
    assert (counts["found"], counts["fetched"], counts["missing"][0]["reason"]) == (2, 1, "NotFound")
    links = LinkFinder(RecordedFiles(tmp_path / "files").keep)
    before = parse_recording([source.read_bytes()])
    after = parse_recording([target.read_bytes()], observer=links)
    (asset,) = (links.recorded[url] for url in [image])
    assert (tmp_path / "files" / asset.sha256).read_bytes() == PNG
    assert (after.duration_ms, after.warnings) == (before.duration_ms, before.warnings)
    assert after.events[: len(before.events)] == before.events
    listed = CliRunner().invoke(cli, ["inspect", str(source), "--json"], catch_exceptions=False)
    assert json.loads(listed.output)["linked_hosts"] == {f"127.0.0.1:{hosts.port}": 2}


def test_an_embedded_session_keeps_its_windows(
    hosts: AssetHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_HOSTS", "127.0.0.1@127.0.0.0/8")
    images = [hosts.put(f"/{name}.png", PNG, host="127.0.0.1") for name in "abc"]
    lines = []
    for window, image, begin in (('a "b"', images[0], 0), (None, images[1], 700), ("c", images[2], 300)):
        page = Page()
        shown = page.element("img", src=image)
        page.show(page.document([shown]), begin).move(begin + 100, 5, 5, shown).end(begin + 500)
        lines += [json.dumps(event if window is None else [window, event]) for event in page.events]
    source, target = tmp_path / "recording.json", tmp_path / "new.json"
    source.write_text("\n".join(lines))
    CliRunner().invoke(cli, ["embed", str(source), "-o", str(target)], catch_exceptions=False)
    links = LinkFinder(RecordedFiles(tmp_path / "files").keep)
    before = parse_recording([source.read_bytes()])
    after = parse_recording([target.read_bytes()], observer=links)
    assert set(links.recorded) == set(links.uses) == set(images)

    def windows(recording: Recording) -> dict[str | None, list[Event]]:
        held = recording.session.values()
        return {
            window.index.windows[window.index.number].name: [event for event in window.events if event["type"] != 7]
            for window in held
        }

    assert windows(after) == windows(before)
    assert set(windows(after)) == {'a "b"', None, "c"}
    assert after.warnings == before.warnings == []
    lengths = [
        {index.windows[index.number].name: index.duration_ms for index in recording.index.session}
        for recording in (before, after)
    ]
    assert lengths[0] == lengths[1] == {'a "b"': 500, None: 1200, "c": 800}


def test_a_style_sheet_that_has_moved_is_embedded_at_both_places(
    hosts: AssetHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_HOSTS", "127.0.0.1@127.0.0.0/8")
    style = b"p { background: url(a.png) }"
    image = hosts.put("/theme@2/a.png", PNG, host="127.0.0.1")
    moved = hosts.put("/theme@2/app.css", style, host="127.0.0.1")
    sheet = hosts.put("/theme", status=302, headers={"Location": moved}, host="127.0.0.1")
    page = Page()
    linked = page.element("link", rel="stylesheet", href=sheet)
    page.show(page.document([page.element("p", "text")], head=[linked])).end(500)
    source, target = tmp_path / "recording.json", tmp_path / "new.json"
    source.write_text(json.dumps(page.events))
    CliRunner().invoke(cli, ["embed", str(source), "-o", str(target)], catch_exceptions=False)
    links = LinkFinder(RecordedFiles(tmp_path / "files").keep)
    parse_recording([target.read_bytes()], observer=links)
    held = {url: (tmp_path / "files" / asset.sha256).read_bytes() for url, asset in links.recorded.items()}
    assert held == {sheet: f'@import url("{moved}");'.encode(), moved: style, image: PNG}


def test_what_is_too_long_for_a_video_can_be_embedded(
    hosts: AssetHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VIDEO_EXPORT_ASSET_HOSTS", "127.0.0.1@127.0.0.0/8")
    page = Page()
    image = page.element("img", src=hosts.put("/a.png", PNG, host="127.0.0.1"))
    page.show(page.document([image])).end(9 * 3_600_000)
    source, target = tmp_path / "recording.json", tmp_path / "new.json"
    source.write_text(json.dumps(page.events))
    done = CliRunner().invoke(cli, ["embed", str(source), "-o", str(target), "--json"], catch_exceptions=False)
    assert json.loads(done.output)["assets"]["fetched"] == 1
