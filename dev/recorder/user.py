"""A scripted user: moves, clicks, types and scrolls at a person's pace, in the page's own time."""

from __future__ import annotations

import math
from random import Random

from playwright.async_api import Locator, Page

from dev.recorder.windows import Windows

STEP_MS = 20
REACH_MS = 160  # to start moving and to stop on the target: the part of Fitts's law that does not grow with distance
MARGIN = 20  # CSS pixels between a target and the window's edge
MS_PER_BIT = 110  # of the index of difficulty; a practised user with a mouse


class User:
    """Acts on a page whose clock stands still between the actions.

    The page's clock is Playwright's: it is moved by exactly the time that each action takes a person, so ten minutes of
    session take seconds, and the recorder's timestamps, the page's timers and its animation frames all agree.

    Args:
        page: Has a paused clock, which all windows share.
        windows: Records each window that the user opens.
        seed: Of the small irregularities in paths and pauses.
    """

    def __init__(self, page: Page, windows: Windows, seed: int) -> None:
        self.page = page
        self._windows = windows
        self.random = Random(seed)
        self._x, self._y = 640.0, 80.0

    async def wait(self, milliseconds: float) -> None:
        """Let time pass, with timers and animation frames."""
        await self.page.clock.run_for(max(1, round(milliseconds)))

    async def skip(self, minutes: float) -> None:
        """Let minutes pass in which nobody does anything; each due timer fires once."""
        await self.page.clock.fast_forward(round(minutes * 60_000))

    async def move(self, target: str | Locator | tuple[float, float], at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Move the pointer along a slightly bent path, slow at both ends.

        Args:
            target: A selector, an element, or a point of the viewport in CSS pixels.
            at: Where on the element, as parts of its width and height.
        """
        end_x, end_y, size = await self._locate(target, at)
        start_x, start_y = self._x, self._y
        distance = math.hypot(end_x - start_x, end_y - start_y)
        duration = REACH_MS + MS_PER_BIT * math.log2(distance / size + 1)
        bend = self.random.uniform(-0.12, 0.12)
        steps = max(2, round(duration / STEP_MS))
        for step in range(1, steps + 1):
            part = step / steps
            eased = part**3 * (10 - 15 * part + 6 * part**2)  # least jerk, as arms move
            side = math.sin(math.pi * eased) * bend
            self._x = start_x + (end_x - start_x) * eased - (end_y - start_y) * side
            self._y = start_y + (end_y - start_y) * eased + (end_x - start_x) * side
            await self.page.mouse.move(self._x, self._y)
            await self.wait(STEP_MS)

    async def click(self, target: str | Locator | tuple[float, float], at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Move there and click."""
        await self.move(target, at)
        await self.wait(self.random.uniform(60, 140))
        await self.page.mouse.down()
        await self.wait(self.random.uniform(60, 100))
        await self.page.mouse.up()
        await self.wait(self.random.uniform(120, 220))

    async def open(self, target: str | Locator, name: str) -> None:
        """Click what opens another window, and go on in that one."""
        async with self.page.expect_popup() as opening:
            await self.click(target)
        self.page = await opening.value
        await self.page.wait_for_load_state("load")
        await self._windows.begin(name, self.page)
        await self.wait(300)

    async def turn_to(self, name: str) -> None:
        """Go on in a window that is open."""
        await self.wait(700)  # the last batch of mouse moves is sent after half a second
        self.page = self._windows.page_of(name)
        await self.page.bring_to_front()

    async def close(self, name: str, and_turn_to: str) -> None:
        """Close a window, and go on in another one."""
        await self.turn_to(and_turn_to)
        await self._windows.close(name)

    async def drag(self, points: list[tuple[float, float]]) -> None:
        """Press at the first point, move through the others, release at the last."""
        await self.move(points[0])
        await self.page.mouse.down()
        for point in points[1:]:
            await self.move(point)
        await self.page.mouse.up()
        await self.wait(150)

    async def type(self, text: str) -> None:
        """Type into what has the focus, about eight characters a second."""
        for character in text:
            if character.isascii():
                await self.page.keyboard.press("Enter" if character == "\n" else character)
            else:
                await self.page.keyboard.insert_text(character)
            await self.wait(self.random.uniform(70, 170))

    async def press(self, key: str, times: int = 1) -> None:
        """Press a key of the keyboard."""
        for _ in range(times):
            await self.page.keyboard.press(key)
            await self.wait(self.random.uniform(90, 160))

    async def choose(self, select: str, value: str) -> None:
        """Choose an option of a native select."""
        await self.move(select)
        await self.wait(250)
        await self.page.locator(select).select_option(value)
        await self.wait(300)

    async def scroll(self, pixels: float, milliseconds: float) -> None:
        """Turn the wheel evenly over the element under the pointer."""
        steps = max(1, round(milliseconds / (2 * STEP_MS)))
        for _ in range(steps):
            await self.page.mouse.wheel(0, pixels / steps)
            await self.page.evaluate("__nextFrame()")
            await self.wait(2 * STEP_MS)

    async def _locate(
        self, target: str | Locator | tuple[float, float], at: tuple[float, float]
    ) -> tuple[float, float, float]:
        """Return where to go and how small the target is, all in CSS pixels."""
        if isinstance(target, tuple):
            return *target, 20.0
        element = self.page.locator(target) if isinstance(target, str) else target
        box = await element.first.bounding_box()
        height = (self.page.viewport_size or {"height": 0})["height"]
        for _ in range(3):
            if box is None:
                raise LookupError(f"{target} is not visible on {self.page.url}")
            top, bottom = box["y"] - MARGIN, box["y"] + box["height"] + MARGIN
            if top >= 0 and bottom <= height:
                break
            await self.scroll(top if top < 0 else bottom - height, 600)
            box = await element.first.bounding_box()
        if box is None or not 0 <= box["y"] + box["height"] * at[1] < height:
            raise LookupError(f"{target} cannot be scrolled into view on {self.page.url}")
        return box["x"] + box["width"] * at[0], box["y"] + box["height"] * at[1], min(box["width"], box["height"], 80.0)
