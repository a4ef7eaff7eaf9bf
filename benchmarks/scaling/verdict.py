"""How the operator does against another policy, in words."""

from __future__ import annotations

from collections.abc import Mapping

Numbers = Mapping[str, float | int]

SAME_WAIT = 1.0
"""Seconds by which a wait may differ and still be the same: less than the phase of anybody's interval."""
SAME_SHARE = 0.03
"""The share by which any number may differ and still be the same."""


def judge(ours: Numbers, theirs: Numbers) -> str:
    """Return how the operator's numbers compare: waits (both percentiles) first, then pod-minutes."""
    waits = [
        _compare(ours[name], theirs[name], max(SAME_WAIT, SAME_SHARE * theirs[name]))
        for name in ("wait_p50_s", "wait_p99_s")
    ]
    cost = _compare(ours["pod_minutes"], theirs["pod_minutes"], SAME_SHARE * theirs["pod_minutes"])
    wait = max(waits) if min(waits) >= 0 else min(waits) if max(waits) <= 0 else None
    words = {1: "faster", 0: "as fast", -1: "slower", None: "faster and slower"}[wait]
    return f"{words}, { ({1: 'cheaper', 0: 'as dear', -1: 'dearer'}[cost]) }"


def _compare(ours: float, theirs: float, same: float) -> int:
    """Return 1 where ours is less, -1 where it is more, 0 where both are the same."""
    if abs(ours - theirs) <= same:
        return 0
    return 1 if ours < theirs else -1
