"""The one place that runs ffmpeg and ffprobe."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from video_export_worker.errors import EncodeFailed


@contextlib.asynccontextmanager
async def run_ffmpeg(
    command: Sequence[str], stage: str, *, stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command around a block that may feed its `stdin`; at the end of the block its success is awaited.

    A block that is left by an exception or a cancellation ends the process at once.

    Raises:
        EncodeFailed: the program is missing or failed; the message has its last words.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=stdin,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise EncodeFailed(f"{stage}: there is no {command[0]} on PATH; install Debian's ffmpeg") from error
    assert process.stderr is not None
    words = asyncio.ensure_future(process.stderr.read())
    try:
        failed: OSError | None = None
        try:
            yield process
        except (BrokenPipeError, ConnectionResetError) as error:
            failed = error  # ffmpeg went away while it was fed: what it says is the reason
        said = (await words).decode(errors="replace").strip()
        if await process.wait() != 0 or failed is not None:
            raise EncodeFailed(f"{stage}: {command[0]} ended with {process.returncode}: {said[-500:]}")
    finally:
        await kill(process)
        words.cancel()


async def kill(process: asyncio.subprocess.Process) -> None:
    """End a process at once; nothing happens if it has ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def run_to_end(command: Sequence[str], stage: str) -> None:
    """Run a command that needs no input. Raises EncodeFailed as `run_ffmpeg` does."""
    async with run_ffmpeg(command, stage):
        pass


async def run_ffprobe(path: str) -> dict[str, Any]:
    """What ffprobe says of a file: its format, its streams and the times of its packets.

    Raises:
        EncodeFailed: it is no media file.
    """
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    command += ["-show_entries", "packet=pts_time,duration_time,flags", path]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, said = await process.communicate()
    finally:
        await kill(process)
    if process.returncode != 0:
        raise EncodeFailed(f"verify: ffprobe cannot read {path}: {said.decode(errors='replace').strip()[-500:]}")
    answer: dict[str, Any] = json.loads(out)
    return answer
