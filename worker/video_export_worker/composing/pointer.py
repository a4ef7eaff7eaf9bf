"""The recorded mouse, drawn on captured frames: outside Chromium it costs no capture and has no clock of its own."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from video_export_worker.contract import Mouse
from video_export_worker.pictures import Picture, Rows
from video_export_worker.recording.mouse import ClickKind, MouseClick, MouseMove

Coverage = NDArray[np.float32]
Point = tuple[float, float]
# Maps a recorded position, in the viewport of the document that holds the node, to pixels of the video.
Projection = Callable[[float, float, int], Point]

# The pointer arrives at a recorded position at its time. It sets out at the position before, but at most this long
# ahead: recorders sample moves every 50 ms, and a longer gap means that the mouse was at rest.
TRAVEL_MS = 50.0
CLICK_MS = 400.0
TRAIL_MS = 600.0
CLICK_KINDS = (ClickKind.DOWN, ClickKind.TOUCH_START)
# What a browser makes of a touch for pages that know mice only comes this soon after it.
EMULATED_MS = 700.0
CLICK_RADII = (6.0, 22.0)  # CSS pixels, at the begin and the end of a click's mark
ACCENT = (66, 99, 235)
SUPERSAMPLING = 4
FARTHEST = 1e6  # pixels
# Outline of the arrow in CSS pixels, its tip at the origin.
ARROW = ((0, 0), (0, 16.5), (3.9, 12.9), (6.4, 18.7), (8.7, 17.7), (6.2, 12.0), (11.5, 12.0))
TOUCH_RADIUS = 14.0
REACH = 26.0  # CSS pixels: how far any mark reaches from its point


@dataclass(frozen=True)
class PointerMarks:
    """What is to be drawn at one moment, in whole pixels of the video: equal marks look the same.

    Attributes:
        tip: where the pointer is; None before it was first seen.
        touch: a finger, not a mouse.
        clicks: (x, y, progress in hundredths) of the clicks whose mark is still visible.
        trail: where the pointer has just been, oldest first.
    """

    tip: tuple[int, int] | None = None
    touch: bool = False
    clicks: tuple[tuple[int, int, int], ...] = ()
    trail: tuple[tuple[int, int], ...] = ()


class PointerPath:
    """Where the pointer is at any time of the recording."""

    def __init__(self, actions: Sequence[MouseMove | MouseClick], show: Mouse) -> None:
        self._show = show
        actions = list(_without_emulated(actions))
        moves: list[MouseMove] = []
        lifted: list[bool] = []  # the finger is gone from there
        for action in actions:
            touch = isinstance(action, MouseMove) and action.touch
            touch = touch or (isinstance(action, MouseClick) and action.kind is ClickKind.TOUCH_START)
            moves.append(MouseMove(action.offset_ms, action.x, action.y, touch, action.node))
            lifted.append(isinstance(action, MouseClick) and action.kind is ClickKind.TOUCH_END)
        self._moves = moves
        self._lifted = lifted
        self._times = [move.offset_ms for move in moves]
        self._clicks = [a for a in actions if isinstance(a, MouseClick) and a.kind in CLICK_KINDS]
        self._click_times = [click.offset_ms for click in self._clicks]

    def marks_at(self, at_ms: float, project: Projection) -> PointerMarks:
        """What is drawn at `at_ms` of the recording."""
        tip = self._position(at_ms, project) if self._show.cursor and self._moves else None
        reached = bisect.bisect_right(self._times, at_ms)
        touch = reached > 0 and self._moves[reached - 1].touch
        if reached and self._lifted[reached - 1]:
            tip = None
        return PointerMarks(
            tip and _whole(tip),
            touch,
            self._marks_of_clicks(at_ms, project) if self._show.clicks else (),
            self._trail(at_ms, tip, project) if self._show.trail and tip else (),
        )

    def _position(self, at_ms: float, project: Projection) -> Point | None:
        reached = bisect.bisect_right(self._times, at_ms)
        here = _place(self._moves[reached - 1], project) if reached else None
        if reached == len(self._moves):
            return here
        ahead = self._moves[reached]
        if here is None:
            return None
        departure = max(self._times[reached - 1], ahead.offset_ms - TRAVEL_MS)
        if at_ms <= departure:
            return here
        share = (at_ms - departure) / (ahead.offset_ms - departure)
        there = _place(ahead, project)
        return here[0] + (there[0] - here[0]) * share, here[1] + (there[1] - here[1]) * share

    def _marks_of_clicks(self, at_ms: float, project: Projection) -> tuple[tuple[int, int, int], ...]:
        first = bisect.bisect_right(self._click_times, at_ms - CLICK_MS)
        last = bisect.bisect_right(self._click_times, at_ms)
        return tuple(
            (*_whole(_place(click, project)), int(100 * (at_ms - click.offset_ms) / CLICK_MS))
            for click in self._clicks[first:last]
        )

    def _trail(self, at_ms: float, tip: Point, project: Projection) -> tuple[tuple[int, int], ...]:
        first = bisect.bisect_left(self._times, at_ms - TRAIL_MS)
        last = bisect.bisect_right(self._times, at_ms)
        points = [_whole(_place(move, project)) for move in self._moves[first:last]] + [_whole(tip)]
        return tuple(points) if len(set(points)) > 1 else ()


def draw_marks(picture: Picture, marks: PointerMarks, scale: float) -> Picture:
    """A copy of `picture` (height x width x 4, BGRA) with the marks on it; `scale` is device pixels per CSS pixel."""
    if marks == PointerMarks():
        return picture
    drawn = picture.copy()
    for start, end in zip(marks.trail, marks.trail[1:], strict=False):
        _draw_line(drawn, start, end, 1.5 * scale)
    for x, y, progress in marks.clicks:
        share = progress / 100
        radius = (CLICK_RADII[0] + (CLICK_RADII[1] - CLICK_RADII[0]) * share) * scale
        ring, offset = _ring(radius, 3.0 * scale)
        _blend(drawn, x + offset, y + offset, ring * np.float32(0.8 * (1 - share)), ACCENT)
    if marks.tip and marks.touch:
        ring, offset = _ring(TOUCH_RADIUS * scale, 3.0 * scale)
        _blend(drawn, marks.tip[0] + offset, marks.tip[1] + offset, ring * np.float32(0.7), ACCENT)
    elif marks.tip:
        for coverage, margin, colour in _arrow(scale):
            _blend(drawn, marks.tip[0] - margin, marks.tip[1] - margin, coverage, colour)
    return drawn


def rows_of_marks(marks: PointerMarks, scale: float, height: int) -> Rows:
    """For each row of a picture whether `draw_marks` may draw on it."""
    rows = np.zeros(height, bool)
    reach = math.ceil(REACH * scale) + 4  # pixels that round up at each of a mark's edges

    def cover(first: float, last: float) -> None:
        rows[max(0, math.floor(first) - reach) : max(0, math.ceil(last) + reach)] = True

    for (_, start), (_, end) in zip(marks.trail, marks.trail[1:], strict=False):
        cover(min(start, end), max(start, end))
    for _, y, _ in marks.clicks:
        cover(y, y)
    if marks.tip:
        cover(marks.tip[1], marks.tip[1])
    return rows


def _without_emulated(actions: Sequence[MouseMove | MouseClick]) -> Iterator[MouseMove | MouseClick]:
    """What mice and fingers did, without the mouse that a browser pretends after a touch."""
    until = 0.0
    for action in actions:
        if isinstance(action, MouseClick) and action.kind is ClickKind.TOUCH_END:
            until = action.offset_ms + EMULATED_MS
        elif isinstance(action, MouseClick) and action.kind is not ClickKind.TOUCH_START and action.offset_ms < until:
            continue
        yield action


def _place(at: MouseMove | MouseClick, project: Projection) -> Point:
    """Where that is in the video. What is farther away than any screen is large is brought nearer, where it is as
    unseen: numbers near the largest would become infinite.
    """
    x, y = project(_bring_nearer(at.x), _bring_nearer(at.y), at.node)
    return _bring_nearer(x), _bring_nearer(y)  # a frame may be enlarged without end


def _bring_nearer(length: float) -> float:
    return max(-FARTHEST, min(FARTHEST, length))


def _whole(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _blend(picture: Picture, left: int, top: int, coverage: Coverage, colour: tuple[int, int, int]) -> None:
    """Lay a colour over the picture where `coverage` (0 to 1) says so, cut off at the picture's edges."""
    height, width = picture.shape[:2]
    rows, columns = coverage.shape
    y0, y1, x0, x1 = max(0, top), min(height, top + rows), max(0, left), min(width, left + columns)
    if y0 >= y1 or x0 >= x1:
        return
    part = coverage[y0 - top : y1 - top, x0 - left : x1 - left, None]
    under = picture[y0:y1, x0:x1, :3]
    blended = under + (np.array(colour[::-1], np.float32) - under) * part
    picture[y0:y1, x0:x1, :3] = np.rint(blended).astype(np.uint8)


@lru_cache(maxsize=8)
def _arrow(scale: float) -> tuple[tuple[Coverage, int, tuple[int, int, int]], ...]:
    """The arrow as layers (coverage, margin around the tip in pixels, colour): a white border below a dark body."""
    margin = int(np.ceil(2 * scale)) + 1
    size = int(np.ceil(20 * scale)) + 2 * margin
    y, x = _sample_points(size)
    x, y = (x - margin) / scale, (y - margin) / scale
    inside = np.zeros(x.shape, bool)
    distance = np.full(x.shape, np.inf)
    for (ax, ay), (bx, by) in zip(ARROW, ARROW[1:] + ARROW[:1], strict=True):
        crosses = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
        distance = np.minimum(distance, _distance(x, y, (ax, ay), (bx, by)))
    return (
        (_average(inside | (distance < 1.3)), margin, (255, 255, 255)),
        (_average(inside), margin, (24, 24, 27)),
    )


@lru_cache(maxsize=256)
def _ring(radius: float, thickness: float) -> tuple[Coverage, int]:
    """A circle's coverage and the offset from its centre to the coverage's corner, in pixels."""
    reach = int(np.ceil(radius + thickness))
    y, x = _sample_points(2 * reach + 1)
    distance = np.hypot(x - reach - 0.5, y - reach - 0.5)
    return _average(np.abs(distance - radius) < thickness / 2), -reach


def _draw_line(picture: Picture, start: tuple[int, int], end: tuple[int, int], half: float) -> None:
    reach = int(np.ceil(half)) + 1
    # Of what is outside of the picture nothing is computed: a recording may say that the pointer was very far away.
    left, right = _between(start[0], end[0], reach, picture.shape[1])
    top, bottom = _between(start[1], end[1], reach, picture.shape[0])
    if left >= right or top >= bottom:
        return
    y, x = np.mgrid[0 : bottom - top, 0 : right - left].astype(np.float32)
    distance = _distance(x, y, (start[0] - left, start[1] - top), (end[0] - left, end[1] - top))
    coverage = np.clip(half + 0.5 - distance, 0, 1).astype(np.float32) * np.float32(0.6)
    _blend(picture, left, top, coverage, ACCENT)


def _between(one: int, other: int, reach: int, size: int) -> tuple[int, int]:
    """From where to where a line reaches, within the picture and a line's width around it."""
    return max(min(one, other) - reach, -2 * reach), min(max(one, other) + reach, size + 2 * reach)


def _distance(x: NDArray[np.floating], y: NDArray[np.floating], start: Point, end: Point) -> NDArray[np.floating]:
    """Distance of each point from a line segment."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy or 1.0
    share = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / length, 0, 1)
    distance: NDArray[np.floating] = np.hypot(x - start[0] - share * dx, y - start[1] - share * dy)
    return distance


def _sample_points(size: int) -> NDArray[np.floating]:
    """Rows and columns of the sample points of a square of `size` pixels."""
    return (np.mgrid[0 : size * SUPERSAMPLING, 0 : size * SUPERSAMPLING] + 0.5) / SUPERSAMPLING


def _average(samples: NDArray[np.bool_]) -> Coverage:
    size = samples.shape[0] // SUPERSAMPLING
    covered: Coverage = samples.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING).mean((1, 3)).astype(np.float32)
    return covered
