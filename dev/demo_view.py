"""How the demo shows itself: one screen that changes on a terminal, plain lines where there is none."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dev.demo_story import Look, Story, describe
from dev.steps import say

COLUMNS = 92  # of the picture
HISTORY = 60  # columns of the strip
_LEVELS = " ▂▄▆█"


class View:
    """Shows a story while it is told.

    Args:
        titles: of the exports, in their order.
    """

    def __init__(self, titles: Sequence[str], console: Console | None = None) -> None:
        self._titles = titles
        self._console = console or Console(file=sys.stdout)
        self._live: Live | None = None

    @contextmanager
    def following(self) -> Iterator[None]:
        """Take the screen until the exports are done, where there is one."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=4) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def show(self, story: Story, news: bool, done: Sequence[str]) -> None:
        """Show where the story is; a line for each change where there is no terminal."""
        if self._live:
            self._live.update(draw(self._titles, story))
            return
        for title in done:
            say(f"done: {title}")
        if news:
            say(describe(story.looks[-1]))


def picture(titles: Sequence[str], story: Story) -> str:
    """Return the screen as an SVG, as it was when most pods worked."""
    console = Console(file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True)
    console.print(draw(titles, story.until(story.busiest)))
    return console.export_svg(title="make demo")


def draw(titles: Sequence[str], story: Story) -> Panel:
    """Return the whole screen."""
    done = dict(story.done)
    exports = Table.grid(padding=(0, 2))
    for title in titles:
        mark = Text("done ", style="green") if title in done else Text("works", style="yellow")
        exports.add_row(mark, title, f"{done[title]:.0f} s" if title in done else "")
    look = story.looks[-1] if story.looks else Look(0, 0, 0, 0, 0, len(titles))
    numbers = Text(describe(look))
    strip = Text(f"pods  {draw_strip(story)}  most {story.most_pods}")
    return Panel(Group(exports, Text(), numbers, strip), title=f"Video exports, {look.at:.0f} s", expand=False)


def draw_strip(story: Story) -> str:
    """Return ready pods over time as one line of blocks, a column for each second or more."""
    if not story.looks:
        return ""
    end = story.looks[-1].at
    width = max(1, min(HISTORY, int(end)))
    most = max(story.most_pods, 1)
    shown = []
    for column in range(width):
        moment = end * (column + 1) / width
        ready = next(look.ready for look in reversed(story.looks) if look.at <= moment or look is story.looks[0])
        shown.append(_LEVELS[-(-ready * (len(_LEVELS) - 1) // most)])
    return "".join(shown)
