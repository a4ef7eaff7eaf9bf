"""Text in every script shows glyphs, never boxes: told by pixels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import by_product, lay_out, look
from tests.snapshots import Page
from video_export_worker.contract import Mouse
from video_export_worker.replay.settings import ChromiumSettings

CELL = 40
SCRIPTS = {
    "Chinese": "漢字简体",
    "Japanese": "ひらカナ",
    "Korean": "한국어글",
    "Arabic": "ابجد",
    "Hebrew": "אבגד",
    "Devanagari": "अआकख",
    "Bengali": "অআকখ",
    "Tamil": "அஆகங",
    "Thai": "กขคง",
    "Cyrillic": "ДЖЩЯ",
    "Greek": "ΑΩλξ",
    "Georgian": "აბგდ",
    "symbols": "→✓★☎",
    "emoji": "😀🚄🍱🙏",
}
NO_CHARACTER = "\U000effff"  # never assigned: whatever stands for it stands for every character that no font has


@pytest.fixture(scope="session")
async def cells(chromium: ChromiumSettings) -> dict[str, list[Picture]]:
    """A picture of each character, by script; those of the character that no font has are under its name."""
    page = Page(CELL * 4, CELL * (len(SCRIPTS) + 1))
    rows = [
        page.element("p", *(page.element("b", sign) for sign in text)) for text in [*SCRIPTS.values(), NO_CHARACTER * 4]
    ]
    css = (
        f"p{{margin:0;height:{CELL}px;direction:ltr}} b{{display:inline-block;overflow:hidden;"
        f"width:{CELL}px;height:{CELL}px;font:24px/{CELL}px sans-serif}}"
    )
    page.show(page.document(rows, css)).end(40)
    recording = page.recording()
    options = look(recording, mouse=Mouse(cursor=False))
    shown = (await by_product(recording, lay_out(recording), options, chromium))[0]
    names = [*SCRIPTS, NO_CHARACTER]
    return {
        name: [shown[row * CELL : row * CELL + CELL, column * CELL : column * CELL + CELL] for column in range(4)]
        for row, name in enumerate(names)
    }


@pytest.mark.parametrize("script", SCRIPTS)
async def test_glyphs_are_shown(script: str, cells: dict[str, list[Picture]]) -> None:
    box = cells[NO_CHARACTER][0]
    for sign, cell in zip(SCRIPTS[script], cells[script], strict=True):
        assert (cell < 128).any(), f"nothing is shown for {sign}"
        assert not np.array_equal(_ink(cell), _ink(box)), f"a box is shown for {sign}: no font has it"
    inks = {_ink(cell).tobytes() for cell in cells[script]}
    assert len(inks) == 4, f"different characters of {script} look the same"


async def test_emoji_have_colours(cells: dict[str, list[Picture]]) -> None:
    for cell in cells["emoji"]:
        assert (cell.max(axis=2).astype(int) - cell.min(axis=2)).max() > 100


async def test_the_box_is_known(cells: dict[str, list[Picture]]) -> None:
    """Without it the tests above could not fail."""
    box = cells[NO_CHARACTER][0]
    assert (box < 128).any()
    assert all(np.array_equal(_ink(box), _ink(other)) for other in cells[NO_CHARACTER])


def _ink(cell: Picture) -> Picture:
    """The drawn part alone: where in its cell it stands depends on its width."""
    rows, columns = np.nonzero((cell < 250).any(axis=2))
    if not len(rows):
        return cell[:0]
    return cell[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
