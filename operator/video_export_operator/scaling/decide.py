"""How many pods: a pure function of the spec, what was observed and what is remembered.

The first rule of `rules.RULES` that matches proposes a size, the limits of `limits.LIMITS` change it in their order.
"""

from video_export_operator.resource import Spec
from video_export_operator.scaling.decision import Bound, Decision, Proposal
from video_export_operator.scaling.limits import LIMITS, open_executions
from video_export_operator.scaling.memory import Memory, remember_count, remember_pods, remember_queue
from video_export_operator.scaling.observation import Observation
from video_export_operator.scaling.rules import RULES, Case, wants_count
from video_export_operator.scaling.victims import find_shrink
from video_export_operator.scaling.workload import measure_workload


def decide(spec: Spec, seen: Observation, memory: Memory) -> tuple[Decision, Memory]:
    """Return the size for what was observed, and the memory for the next time.

    Args:
        spec: what the resource asks for.
        seen: what is known now.
        memory: what the last decision returned.
    """
    case = _build_case(spec, seen, memory)
    proposal = next(found for rule in RULES if (found := rule(case)) is not None)
    size, bounds = _limit(case, proposal)
    return Decision(
        replicas=size,
        proposal=proposal,
        bounds=bounds,
        victims=_victims(case, size),
        workload=case.workload,
        count_wanted=wants_count(case),
    ), case.memory


def _victims(case: Case, size: int) -> tuple[str, ...]:
    """Return the pods to take for a size; none where it would take others as well."""
    shrink = find_shrink(case.seen, case.workload.idle, size) if size < case.seen.current else None
    return shrink.victims if shrink is not None and shrink.size == size else ()


def _build_case(spec: Spec, seen: Observation, memory: Memory) -> Case:
    """Bring the memory up to date and measure what there is to do."""
    now = remember_count(seen, remember_pods(seen, memory, spec.slots))
    workload = measure_workload(seen, now, spec.scaling, spec.slots)
    now = remember_queue(seen, now, memory, workload.needed, spec.scaling)
    return Case(spec, seen, now, workload)


def _limit(case: Case, proposal: Proposal) -> tuple[int, tuple[Bound, ...]]:
    """Return the size within its limits, and those that changed it."""
    size = proposal.replicas
    found = []
    for limit in LIMITS:
        bound = limit(case, size, proposal)
        if bound is not None:
            size = bound.replicas
            found.append(bound)
    kept = open_executions(case)
    return size, (*found, kept) if kept is not None else tuple(found)
