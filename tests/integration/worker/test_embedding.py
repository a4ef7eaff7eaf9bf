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
from video_export_worker.recording import parse_recording

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
