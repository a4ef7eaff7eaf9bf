"""Sockets that note whoever comes: what a browser sends, arrives here."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Listeners:
    """A UDP and a TCP socket on loopback; the kernel keeps what arrives until it is asked for."""

    udp: socket.socket
    tcp: socket.socket

    @property
    def udp_port(self) -> int:
        return int(self.udp.getsockname()[1])

    @property
    def tcp_port(self) -> int:
        return int(self.tcp.getsockname()[1])

    def url(self, path: str, scheme: str = "http") -> str:
        """A URL of the TCP socket; each attack has a path of its own."""
        return f"{scheme}://{HOST}:{self.tcp_port}/{path}"

    def drain(self) -> list[str]:
        """What has arrived since the last call."""
        seen = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, sender = self.udp.recvfrom(4096)
                seen.append(f"{len(data)} bytes by UDP from port {sender[1]}")
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, sender = self.tcp.accept()
                connection.settimeout(1)
                with connection, contextlib.suppress(OSError):
                    seen.append(f"a TCP connection from port {sender[1]}: {connection.recv(80)!r}")
        return seen


@contextlib.contextmanager
def listening() -> Iterator[Listeners]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        for each in (udp, tcp):
            each.bind((HOST, 0))
            each.setblocking(False)
        tcp.listen(100)
        yield Listeners(udp, tcp)
