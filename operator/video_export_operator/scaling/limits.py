"""The limits in their order: each may change the size, and says so."""

from collections.abc import Callable

from video_export_operator.resource import Mode
from video_export_operator.scaling.decision import Bound, Limit, Proposal, Rule
from video_export_operator.scaling.rules import Case
from video_export_operator.scaling.victims import find_shrink


def cold_start(case: Case, size: int, proposal: Proposal) -> Bound | None:
    """Begin with a few: a backlog may be phantom until a worker has asked for it."""
    step = max(case.spec.scaling.cold_start_step, case.seen.present)
    if proposal.rule is not Rule.SCALE_UP or case.memory.polled or size <= step:
        return None
    return Bound(Limit.COLD_START, step, f"{step} of {size} until the first worker polls")


def bounds(case: Case, size: int, proposal: Proposal) -> Bound | None:
    """Keep to what the resource allows.

    A paused size and somebody else's are left as they are, and one that nothing is known about is not lowered.
    """
    scaling = case.spec.scaling
    if proposal.rule in (Rule.PAUSED, Rule.MANUAL):
        return None
    if size < case.least:
        by = "minReplicas is" if case.least == scaling.min_replicas else "the schedule asks for"
        return Bound(Limit.MIN_REPLICAS, case.least, f"{by} {case.least}, not {size}")
    if size > scaling.max_replicas and not (proposal.rule is Rule.UNREACHABLE and size <= case.seen.present):
        return Bound(Limit.MAX_REPLICAS, scaling.max_replicas, f"maxReplicas is {scaling.max_replicas}, {size} wanted")
    return None


def scale_down_paused(case: Case, size: int, proposal: Proposal) -> Bound | None:
    """Take no pods while the resource says so; more are still added."""
    present = case.seen.present
    if not case.spec.scaling.pause_scale_down or proposal.rule in (Rule.PAUSED, Rule.MANUAL) or size >= present:
        return None
    return Bound(Limit.SCALE_DOWN_PAUSED, present, f"scaling.pauseScaleDown is set, {size} would be enough")


def busy_floor(case: Case, size: int, _proposal: Proposal) -> Bound | None:
    """Never so few that a pod goes that cannot be taken; the size follows as pods become idle.

    It keeps pods, it never adds any.
    """
    if size >= case.seen.current:
        return None
    work, shrink = case.workload, find_shrink(case.seen, case.workload.idle, size)
    floor = shrink.size if shrink is not None else case.seen.current
    if floor <= size:
        return None
    pods = f"{len(work.busy)} busy and {len(work.unknown)} unknown pods"
    if work.serving:
        pods += f", {len(work.serving)} for the open work of their version"
    if fresh := work.live - len(work.busy | work.unknown | work.idle | work.serving):
        pods += f", {fresh} idle for less than {case.spec.scaling.scale_down.min_idle:g} s"
    why = f"{pods}, {case.seen.current - floor} can be taken safely"
    return Bound(Limit.BUSY_FLOOR, floor, why)


LIMITS: tuple[Callable[[Case, int, Proposal], Bound | None], ...] = (
    cold_start,
    bounds,
    scale_down_paused,
    busy_floor,
)


def open_executions(case: Case) -> Bound | None:
    """Say that the last pod stays for open executions; it is why ToZero did not match."""
    memory, present = case.memory, case.seen.present
    auto = case.spec.scaling.mode is Mode.AUTO and not case.spec.scaling.paused
    if not auto or present == 0 or not case.quiet:
        return None
    if memory.count_refused:
        why = f"open executions cannot be counted ({memory.count_refused}), one worker stays for them"
        return Bound(Limit.OPEN_EXECUTIONS_UNKNOWN, 1, why)
    if memory.open_executions == 0:
        return None
    return Bound(Limit.OPEN_EXECUTIONS, 1, f"{memory.open_executions} open executions wait, one worker stays for them")
