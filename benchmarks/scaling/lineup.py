"""Who takes part: the operator, as it is installed and in two other ways, KEDA in three, and fixed numbers of pods."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.scaling.keda import Keda, Settings
from benchmarks.scaling.policies import Operator, fixed
from benchmarks.scaling.simulation import SLOTS, Outcome, simulate
from benchmarks.scaling.traces import Trace
from video_export_operator.resource import Spec

KUBERNETES_GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL where nobody says anything."""
THRIFTY = {"targetWait": "30s"}
"""Fewer pods, for tasks that may wait."""
EAGER = {"coldStartStep": 10}
"""From zero to all that is needed at once, as others do: nothing guards against a phantom backlog."""


def build_spec(scaling: Mapping[str, Any]) -> Spec:
    """The smallest resource, with the defaults that users get."""
    return Spec.model_validate(
        {
            "temporal": {"address": "temporal:7233"},
            "image": "example/worker:1",
            "storage": {"uri": "s3://exports"},
            "slots": SLOTS,
            "scaling": dict(scaling),
        }
    )


def tuned(spec: Spec) -> Settings:
    """KEDA as close to the resource as its settings allow."""
    window, maximum = spec.scaling.scale_down.stabilization_window, spec.scaling.max_replicas
    return Settings(
        target=spec.slots,
        polling=spec.scaling.poll_interval_at_zero,
        cooldown=window,
        window=window,
        step=(maximum, 100),
        fallback=spec.scaling.when_unreachable.replicas,
        maximum=maximum,
    )


def play(trace: Trace) -> Iterator[tuple[str, Outcome]]:
    """Yield each policy's outcome, the operator's first."""
    spec = build_spec(trace.scaling)
    maximum = spec.scaling.max_replicas
    ours = simulate(trace, functools.partial(Operator, spec=spec))
    yield "operator", ours
    for name, settings in (("operator-eager", EAGER), ("operator-thrifty", THRIFTY)):
        yield name, simulate(trace, functools.partial(Operator, spec=build_spec({**trace.scaling, **settings})))
    yield "keda", simulate(trace, functools.partial(Keda, settings=Settings(maximum=maximum)), KUBERNETES_GRACE)
    yield "keda-tuned", simulate(trace, functools.partial(Keda, settings=tuned(spec)))
    running = replace(tuned(spec), running=True)
    yield "keda-running", simulate(trace, functools.partial(Keda, settings=running))
    # As many as the operator had on average, at least one, and as many as it may have.
    mean = max(1, math.ceil(ours.pod_minutes * 60.0 / trace.until))
    for count in (mean, maximum):
        yield f"fixed-{count}", simulate(trace, fixed(count))
