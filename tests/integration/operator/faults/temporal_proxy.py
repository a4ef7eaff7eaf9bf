"""What stands between the operator and Temporal: hands calls on, or answers them with an error of gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
import grpc.aio


class TemporalProxy(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """One way to a Temporal server; knows nothing of the messages.

    Attributes:
        looks: how often it was asked what the workers do.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.address = ""
        self.looks = 0
        self._channel = channel
        self._refusal: tuple[grpc.StatusCode, str] | None = None

    @contextmanager
    def refusing(self, code: grpc.StatusCode, message: str) -> Iterator[None]:
        """Answer every call so for the block, but the one by which a client finds out what the server can do."""
        self._refusal = code, message
        try:
            yield
        finally:
            self._refusal = None

    def service(self, details: Any) -> Any:
        """Return the handler of a call, whatever it is."""

        async def hand_on(request: bytes, context: Any) -> bytes:
            if self._refusal is not None and not details.method.endswith("/GetSystemInfo"):
                await context.abort(*self._refusal)
            if details.method.endswith("/ListWorkers"):
                self.looks += 1
            try:
                answer: bytes = await self._channel.unary_unary(details.method)(request, timeout=5)
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")
            return answer

        return grpc.unary_unary_rpc_method_handler(hand_on)


@asynccontextmanager
async def serving_temporal_proxy(target: str) -> AsyncIterator[TemporalProxy]:
    """Serve a way to the Temporal server at `target` for the block."""
    async with grpc.aio.insecure_channel(target) as channel:
        proxy = TemporalProxy(channel)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((proxy,))
        proxy.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        try:
            yield proxy
        finally:
            await server.stop(None)
