"""Encodes the frames that differ, each at its exact time, into one part per format."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.video.frame import PictureType

from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding.formats import KEYFRAME_INTERVAL_SECONDS, MAX_GAP_SECONDS, PARTS, PartFormat
from video_export_worker.encoding.planes import Yuv420, copy_frame, pack_bgr0
from video_export_worker.errors import EncodeFailed
from video_export_worker.pictures import Picture, Rows

# A time base this much finer than the frame rate leaves room to decode up to seven frames between two that are shown,
# and containers that count milliseconds can tell their times apart.
TICKS_PER_FRAME: Final = 8


class PartWriter:
    """Encodes pictures into all parts at once, while the next one is drawn. Made by `write_parts`."""

    def __init__(self, parts: list[_Part], width: int, height: int) -> None:
        self._parts = parts
        self._size = width, height
        self._planes = Yuv420(width, height)
        # A thread converts, and each part has one: libavcodec lets other threads run meanwhile.
        self._converter = ThreadPoolExecutor(1, "convert")
        self._encoders = [ThreadPoolExecutor(1, f"encode-{part.path.suffix[1:]}") for part in parts]
        self._encoding: list[asyncio.Future[None]] = []

    async def write(self, slot: int, picture: Picture, changed: Rows | None = None) -> None:
        """Show a picture from frame `slot` of the part on.

        Args:
            slot: number of the frame.
            picture: height x width x 4, BGRA.
            changed: for each row whether it may differ from the picture before; None: any may.

        Raises:
            EncodeFailed: an encoder failed, at this picture or at the one before.
        """
        frames = await _in_thread(self._converter, self._convert, picture, changed)
        await self._settle()
        self._encoding = [
            _in_thread(encoder, part.show, slot, frame)
            for encoder, part, frame in zip(self._encoders, self._parts, frames, strict=True)
        ]

    async def finish(self, count: int) -> None:
        """End the parts after `count` frames: the last picture fills the last frame, so that nothing held is lost.

        Raises:
            EncodeFailed: an encoder failed, or there was no picture.
        """
        await self._settle()
        self._encoding = [
            _in_thread(encoder, part.finish, count) for encoder, part in zip(self._encoders, self._parts, strict=True)
        ]
        await self._settle()

    def close(self) -> None:
        """Wait for the threads, which are busy with a frame at most, and close the files, finished or not."""
        for thread in (self._converter, *self._encoders):
            thread.shutdown(wait=True, cancel_futures=True)
        for part in self._parts:
            part.close()

    async def _settle(self) -> None:
        encoding, self._encoding = self._encoding, []
        try:
            await asyncio.gather(*encoding)
        except (av.FFmpegError, OSError) as error:
            raise EncodeFailed(f"encode: {error}") from error

    def _convert(self, picture: Picture, changed: Rows | None) -> list[av.VideoFrame]:
        """A frame of its own for each part."""
        width, height = self._size
        if picture.shape != (height, width, 4):
            raise EncodeFailed(f"encode: a frame of shape {picture.shape}, planned were {height}x{width}x4")
        picture = np.ascontiguousarray(picture)
        if any(part.format.pixel_format == "yuv420p" for part in self._parts):
            self._planes.show(picture, changed)
        return [
            copy_frame(self._planes.frame) if part.format.pixel_format == "yuv420p" else pack_bgr0(picture)
            for part in self._parts
        ]


class _Part:
    """A file and its encoder; used by one thread at a time."""

    def __init__(self, given: PartFormat, path: Path, fps: Fraction, width: int, height: int, quality: Quality) -> None:
        self.format, self.path = given, path
        self._fps = fps
        self._container = av.open(str(path), "w", options={"fflags": "+bitexact", **given.container})
        stream = self._container.add_stream(
            given.encoder, rate=fps, options={**given.options, **given.by_quality.get(quality, {})}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, given.pixel_format
        stream.time_base = stream.codec_context.time_base = 1 / fps
        stream.codec_context.thread_count = given.threads
        stream.codec_context.thread_type = "AUTO"
        self._stream = stream
        self._last: tuple[int, av.VideoFrame] | None = None
        self._keyframes = 0
        self._group: list[tuple[int, av.Packet[av.VideoStream]]] = []

    def show(self, slot: int, frame: av.VideoFrame) -> None:
        """Encode a frame."""
        self._hold(slot)
        self._encode(slot, frame)

    def finish(self, count: int) -> None:
        """Encode what is held until the last of `count` frames, and complete the file."""
        if self._last is None:
            raise EncodeFailed("encode: a part without a single frame")
        self._hold(count)
        slot, frame = self._last
        if slot < count - 1:
            self._encode(count - 1, frame)
        self._mux(None)
        self._container.close()

    def close(self) -> None:
        """Give up what is not finished."""
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()

    def _hold(self, until: int) -> None:
        """Repeat the last frame wherever the gap up to `until` would grow too long."""
        step = int(MAX_GAP_SECONDS * self._fps)
        while self._last is not None and until - self._last[0] > step:
            self._encode(self._last[0] + step, self._last[1])

    def _encode(self, slot: int, frame: av.VideoFrame) -> None:
        due = slot >= self._keyframes * KEYFRAME_INTERVAL_SECONDS * self._fps
        self._keyframes += due
        frame.pict_type = PictureType.I if due else PictureType.NONE
        frame.pts, frame.time_base = slot, 1 / self._fps
        self._mux(frame)
        self._last = slot, frame

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            shown = round((packet.pts or 0) * packet.time_base * self._fps * TICKS_PER_FRAME)
            if self._group and shown > max(time for time, _ in self._group):
                self._write_group()
            self._group.append((shown, packet))
        if frame is None:
            self._write_group()

    def _write_group(self) -> None:
        """Write a picture and those that are shown before it but refer to it, in the order of their decoding."""
        group, self._group = self._group, []
        end = max(shown for shown, _ in group) + TICKS_PER_FRAME
        for (shown, packet), decoded in zip(group, time_decoding([time for time, _ in group]), strict=True):
            packet.time_base = 1 / self._fps / TICKS_PER_FRAME
            packet.pts, packet.dts = shown, decoded
            packet.duration = end - shown  # a muxer takes the last one's in the file for its end
            self._container.mux(packet)


def time_decoding(shown: Sequence[int]) -> list[int]:
    """When packets are to be decoded: as late as each and all that follow it can still be shown in time.

    So nothing is decoded before zero or before the part that it belongs to, whatever the gaps between frames.

    Args:
        shown: times in the order of decoding, in any unit; every packet has one of its own.
    """
    decoded: list[int] = []
    for time in reversed(shown):
        decoded.append(min(time, decoded[-1] - 1) if decoded else time)
    return decoded[::-1]


def _in_thread(thread: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
    return asyncio.get_running_loop().run_in_executor(thread, function, *arguments)


@contextlib.asynccontextmanager
async def write_parts(
    formats: list[VideoFormat], workdir: Path, fps: Fraction, width: int, height: int, quality: Quality
) -> AsyncIterator[tuple[PartWriter, Mapping[VideoFormat, Path]]]:
    """A writer and the paths of the parts, which are complete when `finish` has returned.

    Raises:
        EncodeFailed: a part cannot be written.
    """
    paths = {name: workdir / f"part{PARTS[name].suffix}" for name in formats}
    try:
        parts = [_Part(PARTS[name], path, fps, width, height, quality) for name, path in paths.items()]
    except (av.FFmpegError, OSError) as error:
        raise EncodeFailed(f"encode: {error}") from error
    writer = PartWriter(parts, width, height)
    try:
        yield writer, paths
    finally:
        writer.close()
