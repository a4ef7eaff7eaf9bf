"""Workers that say what they do, and decisions on that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.operator.bodies import queue, running, seen, spec_of
from video_export_operator.scaling import Decision, Memory, WorkerReport, decide

QUICK = {"scaleDown": {"stabilizationWindow": "20s", "minIdle": "10s"}}


def idle(at: float, processed: int = 0) -> WorkerReport:
    return WorkerReport(0, processed, at)


def busy(at: float, used: int = 1) -> WorkerReport:
    return WorkerReport(used, 0, at)


def down(spec_scaling: Mapping[str, Any], *steps: tuple[float, dict[str, WorkerReport]], present: int) -> Decision:
    """Decide over steps of (time, workers), without backlog, and return the last decision."""
    memory = Memory()
    pods = running(*sorted(steps[-1][1]))
    decision: Decision | None = None
    for at, workers in steps:
        decision, memory = decide(spec_of(spec_scaling), seen(at, present, queue(at, workers=workers), pods), memory)
    assert decision is not None
    return decision
