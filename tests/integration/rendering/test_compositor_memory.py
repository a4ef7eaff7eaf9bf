"""Pictures in the memory of a process: of this one, where what has to come out is known."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from video_export_worker.capture import compositor_memory
from video_export_worker.capture.captures import decode_png
from video_export_worker.capture.compositor_memory import (
    CompositorBitmap,
    find_bitmaps,
    make_opaque,
    make_pattern,
    open_bitmap,
)
from video_export_worker.errors import RenderFailed
from video_export_worker.pictures import Picture

WIDTH, HEIGHT, ROWS, MARGIN, SEED = 1280, 720, 64, 32, 20_011


@pytest.fixture
def bitmap() -> Iterator[Picture]:
    """A bitmap whose rows are longer than the picture, which begins with the pattern. There is no page before it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    shape = (HEIGHT, WIDTH + MARGIN, 4)
    size = math.prod(shape)
    # Shared: a region of its own, whatever else this process takes and gives back.
    flags = (mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    page = libc.mmap(None, ctypes.c_size_t(mmap.PAGESIZE + size), *flags, -1, ctypes.c_long(0))
    assert page != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
    address = page + mmap.PAGESIZE
    libc.munmap(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE))
    whole = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address)).reshape(shape)
    whole[...] = 255
    whole[:ROWS, :WIDTH] = make_pattern(SEED, WIDTH, ROWS)
    yield whole
    libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))


def find(bitmap: Picture) -> CompositorBitmap:
    found = find_bitmaps(os.getpid(), make_pattern(SEED, WIDTH, ROWS), HEIGHT)
    [place] = (place for place in found if place.address == bitmap.ctypes.data)
    return place


@pytest.mark.parametrize("refused", [False, True], ids=["at once", "by the file"])
def test_a_picture_is_found_and_read(bitmap: Picture, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if refused:
        monkeypatch.setattr(compositor_memory, "_read_process", lambda *_: -1)
    place = find(bitmap)
    assert place.stride == (WIDTH + MARGIN) * 4
    read, close = open_bitmap(place)
    try:
        assert np.array_equal(read(), bitmap[:, :WIDTH])
        bitmap[HEIGHT - 1, WIDTH - 1] = (1, 2, 3, 255)
        assert tuple(read()[-1, -1]) == (1, 2, 3, 255)
    finally:
        close()


def test_what_is_given_back_meanwhile_does_not_hide_the_rest(bitmap: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (bitmap.ctypes.data - mmap.PAGESIZE, mmap.PAGESIZE + bitmap.nbytes)
    monkeypatch.setattr(compositor_memory, "_writable_regions", lambda *_: [listed])
    assert find(bitmap).stride == (WIDTH + MARGIN) * 4


@pytest.mark.parametrize("refused", [False, True], ids=["at once", "by the file"])
def test_memory_that_is_gone_is_an_error(refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if refused:
        monkeypatch.setattr(compositor_memory, "_read_process", lambda *_: -1)
    read, close = open_bitmap(CompositorBitmap(os.getpid(), 4096, WIDTH * 4, WIDTH, HEIGHT))
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
