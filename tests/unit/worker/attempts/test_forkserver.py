"""What the fork server does where the kernel gives it no process."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from video_export_worker.attempts.forkserver import ForkServer
from video_export_worker.attempts.messages import ChildStart


def test_a_fork_that_fails_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fork() -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(os, "fork", fork)
    worker, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours, theirs = socket.socketpair()
    with worker, control, ours:
        server = ForkServer(control, lambda connection, start: None)
        with theirs:
            request = ChildStart(kind="plain", folder=tmp_path).model_dump_json().encode()
            socket.send_fds(worker, [request], [theirs.fileno()])
        assert server._fork()
        assert json.loads(worker.recv(4096)) == {"error": errno.EAGAIN}
        assert ours.recv(1) == b"", "nobody holds the child's end any more"
