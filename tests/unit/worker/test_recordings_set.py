"""The committed recordings are what their README says: small, readable, and each with its feature."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.recorder.__main__ import MAX_BYTES
from dev.recorder.scenarios import SCENARIOS
from dev.recorder.session import write
from video_export_worker.planning.windows import follow_user, window_at
from video_export_worker.recording import Recording, Source, parse_recording, source_of
from video_export_worker.recording.events import snapshot_nodes

FOLDER = Path(__file__).parents[2] / "recordings"


def load(name: str) -> Recording:
    return parse_recording([(FOLDER / f"{name}.json.gz").read_bytes()], strict=True)


def count(recording: Recording, source: Source) -> int:
    return sum(source_of(event) == source for event in recording.events)


def tags(recording: Recording) -> Counter[str]:
    return Counter(node["tagName"] for event in recording.events for node in snapshot_nodes(event) if "tagName" in node)


def styles(recording: Recording) -> str:
    return json.dumps([node for event in recording.events for node in snapshot_nodes(event)])


def has_form(recording: Recording) -> None:
    assert 60_000 <= recording.duration_ms <= 120_000
    assert recording.find_idle(5) == []
    assert len(recording.events) / (recording.duration_ms / 1000) >= 5
    assert count(recording, Source.INPUT) > 150
    assert {"input", "select", "textarea", "button", "option"} <= set(tags(recording))


def has_long_list(recording: Recording) -> None:
    scrolls = [event for event in recording.events if source_of(event) == Source.SCROLL]
    assert 15_000 <= recording.duration_ms <= 30_000
    assert len(scrolls) > 150
    assert max(event["data"]["y"] for event in scrolls) > 8000


def has_animations(recording: Recording) -> None:
    assert 15_000 <= recording.duration_ms <= 25_000
    assert styles(recording).count("@keyframes") >= 5
    assert "infinite" in styles(recording)
    assert "transition" in styles(recording)
    assert not recording.has_canvas


def has_canvas(recording: Recording) -> None:
    assert 12_000 <= recording.duration_ms <= 25_000
    assert recording.has_canvas
    drawn = [event["data"]["id"] for event in recording.events if source_of(event) == Source.CANVAS_MUTATION]
    assert min(Counter(drawn).values()) > 20
    assert len(set(drawn)) == 2


def has_iframes(recording: Recording) -> None:
    documents = [
        add["parentId"]
        for event in recording.events
        if source_of(event) == Source.MUTATION
        for add in event["data"]["adds"]
        if event["data"].get("isAttachIframe")
    ]
    assert len(documents) >= 2
    assert tags(recording)["iframe"] >= 2
    assert {click.kind for click in recording.mouse if hasattr(click, "kind")} >= {"down", "up", "click"}


def has_shadow_roots(recording: Recording) -> None:
    nodes = [node for event in recording.events for node in snapshot_nodes(event)]
    assert sum(bool(node.get("isShadowHost")) for node in nodes) >= 8
    assert count(recording, Source.ADOPTED_STYLE_SHEET) >= 5
    assert count(recording, Source.STYLE_SHEET_RULE) >= 2


def has_resizes(recording: Recording) -> None:
    sizes = [(width, height) for _, width, height in recording.viewports]
    assert sizes == [(1280, 720), (1024, 720), (820, 700), (390, 760), (1100, 620)]


def has_idle_time(recording: Recording) -> None:
    assert 595_000 <= recording.duration_ms <= 620_000
    assert sum(end - start for start, end in recording.find_idle(10)) > 540_000
    assert len(recording.activity_ms) > 30


def has_scripts(recording: Recording) -> None:
    text = json.dumps(recording.events, ensure_ascii=False)
    for sample in ("你好", "喫茶店", "환승역", "شكرًا", "रास्ते", "ชานชาลา", "תחנה", "Камера", "👩‍👩‍👧", "🇯🇵", "👍🏽"):
        assert sample in text
    assert "明天见！🚄" in text


def has_windows(recording: Recording) -> None:
    windows = {str(window.name): window for window in recording.index.session}
    assert sorted(windows, key=lambda name: windows[name].begin_ms) == ["catalogue", "lamp", "help"]
    assert windows["help"].viewport == (480, 360)
    catalogue = windows["catalogue"]
    assert len(catalogue.snapshots) > 3, "the recorder has taken checkouts"
    schedule = follow_user(recording.index.session)
    assert len(schedule) >= 6
    changed = catalogue.offset_ms[catalogue.source == Source.MUTATION].tolist()
    assert any(window_at(schedule, at) != catalogue.number for at in changed), "it changes while it is hidden"


def has_links(recording: Recording) -> None:
    text = json.dumps(recording.events)
    assert "http://cdn.recorder.test/shop.css" in text
    assert text.count("http://static.recorder.test/") >= 6
    assert count(recording, Source.MUTATION) >= 4


FEATURES: dict[str, Callable[[Recording], None]] = {
    "form": has_form,
    "long-list": has_long_list,
    "animations": has_animations,
    "canvas": has_canvas,
    "iframe": has_iframes,
    "shadow-dom": has_shadow_roots,
    "resize": has_resizes,
    "idle": has_idle_time,
    "text": has_scripts,
    "linked": has_links,
    "windows": has_windows,
}


@pytest.mark.parametrize("name", FEATURES)
def test_each_recording_has_its_feature(name: str) -> None:
    recording = load(name)
    assert recording.warnings == []
    assert recording.viewport == SCENARIOS[name].viewport
    FEATURES[name](recording)


def test_there_is_a_recording_for_each_scenario_and_no_other_file() -> None:
    assert set(FEATURES) == set(SCENARIOS)
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", *(f"{name}.json.gz" for name in SCENARIOS)}
    readme = (FOLDER / "README.md").read_text()
    assert all(f"| `{name}` |" in readme for name in SCENARIOS)


@pytest.mark.parametrize("name", FEATURES)
def test_each_recording_is_small_and_names_no_machine(name: str) -> None:
    data = (FOLDER / f"{name}.json.gz").read_bytes()
    assert len(data) < MAX_BYTES
    recorded = parse_recording([data]).session.values()
    urls: list[Any] = [event["data"]["href"] for held in recorded for event in held.events if event["type"] == 4]
    assert all(url.startswith("http://recorder.test/") for url in urls)


def test_the_same_events_are_written_as_the_same_file(tmp_path: Path) -> None:
    """Otherwise making a recording again would change it without a change."""
    data = (FOLDER / "text.json.gz").read_bytes()
    size = write({"": json.loads(gzip.decompress(data))}, tmp_path / "again.json.gz")
    assert gzip.decompress((tmp_path / "again.json.gz").read_bytes()) == gzip.decompress(data)
    assert (tmp_path / "again.json.gz").read_bytes()[4:8] == bytes(4)
    assert size == (tmp_path / "again.json.gz").stat().st_size
