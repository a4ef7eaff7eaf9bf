"""What the children of these tests run: jobs that go wrong as recordings, codecs and parsers make them go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from video_export_worker.attempts.child import Progress, serve_one_job
from video_export_worker.attempts.messages import ChildStart, Job
from video_export_worker.errors import RecordingInvalid

ENTRY = "tests.integration.attempts.jobs:main"
connections: list[socket.socket] = []  # with the worker: the child's own, once it has begun
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


async def _answer(given: dict[str, Any], progress: Progress) -> Any:
    progress(1, 1)
    return {"pid": os.getpid(), "parent": os.getppid(), **given}


async def _look_around(given: dict[str, Any], progress: Progress) -> Any:
    itself = _look_at_itself()  # first: before Python 3.12, asyncio waits for a program in a thread
    cat = await asyncio.create_subprocess_exec("cat", "/proc/self/environ", stdout=subprocess.PIPE)
    return {**itself, "handed_down": (await cat.communicate())[0].decode().split("\0")}


def _look_at_itself() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "own": Path("/proc/self/environ").read_bytes().decode().split("\0"),
        "threads": threading.active_count(),
        "temporary": tempfile.gettempdir(),
        "oom": int(Path("/proc/self/oom_score_adj").read_text()),
    }


async def _refuse(given: dict[str, Any], progress: Progress) -> Any:
    raise RecordingInvalid("no events")


async def _fail(given: dict[str, Any], progress: Progress) -> Any:
    raise ZeroDivisionError("nobody expected this")


async def _crash(given: dict[str, Any], progress: Progress) -> Any:
    """A codec that reads where there is nothing: the signal is the processor's own."""
    progress(3, 10)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGSEGV)


async def _exit(given: dict[str, Any], progress: Progress) -> Any:
    os._exit(7)


async def _blow_up(given: dict[str, Any], progress: Progress) -> Any:
    """A small text of much: in the event loop, which answers nobody meanwhile."""
    progress(1, 2)
    await asyncio.sleep(0)
    return len(json.loads("[" + "[]," * 40_000_000 + "0]"))


async def _blow_up_elsewhere(given: dict[str, Any], progress: Progress) -> Any:
    """The same in a process that the child has started, and that has left its session."""
    program = "import time; x = bytearray(500 * 2**20); x[::4096] = b'1' * len(x[::4096]); time.sleep(60)"
    await asyncio.create_subprocess_exec(sys.executable, "-c", program, start_new_session=True)
    await asyncio.sleep(60)


async def _hang(given: dict[str, Any], progress: Progress) -> Any:
    """A regular expression that never ends: in C, with Python's lock held, so that no signal handler runs."""
    _tell_begun(Path(given["begun"]))
    return re.match(r"(a|aa)+$", "a" * 100 + "b") is None


def _tell_begun(file: Path) -> None:
    """Write this process's id into the file, which appears with it."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(file)


async def _start_others(given: dict[str, Any], progress: Progress) -> Any:
    """A process, one in a session of its own, and one whose parent has gone."""
    await asyncio.create_subprocess_exec(*SLEEP)
    await asyncio.create_subprocess_exec(*SLEEP, start_new_session=True)
    orphan = f"import subprocess; subprocess.Popen({SLEEP!r}, start_new_session=True)"
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", orphan)).wait()
    progress(1, 1)
    await asyncio.sleep(60)


async def _babble(given: dict[str, Any], progress: Progress) -> Any:
    """A child that was taken over says what it likes."""
    os.set_blocking(connections[0].fileno(), True)
    with contextlib.suppress(OSError):  # the worker has heard enough
        connections[0].sendall(given["line"].encode() * given["times"] + b"\n")
    await asyncio.sleep(60)


JOBS: dict[str, Callable[[dict[str, Any], Progress], Awaitable[Any]]] = {
    "answer": _answer,
    "look around": _look_around,
    "refuse": _refuse,
    "fail": _fail,
    "crash": _crash,
    "exit": _exit,
    "blow up": _blow_up,
    "blow up elsewhere": _blow_up_elsewhere,
    "hang": _hang,
    "start others": _start_others,
    "babble": _babble,
}


def main(connection: socket.socket, start: ChildStart) -> None:
    """Run the child."""
    connections.append(connection)

    @contextlib.asynccontextmanager
    async def prepared() -> Any:
        if start.kind == "dies":
            os._exit(3)
        yield start

    async def perform(job: Job, ready: ChildStart, progress: Progress) -> Any:
        return await JOBS[job.name](job.given, progress)

    asyncio.run(serve_one_job(connection, prepared(), perform))
