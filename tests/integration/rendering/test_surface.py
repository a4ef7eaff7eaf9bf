"""Pictures in the memory of a process: of this one, where what has to come out is known."""

from __future__ import annotations

import os
from fractions import Fraction

import av
import numpy as np
import pytest

from video_export_worker.errors import RenderFailed
from video_export_worker.rendering import surface as surfaces
from video_export_worker.rendering.captures import decode_png
from video_export_worker.rendering.surface import (
    Picture,
    Surface,
    find_surfaces,
    make_opaque,
    make_pattern,
    open_surface,
)

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


def test_a_frame_on_which_nothing_is_painted_is_an_error() -> None:
    blank = np.zeros((8, 8, 4), np.uint8)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 8, 8, "rgba", Fraction(1)
    [png] = encoder.encode(av.VideoFrame.from_ndarray(blank, format="rgba"))
    with pytest.raises(RenderFailed, match="capture: a blank frame"):
        decode_png(bytes(png))
    with pytest.raises(RenderFailed, match="capture: a blank frame"):
        make_opaque(blank.copy())


def test_what_is_partly_transparent_gets_its_own_colour() -> None:
    picture = np.full((8, 8, 4), 255, np.uint8)
    picture[0, 0] = (50, 100, 0, 100)
    assert tuple(make_opaque(picture)[0, 0]) == (128, 255, 0, 255)
