"""The one place that runs ffmpeg and ffprobe."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from video_export_worker.errors import EncodeFailed


async def run_ffmpeg(command: Sequence[str], stage: str) -> None:
    """Run a command to its end; a cancellation ends the process at once.

    Raises:
        EncodeFailed: the program is missing or failed; the message has its last words.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise EncodeFailed(f"{stage}: there is no {command[0]} on PATH; install Debian's ffmpeg") from error
    try:
        _, said = await process.communicate()
    finally:
        await _kill(process)
    if process.returncode != 0:
        words = said.decode(errors="replace").strip()
        raise EncodeFailed(f"{stage}: {command[0]} ended with {process.returncode}: {words[-500:]}")


async def run_ffprobe(path: str) -> dict[str, Any]:
    """What ffprobe says of a file: its format, its streams and the times of its packets.

    Raises:
        EncodeFailed: it is no media file.
    """
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    command += ["-show_entries", "packet=pts_time,dts_time", path]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, said = await process.communicate()
    finally:
        await _kill(process)
    if process.returncode != 0:
        raise EncodeFailed(f"verify: ffprobe cannot read {path}: {said.decode(errors='replace').strip()[-500:]}")
    answer: dict[str, Any] = json.loads(out)
    return answer


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process at once; nothing happens if it has ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
