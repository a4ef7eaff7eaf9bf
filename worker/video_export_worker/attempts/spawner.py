"""The worker's side of the fork server: starts it with a clean environment, and children through it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from video_export_worker.attempts.messages import LINE_LIMIT, ChildStart
from video_export_worker.attempts.processes import ProcessTree
from video_export_worker.replay.environment import browser_environment

SPAWN_TIMEOUT: Final = 30.0  # the first child waits until the fork server has imported what it shall
END_TIMEOUT: Final = 5.0
ANSWER_BYTES: Final = 4096
SINGLE_THREADED: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # numpy would start threads at import


class SpawnFailed(RuntimeError):
    """No child could be started."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of children: what their browsers get, and where Python's modules are. No secret, no address."""
    modules = {name: environment[name] for name in ("PYTHONPATH",) if name in environment}
    return browser_environment(environment) | modules | SINGLE_THREADED


class ChildProcess:
    """A child: its connection, its processes, and how it ended. Made by `Spawner.spawn`.

    Attributes:
        ended: its exit code, or the negative number of a signal, as soon as the child has ended; None if the fork
            server ended before it could tell.
    """

    def __init__(
        self,
        pid: int,
        folder: Path,
        ended: asyncio.Future[int | None],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.pid = pid
        self.folder = folder
        self.ended = ended
        self.reader, self.writer = streams
        self.tree = ProcessTree(pid, folder)

    async def end(self) -> None:
        """End the child and everything that belongs to it, at once."""
        self.writer.close()
        await self.tree.end()


class Spawner:
    """Starts children; as a context it starts the fork server at once, without waiting for it.

    Args:
        entry: what a child runs, as `module:function`; called with its connection and `ChildStart`.
        environment: of the children.
        preloaded: modules that the fork server imports.
    """

    def __init__(self, entry: str, environment: Mapping[str, str], preloaded: Sequence[str] = ()) -> None:
        self._arguments = [entry, ",".join(preloaded)]
        self._environment = dict(environment)
        self._server: _Server | None = None

    async def __aenter__(self) -> Self:
        self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            await self._server.stop()

    async def spawn(self, start: ChildStart) -> ChildProcess:
        """Start a child.

        Raises:
            SpawnFailed: the fork server does not answer, and is replaced; or two of them have ended.
        """
        ours, theirs = socket.socketpair()
        try:
            async with asyncio.timeout(SPAWN_TIMEOUT):
                pid, ended = await self._fork(start, theirs)
            streams = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
        except BaseException as error:
            ours.close()  # a child that begins after all ends by this
            if isinstance(error, TimeoutError):
                self._take().kill()
            if isinstance(error, OSError | TimeoutError):
                raise SpawnFailed(f"no process for an attempt could be started: {str(error) or 'no answer'}") from error
            raise
        finally:
            theirs.close()
        return ChildProcess(pid, start.folder, ended, streams)

    async def _fork(self, start: ChildStart, connection: socket.socket) -> tuple[int, asyncio.Future[int | None]]:
        server = self._take()
        try:
            return await server.fork(start, connection)
        except OSError:  # it has ended meanwhile, and a child of it ends too
            server.kill()
            return await self._take().fork(start, connection)

    def _take(self) -> _Server:
        """The fork server; a new one if it has ended."""
        if self._server is None or not self._server.runs:
            self._server = _Server(self._arguments, self._environment)
        return self._server


class _Server:
    """One fork server. When it ends, its children have ended with it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        program = [sys.executable, "-P", "-m", "video_export_worker.attempts.forkserver"]
        with theirs:
            descriptor = theirs.fileno()
            self._process = subprocess.Popen(
                [*program, str(descriptor), str(os.getpid()), *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
            )
        self._begun: deque[asyncio.Future[int]] = deque()
        self._ended: dict[int, asyncio.Future[int | None]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._control, self._read)

    @property
    def runs(self) -> bool:
        return self._control.fileno() >= 0 and self._process.poll() is None

    async def fork(self, start: ChildStart, connection: socket.socket) -> tuple[int, asyncio.Future[int | None]]:
        begun = self._loop.create_future()
        socket.send_fds(self._control, [start.model_dump_json().encode()], [connection.fileno()])
        self._begun.append(begun)
        pid = await begun
        return pid, self._ended[pid]

    def kill(self) -> None:
        """End the server and its children, because it does not answer any more."""
        self._process.kill()
        self._close()

    async def stop(self) -> None:
        """End the server, and so every child."""
        self._close()
        try:
            await asyncio.to_thread(self._process.wait, END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait, END_TIMEOUT)

    def _read(self) -> None:
        try:
            answer = self._control.recv(ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            answer = b""
        if not answer:
            self._close()
            return
        message = json.loads(answer)
        if "error" in message:
            begun = self._begun.popleft()
            if not begun.done():
                reason = os.strerror(message["error"])
                begun.set_exception(SpawnFailed(f"no process for an attempt could be started: {reason}"))
            return
        pid = message["pid"]
        if "status" in message:
            _resolve(self._ended.pop(pid), os.waitstatus_to_exitcode(message["status"]))
        else:
            self._ended[pid] = self._loop.create_future()
            _resolve(self._begun.popleft(), pid)

    def _close(self) -> None:
        if self._control.fileno() < 0:
            return
        self._loop.remove_reader(self._control)
        self._control.close()
        for begun in self._begun:
            if not begun.done():
                begun.set_exception(ConnectionError("the fork server has ended"))
        for ended in self._ended.values():
            _resolve(ended, None)


def _resolve(future: asyncio.Future[int] | asyncio.Future[int | None], value: int | None) -> None:
    if not future.done():
        future.set_result(value)  # type: ignore[arg-type]
