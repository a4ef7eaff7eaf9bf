"""The fork server: a process without secrets and without threads, from which a worker's children are forked.

    worker --control socket--> fork server --fork--> child
       \\____________ a socket of its own ____________/

The worker itself cannot fork: Temporal's SDK runs threads in it, and its memory holds secrets. So it starts this
program once, with a clean environment. The program imports what children need, and forks a child whenever it is told
to: that takes a few milliseconds, and the imported modules are in shared memory.

A request on the control socket is a `ChildStart` with the child's end of a socket. The answers are `{"pid": 7}`, or
`{"error": 11}` (`errno`) where the kernel gave no process, and `{"pid": 7, "status": 9}` (a wait status) when the child
has ended. When the worker ends, however it does, the kernel ends this process, and with it every child.

    python -P -m video_export_worker.attempts.forkserver DESCRIPTOR PARENT MODULE:FUNCTION PRELOADED,MODULES
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from video_export_worker.attempts import kernel
from video_export_worker.attempts.messages import ChildStart

REQUEST_BYTES: Final = 64 * 1024

Entry = Callable[[socket.socket, ChildStart], None]


class ForkServer:
    """Forks children, and says how they end."""

    def __init__(self, control: socket.socket, entry: Entry) -> None:
        self._control = control
        self._entry = entry
        self._woken, self._waker = socket.socketpair()

    def serve(self) -> None:
        """Answer requests until the worker closes the control socket."""
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno())
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    self._woken.recv(4096)
                    self._reap()
                if self._control in ready and not self._fork():
                    return

    def _fork(self) -> bool:
        """Fork the child of the next request. False if there will be none."""
        request, descriptors, _, _ = socket.recv_fds(self._control, REQUEST_BYTES, 1)
        if not request:
            return False
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # no more processes, or no memory: those that run go on
            self._answer(error=error.errno or 0)
        else:
            if pid == 0:
                self._become_child(server, socket.socket(fileno=descriptors[0]), request)
            self._answer(pid=pid)
        os.close(descriptors[0])
        return True

    def _become_child(self, server: int, connection: socket.socket, request: bytes) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (self._control, self._woken, self._waker):
                inherited.close()
            os.setsid()
            kernel.die_with(server)
            kernel.offer_to_the_oom_killer()
            start = ChildStart.model_validate_json(request)
            os.environ["TMPDIR"] = tempfile.tempdir = str(start.folder)
            self._entry(connection, start)
            code = 0
        except BaseException:  # noqa: BLE001 - the process ends here, with the stack shown
            traceback.print_exc()
        finally:
            # Not the interpreter's orderly end: threads that a hung parser runs in would be waited for.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._answer(pid=pid, status=status)

    def _answer(self, **message: int) -> None:
        self._control.send(json.dumps(message).encode())


def main() -> None:
    """Run the program."""
    descriptor, parent, entry, preloaded = sys.argv[1:]
    kernel.die_with(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the worker decides when its children end
    for name in filter(None, preloaded.split(",")):
        importlib.import_module(name)
    module, _, function = entry.partition(":")
    control = socket.socket(fileno=int(descriptor))
    ForkServer(control, getattr(importlib.import_module(module), function)).serve()


if __name__ == "__main__":
    main()
