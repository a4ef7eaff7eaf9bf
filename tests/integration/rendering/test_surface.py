"""Pictures in the memory of a process: of this one, where what has to come out is known."""

from __future__ import annotations

import os

import numpy as np
import pytest

from video_export_worker.rendering import surface as surfaces
from video_export_worker.rendering.surface import Picture, Surface, find_surfaces, make_pattern, open_surface

WIDTH, HEIGHT, ROWS, MARGIN, SEED = 1280, 720, 64, 32, 20_011


@pytest.fixture
def bitmap() -> Picture:
    """A bitmap whose rows are longer than the picture, which begins with the pattern."""
    whole = np.full((HEIGHT, WIDTH + MARGIN, 4), 255, np.uint8)
    whole[:ROWS, :WIDTH] = make_pattern(SEED, WIDTH, ROWS)
    return whole


def find(bitmap: Picture) -> Surface:
    found = find_surfaces(os.getpid(), make_pattern(SEED, WIDTH, ROWS), HEIGHT)
    [surface] = (surface for surface in found if surface.address == bitmap.ctypes.data)
    return surface


@pytest.mark.parametrize("refused", [False, True], ids=["at once", "by the file"])
def test_a_picture_is_found_and_read(bitmap: Picture, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if refused:
        monkeypatch.setattr(surfaces, "_read_process", lambda *_: -1)
    surface = find(bitmap)
    assert surface.stride == (WIDTH + MARGIN) * 4
    read, close = open_surface(surface)
    try:
        assert np.array_equal(read(), bitmap[:, :WIDTH])
        bitmap[HEIGHT - 1, WIDTH - 1] = (1, 2, 3, 255)
        assert tuple(read()[-1, -1]) == (1, 2, 3, 255)
    finally:
        close()


@pytest.mark.parametrize("refused", [False, True], ids=["at once", "by the file"])
def test_memory_that_is_gone_is_an_error(refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if refused:
        monkeypatch.setattr(surfaces, "_read_process", lambda *_: -1)
    read, close = open_surface(Surface(os.getpid(), 4096, WIDTH * 4, WIDTH, HEIGHT))
    try:
        with pytest.raises(OSError, match=r"ends within the picture|Input/output error"):
            read()
    finally:
        close()
