"""Features of web pages, one small page each, and recordings that go through many of them in one browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.snapshots import START_MS, Page
from video_export_worker.recording import Recording, parse_recording

WIDTH, HEIGHT = 320, 200
FRAME_MS = 40
MEDIA = Path(__file__).parent / "media"


@dataclass(frozen=True)
class Feature:
    """A page that shows one thing.

    Attributes:
        build: makes the page's events, from 0 ms on.
        at: milliseconds at which a golden frame is taken, multiples of 40.
        lasts: milliseconds, a multiple of 40.
        canvas: needs the sandbox mode in which canvases paint.
        pointer: the recorded pointer belongs to the picture.
    """

    build: Callable[[Page], object]
    at: tuple[int, ...]
    lasts: int
    canvas: bool = False

    @property
    def name(self) -> str:
        return self.build.__name__.replace("_", " ")


FEATURES: dict[str, Feature] = {}


def feature(
    *at: int, lasts: int | None = None, canvas: bool = False
) -> Callable[[Callable[[Page], object]], Callable[[Page], object]]:
    """Enter a page into the gallery."""

    def enter(build: Callable[[Page], object]) -> Callable[[Page], object]:
        made = Feature(build, at, lasts or max(at) + 3 * FRAME_MS, canvas)
        FEATURES[made.name] = made
        return build

    return enter


@dataclass(frozen=True)
class Tour:
    """One recording that goes through features, one after the other.

    Attributes:
        begins: milliseconds at which each feature begins.
    """

    recording: Recording
    begins: dict[str, int]


def tour(features: Sequence[Feature]) -> Tour:
    """Each feature is a page of its own: loaded, and begun with a full snapshot."""
    events: list[dict[str, Any]] = []
    begins: dict[str, int] = {}
    at = 0
    for made in features:
        page = Page(WIDTH, HEIGHT)
        made.build(page)
        begins[made.name] = at
        events += [{"type": kind, "timestamp": START_MS + at, "data": {}} for kind in (0, 1)]
        events += [{**event, "timestamp": event["timestamp"] + at} for event in page.events]
        at += made.lasts
    events.append({"type": 5, "timestamp": START_MS + at, "data": {"tag": "end", "payload": {}}})
    return Tour(parse_recording([json.dumps(sorted(events, key=lambda event: event["timestamp"])).encode()]), begins)


def media(name: str, kind: str) -> str:
    """A file as a data URL."""
    return f"data:{kind};base64," + base64.b64encode((MEDIA / name).read_bytes()).decode()


def svg_picture(inner: str, width: int = 40, height: int = 40) -> str:
    """SVG as a data URL that can stand in an attribute and in a style sheet."""
    text = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{inner}</svg>'
    return "data:image/svg+xml," + quote(text)
