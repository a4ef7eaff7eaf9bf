"""What a client sends. Plain JSON, so that any Temporal SDK or the `temporal` CLI can start an export.

Units: recording and video times are seconds unless a name ends in `_ms`; sizes are bytes; lengths are CSS pixels
of the output before `device_scale_factor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from video_export_worker.contract.assets import AssetMode
from video_export_worker.contract.values import StrictValue
from video_export_worker.contract.wording import word
from video_export_worker.errors import InvalidRequest

MAX_WIDTH: Final = 3840
MAX_HEIGHT: Final = 2160
BUCKET_SCHEMES: Final = ("s3", "gs", "az")
REQUEST_SCHEMES: Final = (*BUCKET_SCHEMES, "file")
"""Of the storages that a URI may name."""
SCHEMES: Final = (*REQUEST_SCHEMES, "memory")
"""Memory is of tests."""
FOLLOW_WINDOWS: Final = "follow"
EACH_WINDOW: Final = "each"
MAX_GIF_FPS: Final = 50.0  # GIF delays are centiseconds, and players slow down delays under 2


class VideoFormat(StrEnum):
    """The containers an export can produce."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"


class Quality(StrEnum):
    """How much detail the encoder keeps; `medium` is visually clean for pages of text."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ViewportChoice(StrEnum):
    """Which size of a page that changes it decides the size of the video."""

    LONGEST = "longest"
    LARGEST = "largest"


class ColorScheme(StrEnum):
    """What a page is told that the user prefers."""

    LIGHT = "light"
    DARK = "dark"


class SkipInactivity(StrictValue):
    """How to treat stretches in which the user did nothing."""

    threshold: float = Field(10.0, ge=1, le=3600, description="Seconds without user activity that count as inactive.")
    mode: Literal["cut", "speed"] = Field("cut", description="Cut the stretch out, or play it faster.")
    speed: float = Field(20.0, ge=2, le=1000, description="Factor by which `mode: speed` plays an inactive stretch.")


class Mouse(StrictValue):
    """What is drawn of the recorded mouse."""

    cursor: bool = True
    trail: bool = False
    clicks: bool = True


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMany = BeforeValidator(_as_list)


class VideoExportRequest(StrictValue):
    """One export: which recording, which videos of it, and how they look.

    Use `parse_request` to build one from JSON: it reports every problem at once.
    """

    recording: Annotated[list[str], OneOrMany] = Field(
        min_length=1, max_length=1000, description="URI of the recording, or of its parts in order."
    )
    output: str | None = Field(
        None, description="URI prefix of the results; by default the worker's storage, namespace and workflow id."
    )
    format: Annotated[list[VideoFormat], OneOrMany] = Field(
        default_factory=lambda: [VideoFormat.MP4], min_length=1, description="One format or several."
    )
    width: int | None = Field(None, ge=16, le=MAX_WIDTH, description="By default the recording's, within 1280x720.")
    height: int | None = Field(None, ge=16, le=MAX_HEIGHT, description="By default the recording's, within 1280x720.")
    viewport: ViewportChoice = Field(
        ViewportChoice.LONGEST, description="Which size of the page the video's follows: shown longest, or the largest."
    )
    fps: float = Field(25, ge=1, le=60, description="Frames per second.")
    speed: float = Field(1.0, ge=0.1, le=100, description="Seconds of recording per second of video.")
    start: float = Field(0, ge=0, description="Second of the recording at which the video begins.")
    end: float | None = Field(None, gt=0, description="Second of the recording at which the video ends.")
    windows: str = Field(
        FOLLOW_WINDOWS, min_length=1, max_length=200, description="`follow`, `each`, or the name of a window."
    )
    skip_inactivity: SkipInactivity | None = None
    quality: Quality = Quality.MEDIUM
    device_scale_factor: float = Field(1.0, ge=0.5, le=3)
    mouse: Mouse = Mouse()
    mask_selectors: list[str] = Field(default_factory=list, max_length=100, description="CSS selectors to black out.")
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour behind a smaller page.")
    color_scheme: ColorScheme = Field(ColorScheme.LIGHT, description="What a page is told that the user prefers.")
    assets: AssetMode = Field(
        default=AssetMode.FETCH,
        description="What to do about linked images, fonts and style sheets: `fetch` or `none`.",
    )
    strict: bool = Field(False, description="Refuse a recording with broken events instead of skipping them.")
    priority: int | None = Field(None, ge=1, le=5, description="Temporal priority key: 1 runs first.")
    fairness_key: str | None = Field(
        None, max_length=64, description="Temporal fairness key: tenants share the queue evenly."
    )

    @model_validator(mode="after")
    def _check(self) -> VideoExportRequest:
        problems = _find_conflicts(self.model_dump())
        if problems:
            raise ValueError("; ".join(problems))
        return self


def parse_request(raw: Mapping[str, Any] | Any) -> VideoExportRequest:
    """Build a request from decoded JSON.

    Raises:
        InvalidRequest: with every problem, one a line.
    """
    if not isinstance(raw, Mapping):
        raise InvalidRequest(f"the request must be a JSON object with at least `recording`, not {type(raw).__name__}")
    try:
        return VideoExportRequest.model_validate(dict(raw))
    except ValidationError as error:
        problems = _describe(error)
        # Checks across fields run only once every field is right by itself; a user wants to see all at once.
        problems += [conflict for conflict in _find_conflicts(raw) if f"request: {conflict}" not in problems]
        raise InvalidRequest("\n".join(problems)) from error


def find_uri_problem(uri: str) -> str | None:
    """Say what is wrong with the beginning of a storage URI; None if nothing is."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return f"{uri!r} must be a URI such as s3://bucket/key"
    if scheme in BUCKET_SCHEMES and rest[:1] in ("", "/"):
        return f"{uri!r} names no bucket: write {scheme}://bucket/key"
    if scheme in SCHEMES:
        return None
    if scheme in ("http", "https"):
        return f"{uri!r} is on a web server: upload the recording to the workers' storage and give its URI"
    near = get_close_matches(scheme, REQUEST_SCHEMES, 1, 0.4)
    meant = f"did you mean {near[0]}://?" if near else f"use {', '.join(f'{name}://' for name in REQUEST_SCHEMES)}"
    return f"{uri!r} is in no storage that workers know: {meant}"


def _describe(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"]) or "request"
        shown = "" if problem["type"] in ("missing", "value_error") else f" (given: {problem.get('input')!r:.80})"
        said = word(problem, VideoExportRequest.model_fields)
        lines.extend(f"{where}: {part}{shown}" for part in said.split("; "))
    return lines


def _find_conflicts(values: Mapping[str, Any]) -> list[str]:
    """Problems between fields. Works on unchecked values too: what is no number is left to the field's own check."""

    def number(name: str, default: float) -> float:
        value = values.get(name)
        return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else default

    def texts(name: str) -> list[str]:
        value = _as_list(values.get(name))
        return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

    start, end, fps, scale = (
        number("start", 0),
        number("end", math.inf),
        number("fps", 25),
        number("device_scale_factor", 1),
    )
    width, height = number("width", 0) * scale, number("height", 0) * scale
    formats = texts("format")
    recordings = texts("recording")
    problems = []
    if end <= start:
        problems.append(f"end ({end:g} s) must be after start ({start:g} s)")
    if VideoFormat.GIF in formats and fps > MAX_GIF_FPS:
        problems.append(f"fps {fps:g} is too high for a GIF: at most {MAX_GIF_FPS:g}")
    if len(set(formats)) != len(formats):
        problems.append("format names the same format twice")
    if width > MAX_WIDTH or height > MAX_HEIGHT:
        problems.append(
            f"width x height x device_scale_factor is {width:g}x{height:g} pixels: at most {MAX_WIDTH}x{MAX_HEIGHT}"
        )
    problems += [problem for uri in recordings if (problem := _find_recording_problem(uri)) is not None]
    problems += [problem for uri in texts("output") if (problem := find_uri_problem(uri)) is not None]
    return problems


def _find_recording_problem(uri: str) -> str | None:
    scheme, _, rest = uri.partition("://")
    if (
        (problem := find_uri_problem(uri)) is None
        and scheme in BUCKET_SCHEMES
        and not rest.partition("/")[2].strip("/")
    ):
        return f"{uri!r} is a bucket and no recording in it: write {scheme}://bucket/key"
    return problem
