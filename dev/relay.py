"""`python -m dev.relay LISTEN TARGET`: hand TCP connections on, both as `host:port`.

Temporal's development server works on 127.0.0.1 (elsewhere its own parts do not find each other) or on all addresses of
the machine, where strangers would reach it; pods come by the bridge's address.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

_CHUNK = 65536  # bytes


async def relay(listen: str, target: str) -> None:
    """Serve until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*_split(target))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))

    server = await asyncio.start_server(connected, *_split(listen))
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until it ends."""
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
