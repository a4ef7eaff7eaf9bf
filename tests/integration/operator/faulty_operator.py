"""The operator with one defect, for tests of what tells it: a program like the operator itself.

After the first reconciliation its loop waits for what never comes. Everything else is as it is delivered, but
that a stuck loop is told after a second instead of a minute.
"""

from __future__ import annotations

import asyncio
from typing import Any

from video_export_operator import endpoints
from video_export_operator.__main__ import main
from video_export_operator.reconcile.loop import Loop


async def wait_for_ever(*_: Any) -> None:
    await asyncio.Event().wait()


async def run_one(loop: Loop, *arguments: Any) -> None:
    await _run_one(loop, *arguments)
    setattr(Loop, "_wait", wait_for_ever)  # noqa: B010 - a method cannot be assigned


_run_one = Loop._run_one
setattr(Loop, "_run_one", run_one)  # noqa: B010 - a method cannot be assigned
endpoints.STUCK = 1.0

if __name__ == "__main__":
    main()
