"""What the replay page answers to the renderer, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where a document begins, in CSS pixels of what holds it, and how large one of its pixels is there."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Masked:
    """What is masked on the page.

    Attributes:
        boxes: x, y, width and height in CSS pixels of the recorded page.
        counts: for each selector how many elements it has covered at once, at most.
    """

    boxes: tuple[tuple[float, float, float, float], ...] = ()
    counts: tuple[int, ...] = ()

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Masked:
        """What the page has answered."""
        return cls(tuple((x, y, width, height) for x, y, width, height in answer["boxes"]), tuple(answer["counts"]))


@dataclass(frozen=True)
class Fault:
    """Something that could not be applied.

    Attributes:
        ordinal: of the event that it came from, in the recording; -1 if it came from none.
        reason: why.
    """

    ordinal: int
    reason: str


@dataclass(frozen=True)
class PageState:
    """What the page is like after a seek.

    Attributes:
        changed: something was applied or moves, so that the next frame may differ.
        animating: something moves by itself, so that every frame may differ.
        moving: it is not only what Blink moves.
        restless: Blink moves something that the page cannot tell the time: see `paint`.
        nested: there are iframes, whose origins the pointer may need.
        unresolved: how often an image or a font did not load in time, since the start.
        left_out: how much could not be applied, since the start.
        viewport: where the recorded viewport is on the stage.
        masked: what is masked.
    """

    changed: bool
    animating: bool
    moving: bool
    restless: bool
    nested: bool
    unresolved: int
    viewport: Origin
    left_out: int = 0
    masked: Masked = Masked()

    @classmethod
    def read(cls, answer: dict[str, Any]) -> PageState:
        """The state that the page has answered."""
        viewport = Origin(*(answer["viewport"][key] for key in ("x", "y", "scale")))
        flags = {key: answer[key] for key in ("changed", "animating", "moving", "restless", "nested", "unresolved")}
        return cls(**flags, viewport=viewport, left_out=answer["leftOut"], masked=Masked.read(answer["masks"]))


@dataclass(frozen=True)
class Replayed:
    """How far the page has come unseen.

    Attributes:
        reached_ms: everything before that time is applied.
        restless: Blink moves something, which has to be seen: see `paint`.
        brought: a picture that moves by itself has come on the way.
    """

    reached_ms: float
    restless: bool
    brought: bool = False
