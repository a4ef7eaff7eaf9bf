"""Hosts that serve assets, on loopback, under names that a resolver of the tests knows."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from video_export_worker.assets.addresses import HostPolicy, HostRule
from video_export_worker.assets.settings import AssetSettings

LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Reply:
    """What a path is answered with."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[Any], None] | None = None
    """Writes the body to a socket's file instead, in its own way."""


@dataclass
class AssetHosts:
    """The server of all hosts, told apart by their names.

    Attributes:
        replies: by host and path.
        asked: how often each was asked for.
        requests: headers of each request.
    """

    port: int
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str, host: str = "cdn.test", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes = b"", *, host: str = "cdn.test", **more: Any) -> str:
        """Serve a file; its URL is the answer."""
        headers = more.pop("headers", {})
        self.replies[host, path] = Reply(body, headers=headers, **more)
        return self.url(path, host)

    def settings(self, **more: Any) -> AssetSettings:
        """Of a worker that may ask these hosts at loopback."""
        rules = [HostRule.parse("*"), HostRule.parse(f"*.test@{LOOPBACK}")]
        return AssetSettings(policy=HostPolicy(allow=rules), **more)


class Names(AbstractResolver):
    """A resolver that knows what it is told: for each name what each look-up answers, the last one for ever."""

    def __init__(self, **answers: list[str] | str) -> None:
        self.answers = {
            name.replace("_", "."): [given] if isinstance(given, str) else list(given)
            for name, given in answers.items()
        }
        self.looked_up: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.looked_up[host] += 1
        given = self.answers.get(host, ["127.0.0.1"] if host.endswith(".test") else [])
        if not given:
            raise OSError(f"no host {host}")
        address = given.pop(0) if len(given) > 1 else given[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@contextmanager
def serving_assets() -> Iterator[AssetHosts]:
    """Hosts on a port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "").partition(":")[0]
            hosts.asked[self.path] += 1
            hosts.requests.append({"path": self.path, **dict(self.headers.items())})
            reply = hosts.replies.get((host, self.path), Reply(status=404))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.write is None:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            try:
                if reply.write is None:
                    self.wfile.write(reply.body)
                else:
                    reply.write(self.wfile)
            except OSError:
                pass  # the client has had enough

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hosts = AssetHosts(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hosts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
