"""Videos from the real ffmpeg: exact lengths, exact colours, nothing held is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.waiting import wait_for
from video_export_worker.contract import Quality, VideoFormat
from video_export_worker.encoding import Expected, FinishedVideo, join_parts, verify_video, write_parts
from video_export_worker.encoding.process import run_ffmpeg
from video_export_worker.errors import EncodeFailed
from video_export_worker.pictures import Picture

WIDTH, HEIGHT = 320, 200


def striped(columns: int) -> Picture:
    picture = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    picture[:] = (0xCC, 0x66, 0x33, 0xFF)
    picture[:, :columns] = 255
    return picture


async def encode(folder: Path, slots: list[int], count: int, fps: Fraction) -> dict[VideoFormat, Path]:
    await asyncio.to_thread(folder.mkdir)
    async with write_parts(list(VideoFormat), folder, fps, WIDTH, HEIGHT, Quality.MEDIUM) as (writer, parts):
        for slot in slots:
            await writer.write(slot, striped(slot))
        await writer.finish(count)
    return dict(parts)


async def join(folder: Path, name: VideoFormat, parts: list[Path], count: int, fps: Fraction) -> FinishedVideo:
    expected = Expected(count * len(parts), fps, WIDTH, HEIGHT)
    return await join_parts(name, [(part, count) for part in parts], folder, expected, Quality.MEDIUM)


@pytest.mark.parametrize("fps", [Fraction(12), Fraction(25), Fraction(2997, 100), Fraction(50)], ids=str)
@pytest.mark.parametrize("last", [10, 118, 119])
async def test_two_joined_parts_are_exactly_as_long_as_planned(tmp_path: Path, fps: Fraction, last: int) -> None:
    slots, count = sorted({0, 1, 2, last}), 120
    parts = [await encode(tmp_path / name, slots, count, fps) for name in ("first", "second")]
    for name in VideoFormat:
        video = await join(tmp_path, name, [part[name] for part in parts], count, fps)
        with av.open(str(video.path)) as container:
            track = container.streams.video[0]
            ends = [float(track.duration * track.time_base)] if track.duration and track.time_base else []
            lengths = [video.duration, float(container.duration or 0) / av.time_base, *ends]
        assert lengths == pytest.approx([240 / fps] * len(lengths), abs=0.0101), name


@pytest.mark.parametrize("name", list(VideoFormat))
async def test_each_frame_stands_at_its_own_time(tmp_path: Path, name: VideoFormat) -> None:
    slots = [0, 20, 30, 40, 50, 90]
    parts = [await encode(tmp_path / part, slots, 100, Fraction(25)) for part in ("first", "second")]
    video = await join(tmp_path, name, [part[name] for part in parts], 100, Fraction(25))
    seen: list[tuple[int, int]] = []
    with av.open(str(video.path)) as container:
        for frame in container.decode(video=0):
            columns = int((frame.to_ndarray(format="rgb24")[100, :, 0] > 200).sum())
            picture = min(slots, key=lambda slot: abs(slot - columns))
            if not seen or picture != seen[-1][1]:
                seen.append((round(frame.time * 25), picture))
    assert seen == [(part + slot, slot) for part in (0, 100) for slot in slots]


@pytest.mark.parametrize("name", list(VideoFormat))
async def test_a_colour_comes_out_as_it_went_in(tmp_path: Path, name: VideoFormat) -> None:
    parts = await encode(tmp_path / "part", [0], 25, Fraction(25))
    video = await join(tmp_path, name, [parts[name]], 25, Fraction(25))
    with av.open(str(video.path)) as container:
        frame = next(container.decode(video=0))
        if name is not VideoFormat.GIF:
            assert (frame.colorspace, frame.color_range) == (1, 1), "not flagged as BT.709 in limited range"
            frame = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG")
        colour = frame.to_ndarray(format="rgb24")[100, 200].astype(int)
    assert np.abs(colour - (0x33, 0x66, 0xCC)).max() <= 2, colour


async def test_a_long_still_part_can_be_sought(tmp_path: Path) -> None:
    parts = await encode(tmp_path / "part", [0], 60 * 25, Fraction(25))
    video = await join(tmp_path, VideoFormat.MP4, [parts[VideoFormat.MP4]], 60 * 25, Fraction(25))
    with av.open(str(video.path)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.pts is not None), key=lambda packet: packet.pts or 0)
    times = [float((packet.pts or 0) * packet.time_base) for packet in packets]
    keys = [at for at, packet in zip(times, packets, strict=True) if packet.is_keyframe]
    assert max(np.diff([*times, 60])) <= 2.0 + 1e-6
    assert max(np.diff([*keys, 60])) <= 10.0 + 1e-6


async def test_what_differs_from_the_plan_fails(tmp_path: Path) -> None:
    parts = await encode(tmp_path / "part", [0], 25, Fraction(25))
    with pytest.raises(EncodeFailed, match=r"1\.000 s instead of 2\.000 s"):
        await verify_video(VideoFormat.MP4, parts[VideoFormat.MP4], Expected(50, Fraction(25), WIDTH, HEIGHT))


async def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed, match="planned were 200x320x4"):
        async with write_parts([VideoFormat.MP4], tmp_path, Fraction(25), WIDTH, HEIGHT, Quality.LOW) as (writer, _):
            await writer.write(0, np.zeros((10, 10, 4), np.uint8))


async def encode_some(folder: Path) -> None:
    async with write_parts([VideoFormat.MP4], folder, Fraction(25), WIDTH, HEIGHT, Quality.LOW) as (writer, _):
        for slot in range(100):
            await writer.write(slot, striped(slot))
        await writer.finish(100)


async def test_a_part_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed, match="No such file or directory"):
        await encode_some(tmp_path / "absent")


async def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    (tmp_path / "part.mp4").symlink_to("/dev/full")
    with pytest.raises(EncodeFailed, match="No space left on device"):
        await encode_some(tmp_path)


async def test_a_gif_is_made_of_the_very_pixels(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pictures = [random.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8) for _ in range(3)]
    async with write_parts([VideoFormat.GIF], tmp_path, Fraction(25), WIDTH, HEIGHT, Quality.LOW) as (writer, parts):
        for slot, picture in enumerate(pictures):
            await writer.write(slot, picture)
        await writer.finish(3)
    with av.open(str(parts[VideoFormat.GIF])) as container:
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert all(np.array_equal(a, b[..., :3]) for a, b in zip(decoded, pictures, strict=True))


async def test_cancellation_ends_the_encoders(tmp_path: Path) -> None:
    entered = asyncio.Event()
    before = set(threading.enumerate())

    async def encode_for_ever() -> None:
        async with write_parts(list(VideoFormat), tmp_path, Fraction(25), WIDTH, HEIGHT, Quality.LOW) as (writer, _):
            await writer.write(0, striped(0))
            entered.set()
            await asyncio.get_running_loop().create_future()

    await cancel(encode_for_ever(), entered.wait())
    await wait_for(lambda: set(threading.enumerate()) <= before, "the encoders' threads are gone")


async def test_cancellation_ends_ffmpeg(tmp_path: Path) -> None:
    output = str(tmp_path / "video.mp4")
    endless = ["ffmpeg", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc", output]
    started = wait_for(lambda: bool(list_processes_of(tmp_path)), "ffmpeg runs")
    await cancel(run_ffmpeg(endless, "join"), started)
    assert not list_processes_of(tmp_path), "ffmpeg was left running"


async def cancel(work: Coroutine[Any, Any, None], when: Awaitable[object]) -> None:
    """Start some work and cancel it."""
    task = asyncio.create_task(work)
    await when
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def list_processes_of(folder: Path) -> list[str]:
    """Numbers of the processes whose command names the folder."""
    return [
        process.name
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(folder).encode() in _command_line(process)
    ]


def _command_line(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""
