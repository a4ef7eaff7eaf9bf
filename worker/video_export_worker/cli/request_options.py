"""Options for how a video looks: the same for `render`, which works here, and `submit`, which asks a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from video_export_worker.cli.request_files import merge
from video_export_worker.contract import (
    AssetMode,
    ColorScheme,
    Quality,
    VideoExportRequest,
    VideoFormat,
    ViewportChoice,
    parse_request,
)

Command = TypeVar("Command", bound=Callable[..., Any])

REQUEST_OPTIONS = (
    click.option(
        "--width", type=int, help="Width of the video in CSS pixels; by default the recording's, within 1280."
    ),
    click.option(
        "--height", type=int, help="Height of the video in CSS pixels; by default the recording's, within 720."
    ),
    click.option(
        "--viewport",
        type=click.Choice([choice.value for choice in ViewportChoice]),
        help="Which size of the page the video's follows: the one shown longest, or the largest (longest).",
    ),
    click.option(
        "--windows",
        metavar="WHICH",
        help="Of several windows: the one in which the user works (follow), a video of each (each), or a name.",
    ),
    click.option("--fps", type=float, help="Frames per second (25)."),
    click.option("--speed", type=float, help="Seconds of recording per second of video (1)."),
    click.option("--start", type=float, help="Second of the recording at which the video begins (0)."),
    click.option("--end", type=float, help="Second of the recording at which the video ends (its end)."),
    click.option(
        "--skip-inactivity",
        type=float,
        metavar="SECONDS",
        help="Cut out stretches without user activity that are longer than this.",
    ),
    click.option(
        "--skip-speed", type=float, metavar="FACTOR", help="Play inactive stretches faster instead of cutting."
    ),
    click.option("--quality", type=click.Choice([quality.value for quality in Quality]), help="Detail kept (medium)."),
    click.option("--scale", "device_scale_factor", type=float, help="Device pixels per CSS pixel (1)."),
    click.option("--cursor/--no-cursor", default=None, help="Draw the recorded mouse (yes)."),
    click.option("--clicks/--no-clicks", default=None, help="Mark clicks (yes)."),
    click.option("--trail/--no-trail", default=None, help="Draw the way the mouse came (no)."),
    click.option("--mask", "mask_selectors", multiple=True, metavar="SELECTOR", help="Hide elements; may be repeated."),
    click.option("--background", metavar="#RRGGBB", help="Colour around a smaller page (#ffffff)."),
    click.option(
        "--color-scheme",
        type=click.Choice([scheme.value for scheme in ColorScheme]),
        help="What a page is told that the user prefers (light).",
    ),
    click.option(
        "--assets",
        type=click.Choice([mode.value for mode in AssetMode]),
        help="What to do about linked images, fonts and style sheets (fetch).",
    ),
    click.option("--strict", is_flag=True, default=None, help="Refuse a recording with broken events."),
)

format_option = click.option(
    "-f",
    "--format",
    "formats",
    type=click.Choice([name.value for name in VideoFormat]),
    multiple=True,
    help="Format of the video (mp4); may be repeated.",
)


def request_options(command: Command) -> Command:
    """Add the options to a click command; their values go to `build_request`."""
    for option in reversed(REQUEST_OPTIONS):
        command = option(command)
    return command


def build_request(
    values: dict[str, Any],
    recordings: Sequence[str],
    formats: Sequence[VideoFormat],
    output: str | None = None,
    fields: Mapping[str, Any] | None = None,
    **more: Any,
) -> VideoExportRequest:
    """Build the request that the options describe; what was not given keeps the contract's default.

    Args:
        values: what click collected for `request_options`.
        recordings: URIs of the recording's parts.
        formats: which videos.
        output: URI prefix of the results.
        fields: those of a request's file; what was given as an option comes first.
        more: further fields of the request.

    Raises:
        InvalidRequest: with every problem, one a line.
    """
    values = dict(values)
    mouse = {name: values.pop(name) for name in ("cursor", "clicks", "trail")}
    threshold, speed = values.pop("skip_inactivity"), values.pop("skip_speed")
    raw = {
        **values,
        "mask_selectors": list(values["mask_selectors"]) or None,
        "recording": list(recordings),
        "format": list(formats) or None,
        "output": output,
        "mouse": _given(mouse) or None,
        "skip_inactivity": None,
        **more,
    }
    if threshold is not None or speed is not None:
        mode = None if speed is None else "speed"
        raw["skip_inactivity"] = _given({"threshold": threshold, "mode": mode, "speed": speed})
    return parse_request(merge(fields or {}, _given(raw)))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
