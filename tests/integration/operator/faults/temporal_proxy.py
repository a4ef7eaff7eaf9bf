"""What stands between the operator and Temporal: hands calls on, or answers them with an error of gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
import grpc.aio
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse


class TemporalProxy(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """One way to a Temporal server.

    Attributes:
        looks: how often it was asked what the workers do.
        refused: how many calls were refused.
        is_old: leave the statistics out of the answers, as servers did before 1.28.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.address = ""
        self.looks = 0
        self.refused = 0
        self.is_old = False
        self._channel = channel
        self._refusal: tuple[grpc.StatusCode, str] | None = None
        self._methods: Collection[str] = ()

    @contextmanager
    def refusing(self, code: grpc.StatusCode, message: str, methods: Collection[str] = ()) -> Iterator[None]:
        """Answer calls so for the block: those of some methods, or all.

        The call by which a client finds out what the server can do is always answered.
        """
        self._refusal, self._methods = (code, message), methods
        try:
            yield
        finally:
            self._refusal = None

    def _refusal_of(self, method: str) -> tuple[grpc.StatusCode, str] | None:
        """Return how a method is refused now; None where it is not."""
        chosen = method in self._methods if self._methods else method != "GetSystemInfo"
        return self._refusal if chosen else None

    def service(self, details: Any) -> Any:
        """Return the handler of a call, whatever it is."""

        async def hand_on(request: bytes, context: Any) -> bytes:
            method = details.method.rpartition("/")[2]
            refusal = self._refusal_of(method)
            if refusal is not None:
                self.refused += 1
                await context.abort(*refusal)
            if method == "ListWorkers":
                self.looks += 1
            try:
                answer: bytes = await self._channel.unary_unary(details.method)(request, timeout=5)
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")
            return _without_statistics(answer) if self.is_old and method == "DescribeTaskQueue" else answer

        return grpc.unary_unary_rpc_method_handler(hand_on)


def _without_statistics(answer: bytes) -> bytes:
    """Return the answer to DescribeTaskQueue as old servers give it."""
    message = DescribeTaskQueueResponse.FromString(answer)
    message.ClearField("stats")
    return message.SerializeToString()


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
