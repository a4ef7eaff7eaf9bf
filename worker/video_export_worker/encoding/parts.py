"""Encodes the frames that differ, each at its exact time, into one part per format."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding.commands import PARTS, build_encode, choose_stream_format
from video_export_worker.encoding.planes import Picture, Rows, Yuv420
from video_export_worker.encoding.process import kill, run_ffmpeg
from video_export_worker.errors import EncodeFailed

# Players hold a frame badly for longer, and a muxer's first decoding time moves by the largest gap.
MAX_GAP_SECONDS = 2
LAST_WORDS_SECONDS = 5
PIPE_BYTES = 1 << 20  # what an ordinary user may have: a frame of 1280x720 in two gulps


class PartWriter:
    """Feeds ffmpeg with the frames that differ. Made by `write_parts`."""

    def __init__(self, sink: BinaryIO, fps: Fraction, width: int, height: int, pixel_format: str) -> None:
        # A frame in a few gulps: each takes the interpreter's lock.
        self._container = container = av.open(sink, "w", format="nut", buffer_size=PIPE_BYTES)
        # One thread of its own: frames stay in order, and at the end it can be waited for.
        self._thread = ThreadPoolExecutor(1, "part-writer")
        self._fps = fps
        self._size = width, height
        stream = container.add_stream("rawvideo", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.time_base = 1 / fps
        self._stream = stream
        self._planes = Yuv420(width, height) if pixel_format == "yuv420p" else None
        self._last: tuple[int, Picture] | None = None
        self.finished = False

    async def write(self, slot: int, picture: Picture, changed: Rows | None = None) -> None:
        """Show a picture from frame `slot` of the part on.

        Args:
            slot: number of the frame.
            picture: height x width x 4, BGRA.
            changed: for each row whether it may differ from the picture before; None: any may.
        """
        await self._run(self._write, slot, picture, changed)

    async def finish(self, count: int) -> None:
        """End the part after `count` frames: its last picture fills the last frame, so that nothing held is lost."""
        await self._run(self._finish, count)
        self.finished = True

    def join(self) -> None:
        """Wait for the thread; to be called when nothing can block it any more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _run(self, function: Callable[..., None], *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _write(self, slot: int, picture: Picture, changed: Rows | None) -> None:
        self._hold(slot)
        width, height = self._size
        if picture.shape != (height, width, 4):
            raise EncodeFailed(f"encode: a frame of shape {picture.shape}, planned were {height}x{width}x4")
        picture = np.ascontiguousarray(picture)
        if self._planes is not None:
            self._planes.show(picture, changed)
        self._mux(slot, picture)

    def _finish(self, count: int) -> None:
        if self._last is None:
            raise EncodeFailed("encode: a part without a single frame")
        self._hold(count)
        slot, picture = self._last
        if slot < count - 1:
            self._mux(count - 1, picture)
        self._container.close()

    def _hold(self, until: int) -> None:
        """Repeat the last picture wherever the gap up to `until` would grow too long."""
        step = int(MAX_GAP_SECONDS * self._fps)
        while self._last is not None and until - self._last[0] > step:
            self._mux(self._last[0] + step, self._last[1])

    def _mux(self, slot: int, picture: Picture) -> None:
        planes = self._planes
        frame = planes.frame if planes is not None else av.VideoFrame.from_numpy_buffer(picture, format="bgra")
        frame.pts, frame.time_base = slot, 1 / self._fps
        self._container.mux(self._stream.encode(frame))
        self._last = slot, picture


@contextlib.asynccontextmanager
async def write_parts(
    formats: list[VideoFormat], workdir: Path, fps: Fraction, width: int, height: int, quality: Quality
) -> AsyncIterator[tuple[PartWriter, Mapping[VideoFormat, Path]]]:
    """A writer and the paths of the parts; the parts are complete when the block has ended.

    Raises:
        EncodeFailed: ffmpeg failed.
    """
    paths = {name: workdir / f"part{PARTS[name].suffix}" for name in formats}
    command = build_encode({name: str(path) for name, path in paths.items()}, fps, quality)
    stream_format = choose_stream_format(formats)
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    async with run_ffmpeg(command, "encode", stdin=read_end) as process:
        os.close(read_end)
        with os.fdopen(write_end, "wb", buffering=0) as sink:
            writer = PartWriter(sink, fps, width, height, stream_format)
            try:
                yield writer, paths
            except BrokenPipeError:  # ffmpeg is ending by itself: let it say why
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORDS_SECONDS):
                        await process.wait()
                raise
            finally:
                if not writer.finished:  # ends what the thread may be blocked in
                    await kill(process)
                writer.join()
