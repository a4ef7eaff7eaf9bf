"""What a rendering is told, and what it tells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from video_export_worker.contract import ColorScheme, Mouse
from video_export_worker.replay.page import Stage


@dataclass(frozen=True)
class RenderOptions:
    """How the page is shown.

    Attributes:
        width: of the video in device pixels.
        height: of the video in device pixels.
        device_scale_factor: device pixels per CSS pixel.
        mask_selectors: elements that are covered.
        page: size of the page that the video is made for, in CSS pixels; by default the recording's first.
        color_scheme: what a page is told that the user prefers.
        strict: end where something of the recording cannot be applied.
        enlarge: scale a smaller page up to the video's size instead of showing it on the background.
    """

    width: int
    height: int
    device_scale_factor: float = 1.0
    background: str = "#ffffff"
    mouse: Mouse = field(default_factory=Mouse)
    mask_selectors: tuple[str, ...] = ()
    enlarge: bool = False
    page: tuple[int, int] | None = None
    color_scheme: ColorScheme = ColorScheme.LIGHT
    strict: bool = False

    @property
    def stage(self) -> Stage:
        """The page's size."""
        return stage_of(self.width, self.height, self.device_scale_factor)


def stage_of(width: int, height: int, ratio: float) -> Stage:
    """The page for a video of so many device pixels: rounded up, the surplus is cut off the captured picture."""
    return Stage(math.ceil(width / ratio), math.ceil(height / ratio), ratio)


@dataclass
class RenderCounts:
    """What the renderer did; filled while it runs.

    Attributes:
        reported: faults of the recording, of which only the first are among the warnings.
        masked: for each mask selector how many elements it has covered at once, at most.
        colours: of the pictures that have one each, and `MANY` if there are others; at most two.
    """

    steps: int = 0
    captures: int = 0
    restarts: int = 0
    reported: int = 0
    masked: dict[str, int] = field(default_factory=dict)
    colours: set[int] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
