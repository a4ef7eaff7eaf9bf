"""What stands between an operator and the API server, and does to single namespaces what a test asks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from dev.waiting import find_free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PASSED_ON = ("Content-Type", "Accept")


@dataclass(eq=False)
class Rule:
    """What happens to the requests that match, and how many did."""

    matches: Callable[[web.Request], bool]
    act: Handler
    hits: int = 0


class ApiProxy:
    """Serves plain HTTP and asks the API server in its caller's place.

    Args:
        upstream: a session whose base is the API server and which is let in.
    """

    def __init__(self, upstream: aiohttp.ClientSession) -> None:
        self.port = find_free_port()
        self._upstream = upstream
        self._rules: list[Rule] = []
        self._watches: set[asyncio.Transport] = set()

    def write_kubeconfig(self, folder: Path) -> Path:
        """Return a kubeconfig that leads here."""
        cluster = {"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
        user = {"name": "operator", "user": {"token": "unused"}}
        context = {"name": "proxy", "context": {"cluster": "proxy", "user": "operator"}}
        config = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "proxy"}
        file = folder / "kubeconfig-of-the-proxy"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
        return file

    @contextmanager
    def rule(self, matches: Callable[[web.Request], bool], act: Handler) -> Iterator[Rule]:
        """Let `act` answer the requests that match for the block; the newest rule comes first."""
        rule = Rule(matches, act)
        self._rules.insert(0, rule)
        try:
            yield rule
        finally:
            self._rules.remove(rule)

    def cut_watches(self) -> None:
        """Break every watch off."""
        for transport in tuple(self._watches):
            transport.abort()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Hand a request on and its answer back; a watch as it comes."""
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        if is_watch(request):
            return await self._forward_watch(request, headers)
        body = await request.read() or None
        async with self._upstream.request(request.method, request.path_qs, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    async def _forward_watch(self, request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        forever = aiohttp.ClientTimeout(total=None)
        async with self._upstream.get(request.path_qs, headers=headers, timeout=forever) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            transport = request.transport
            if transport is None:  # the caller has gone already
                return response
            self._watches.add(transport)
            try:
                # The watch is over when either side goes.
                with suppress(aiohttp.ClientError, OSError):
                    async for chunk in answer.content.iter_any():
                        await response.write(chunk)
            finally:
                self._watches.discard(transport)
        return response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer by the first rule that matches, by the API server where none does."""
        for rule in self._rules:
            if rule.matches(request):
                rule.hits += 1
                return await rule.act(request)
        return await self.forward(request)


@asynccontextmanager
async def serving_proxy(upstream: aiohttp.ClientSession) -> AsyncIterator[ApiProxy]:
    """Serve a proxy for the block."""
    proxy = ApiProxy(upstream)
    application = web.Application(client_max_size=2**24)
    application.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", proxy.port).start()
    try:
        yield proxy
    finally:
        proxy.cut_watches()
        await runner.cleanup()


def is_watch(request: web.Request) -> bool:
    """Say whether a request is a watch."""
    return "watch" in request.query


def requests_in(namespace: str) -> Callable[[web.Request], bool]:
    """Match all that is asked about one namespace; the watches are of all namespaces."""
    return lambda request: f"/namespaces/{namespace}/" in request.path


def writes_in(namespace: str) -> Callable[[web.Request], bool]:
    """Match the writes into one namespace."""
    return lambda request: request.method != "GET" and f"/namespaces/{namespace}/" in request.path


def refuse(status: int, reason: str, **headers: str) -> Handler:
    """Answer as the API server does when it refuses."""

    async def act(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(_failure(status, reason), status=status, headers=named)

    return act


def tell_in_watch(code: int, reason: str) -> Handler:
    """Begin a watch with an error and end it."""

    async def act(_: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "ERROR", "object": _failure(code, reason)})

    return act


def _failure(code: int, reason: str) -> dict[str, object]:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return {**status, "message": f"{reason}: the test wants it so", "details": {"name": "exports"}}


def delay(proxy: ApiProxy, seconds: float) -> Handler:
    """Carry a request out at once and answer late."""

    async def act(request: web.Request) -> web.StreamResponse:
        answer = await proxy.forward(request)
        await asyncio.sleep(seconds)
        return answer

    return act


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection instead of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
