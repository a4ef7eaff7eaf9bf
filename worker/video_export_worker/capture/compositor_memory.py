"""Reads the compositor's picture out of the memory of Chromium's GPU process: a fiftieth of a screenshot's time.

Headless Chromium composites into one bitmap that stays where it is as long as the window keeps its size. It is found
by a pattern that the page paints, and it is the one that shows a second pattern too. All of this depends on Chromium's
insides, so it is an accelerator: where it does not work, or stops agreeing with screenshots, those take over.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.errors import RenderFailed
from video_export_worker.pictures import Picture

OPAQUE: Final = 0xFF000000  # of a little-endian BGRA pixel

# Paints the first rows of the window with a pattern that no page has, the same as `make_pattern` here.
PATTERN: Final = """((seed, rows) => {
  let canvas = document.getElementById("video-export-pattern");
  if (!canvas) {
    canvas = document.createElement("canvas");
    canvas.id = "video-export-pattern";
    canvas.width = Math.ceil(innerWidth * devicePixelRatio);
    canvas.height = rows;
    canvas.style.cssText = "position:fixed;left:0;top:0;z-index:2147483647;image-rendering:pixelated;" +
      `width:${canvas.width / devicePixelRatio}px;height:${canvas.height / devicePixelRatio}px`;
    document.body.append(canvas);
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const words = new Uint32Array(image.data.buffer);
  for (let y = 0, at = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++)
      words[at++] = (Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + seed, 0x85ebca6b)) | 0xff000000;
  context.putImageData(image, 0, 0);
})(%d, %d)"""
REMOVE_PATTERN: Final = 'document.getElementById("video-export-pattern")?.remove()'


_read_process = ctypes.CDLL(None).process_vm_readv  # process_vm_readv(2)
_read_process.restype = ctypes.c_ssize_t


class _Span(ctypes.Structure):
    """Where some memory is, and how much: `struct iovec`."""

    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t))


@dataclass(frozen=True)
class CompositorBitmap:
    """Where a process keeps the picture.

    Attributes:
        process: id of the process.
        address: of the first pixel.
        stride: bytes from one row to the next.
        width: pixels.
        height: pixels.
    """

    process: int
    address: int
    stride: int
    width: int
    height: int


def make_pattern(seed: int, width: int, rows: int) -> Picture:
    """The pattern as Chromium's bitmap has it: rows x width x 4, BGRA."""
    x = (np.arange(1, width + 1, dtype=np.uint64) * 0x9E3779B1).astype(np.uint32)
    y = (np.arange(seed, seed + rows, dtype=np.uint64) * 0x85EBCA6B).astype(np.uint32)
    words = (y[:, None] ^ x[None, :]) | np.uint32(OPAQUE)
    return np.ascontiguousarray(words.view(np.uint8).reshape(rows, width, 4)[..., [2, 1, 0, 3]])


def find_bitmaps(process: int, pattern: Picture, height: int) -> list[CompositorBitmap]:
    """Every place in the writable memory of `process` where a picture of `height` rows may begin with the pattern.

    Raises:
        OSError: this process may not read that one's memory.
    """
    width = pattern.shape[1]
    first, second = pattern[0].tobytes(), pattern[1].tobytes()
    found = []
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for start, data in _read_regions(memory.fileno(), _writable_regions(process, width * height * 4)):
            at = data.find(first)
            while at >= 0:
                stride = data.find(second, at + len(first)) - at
                if 0 < stride < 2 * len(first):
                    found.append(CompositorBitmap(process, start + at, stride, width, height))
                at = data.find(first, at + 1)
    return found


def open_bitmap(bitmap: CompositorBitmap) -> tuple[Callable[[], Picture], Callable[[], None]]:
    """A function that reads the picture (height x width x 4, BGRA; raises OSError), and one that ends the reading."""
    memory = os.open(f"/proc/{bitmap.process}/mem", os.O_RDONLY | os.O_CLOEXEC)
    size = bitmap.stride * bitmap.height

    def copy_by_file(data: NDArray[np.uint8]) -> int:
        return os.preadv(memory, [data.data], bitmap.address)

    def copy_at_once(data: NDArray[np.uint8]) -> int:
        here, there = _Span(data.ctypes.data, size), _Span(bitmap.address, size)
        count: int = _read_process(bitmap.process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        return count

    # A quarter of the file's time, but refused by some container runtimes.
    copy = copy_at_once if copy_at_once(np.empty(size, np.uint8)) == size else copy_by_file

    def read() -> Picture:
        data = np.empty(size, np.uint8)
        if copy(data) != size:
            raise OSError(f"the memory of process {bitmap.process} ends within the picture")
        rows = data.reshape(bitmap.height, bitmap.stride)
        return make_opaque(rows[:, : bitmap.width * 4].reshape(bitmap.height, bitmap.width, 4))

    return read, lambda: os.close(memory)


def make_opaque(picture: Picture) -> Picture:
    """The picture, changed in place to what a screenshot shows of it: divided by alpha, and alpha left out.

    Chromium leaves some pixels at the edges of moving layers partly transparent, with nothing behind them.

    Raises:
        RenderFailed: nothing is painted at all.
    """
    words = picture.view(np.uint32)[..., 0]
    if words.min() < OPAQUE:
        require_painted(picture)
        clear = words < OPAQUE
        pixels = picture[clear].astype(np.float32)
        pixels[:, :3] = np.floor(pixels[:, :3] * 255 / np.maximum(pixels[:, 3:], 1) + 0.5)
        pixels[:, 3] = 255
        picture[clear] = np.minimum(pixels, 255).astype(np.uint8)
    return picture


def require_painted(picture: Picture) -> None:
    """Raises RenderFailed for a picture that is transparent throughout: the page has a background."""
    if not picture[..., 3].any():
        raise RenderFailed("capture: a blank frame, Chromium has painted nothing")


def _read_regions(memory: int, regions: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """Address and content of what is still there of the regions: the process goes on, and gives memory back."""
    for start, size in regions:
        at, end = start, start + size
        while at < end:
            try:
                data = os.pread(memory, end - at, at)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if data:
                yield at, data
            at += len(data) + mmap.PAGESIZE  # what is missing is at least a page


def _writable_regions(process: int, size: int) -> Iterator[tuple[int, int]]:
    """Address and size of the regions with at least `size` bytes of memory behind them; stacks have hardly any."""
    # Read as a whole: while regions come and go the kernel may skip some.
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        name, value, *_ = line.split()
        if "-" in name:
            start, end = (int(address, 16) for address in name.split("-"))
            writable = value.startswith("rw")
        elif name == "Rss:" and writable and int(value) * 1024 >= size:
            yield start, end - start
