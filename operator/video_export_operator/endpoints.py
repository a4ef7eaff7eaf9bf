"""What the operator serves over HTTP on every address of its pod, IPv4 and IPv6: /metrics, /readyz, /healthz."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from video_export_operator.errors import OperatorError
from video_export_operator.metrics import Metrics

STUCK = 60.0
"""Seconds by which what is due may be late before the process counts as stuck."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


async def serve_metrics(metrics: Metrics, port: int, is_ready: Callable[[], bool]) -> web.AppRunner:
    """Serve /metrics and /readyz until the returned runner is cleaned up.

    Args:
        metrics: what to serve.
        port: to listen on; 0 takes a free one.
        is_ready: whether the operator has seen what exists; it leads or stands by.
    """

    async def show_metrics(_: web.Request) -> web.Response:
        # Many series take a while, in which the loop must not stand still.
        text = await asyncio.to_thread(metrics.render)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def show_ready(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.Response(status=200 if ready else 503, text="ready\n" if ready else "not ready\n")

    return await _serve(port, {"/metrics": show_metrics, "/readyz": show_ready})


async def serve_health(port: int, late: Callable[[], float]) -> web.AppRunner:
    """Serve /healthz until the returned runner is cleaned up: it fails where the process is stuck.

    Args:
        port: to listen on; 0 takes a free one.
        late: for how many seconds something that is due has not begun.
    """

    async def show_health(_: web.Request) -> web.Response:
        seconds = late()
        return web.json_response({"stuck_for_seconds": round(seconds, 3)}, status=500 if seconds > STUCK else 200)

    return await _serve(port, {"/healthz": show_health})


async def _serve(port: int, handlers: Mapping[str, Handler]) -> web.AppRunner:
    """Serve some paths on every address.

    Raises:
        OperatorError: the port cannot be had.
    """
    app = web.Application()
    for path, handler in handlers.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port).start()
    except OSError as error:
        await runner.cleanup()
        advice = "choose others by VIDEO_EXPORT_OPERATOR_HEALTH_PORT and VIDEO_EXPORT_OPERATOR_METRICS_PORT"
        raise OperatorError(f"cannot listen on port {port}: {error.strerror or error}; {advice}") from error
    return runner
