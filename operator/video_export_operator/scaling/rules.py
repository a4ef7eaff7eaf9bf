"""The rules in their order: each proposes a size with its reason, or passes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from video_export_operator.resource import Mode, Spec, format_duration
from video_export_operator.scaling.decision import Proposal, Rule
from video_export_operator.scaling.draining import TaskType
from video_export_operator.scaling.memory import Memory
from video_export_operator.scaling.observation import Observation
from video_export_operator.scaling.samples import last_needed
from video_export_operator.scaling.workload import Workload


@dataclass(frozen=True)
class Case:
    """All that a rule may look at."""

    spec: Spec
    seen: Observation
    memory: Memory
    workload: Workload

    @property
    def window(self) -> float:
        """The stabilization window, in seconds."""
        return self.spec.scaling.scale_down.stabilization_window

    @property
    def least(self) -> int:
        """Fewest pods, whatever waits: of the resource, or of its schedule where that asks for more now."""
        scaling = self.spec.scaling
        return max(scaling.min_replicas, min(self.seen.scheduled, scaling.max_replicas))

    @property
    def drainable(self) -> int:
        """Waiting tasks that these workers can take: neither stalled ones nor those that wait for a rate limit."""
        queue, work = self.seen.queue, self.workload
        if queue is None:
            return 0
        activities = 0 if work.rate_limited else queue.activities.tasks - work.stalled.get(TaskType.ACTIVITY, 0)
        return activities + queue.workflows.tasks - work.stalled.get(TaskType.WORKFLOW, 0)

    @property
    def quiet(self) -> bool:
        """Nothing waits or runs, and nothing did during the whole window; every worker said so."""
        queue = self.seen.queue
        return (
            queue is not None
            and not self.seen.stale
            and queue.waiting == 0
            and self.workload.terminating == 0
            and self.workload.protected == 0
            and self.memory.covers(self.seen.at, self.window)
            and self.memory.most_needed(self.seen.at, self.window) == 0
        )


def manual(case: Case) -> Proposal | None:
    """Somebody else decides on the size."""
    if case.spec.scaling.mode is not Mode.MANUAL or case.spec.scaling.paused:
        return None
    return Proposal(Rule.MANUAL, case.spec.replicas, f"spec.replicas is {case.spec.replicas}")


def paused(case: Case) -> Proposal | None:
    """Nobody decides."""
    if not case.spec.scaling.paused:
        return None
    return Proposal(Rule.PAUSED, case.seen.present, f"scaling is paused at {case.seen.present}")


def unreachable(case: Case) -> Proposal | None:
    """Nothing is known: keep the size, after a while at least the floor that the resource asks for."""
    seen = case.seen
    if not seen.stale:
        return None
    asked = case.spec.scaling.when_unreachable
    since = case.memory.unreachable_since
    silence = seen.at - since if since is not None else 0.0
    if since is not None and silence >= asked.after and asked.replicas > seen.present:
        why = f"Temporal has not answered for {format_duration(silence)}, so at least {asked.replicas} are run"
        return Proposal(Rule.UNREACHABLE, asked.replicas, why)
    return Proposal(Rule.UNREACHABLE, seen.present, f"Temporal does not answer, keeping {seen.present}")


def to_zero(case: Case) -> Proposal | None:
    """Everything is done. An execution that waits for a retry is invisible to the backlog, so they are counted."""
    if not case.quiet or case.seen.present == 0 or case.seen.open_executions != 0:
        return None
    return Proposal(Rule.TO_ZERO, 0, f"nothing waited or ran for {format_duration(case.window)}")


def scale_up(case: Case) -> Proposal | None:
    """More is needed than there is."""
    work, queue = case.workload, case.seen.queue
    if queue is None or work.needed <= case.seen.present:
        return None
    return Proposal(Rule.SCALE_UP, work.needed, _numbers(case))


def scale_down(case: Case) -> Proposal | None:
    """Less was needed during the whole window than there is, and nothing waits now that could be taken."""
    seen = case.seen
    if seen.queue is None or case.drainable or seen.rolling or not case.memory.covers(seen.at, case.window):
        return None
    # The last pod is ToZero's to take: an open workflow can be asked and cancelled only while a worker polls.
    most = max(1, case.memory.most_needed(seen.at, case.window))
    if most >= seen.present:
        return None
    return Proposal(
        Rule.SCALE_DOWN, most, f"at most {most} needed for {format_duration(case.window)}; {_numbers(case)}"
    )


def steady(case: Case) -> Proposal:
    """Nothing to change now."""
    return Proposal(Rule.STEADY, case.seen.present, "; ".join(filter(None, (_numbers(case), _wait(case)))))


RULES: tuple[Callable[[Case], Proposal | None], ...] = (
    manual,
    paused,
    unreachable,
    to_zero,
    scale_up,
    scale_down,
    steady,
)


def wants_count(case: Case) -> bool:
    """Return whether open executions should be counted: only where ToZero waits for nothing else, once a window."""
    scaling, seen, memory = case.spec.scaling, case.seen, case.memory
    if scaling.mode is Mode.MANUAL or scaling.paused or scaling.pause_scale_down or case.least > 0:
        return False
    if not case.quiet or seen.present == 0 or seen.open_executions is not None:
        return False
    # Visibility allows 10 counts a second in a namespace, so even a short window asks at most once an interval.
    pause = max(case.window, scaling.poll_interval)
    return memory.counted_at is None or seen.at - memory.counted_at >= pause


def _wait(case: Case) -> str:
    """Return which rule would take pods away and what it waits for; empty where none would."""
    seen, work, queue = case.seen, case.workload, case.seen.queue
    if queue is None or max(work.needed, case.least) >= seen.present:
        return ""
    rule = Rule.SCALE_DOWN if seen.present > 1 else Rule.TO_ZERO
    if case.drainable or (rule is Rule.TO_ZERO and queue.waiting):
        return f"{rule} waits until no task waits"
    if rule is Rule.SCALE_DOWN and seen.rolling:
        return f"{rule} waits for the rollout"
    if rule is Rule.TO_ZERO and work.terminating:
        return f"{rule} waits for {work.terminating} terminating pods"
    if rule is Rule.TO_ZERO and work.unknown:
        return f"{rule} waits until {len(work.unknown)} pods say what they do"
    left = _window_left(case, enough=seen.present if rule is Rule.SCALE_DOWN else 1)
    if left <= 0.0:
        return ""
    window = format_duration(case.window)
    return f"{rule} waits for the stabilization window of {window}, another {format_duration(math.ceil(left))}"


def _window_left(case: Case, enough: int) -> float:
    """Return for how many seconds fewer than `enough` pods must still be needed until the window has passed."""
    memory, now = case.memory, case.seen.at
    needed_until = last_needed(memory.samples, enough)
    begin = max(
        min(needed_until, now) if needed_until is not None else 0.0, now if memory.since is None else memory.since
    )
    return begin + case.window - now


def _numbers(case: Case) -> str:
    """Return the numbers behind the need."""
    queue = case.seen.queue
    if queue is None:
        return "nothing is known yet"
    return (
        f"{queue.activities.tasks} activities and {queue.workflows.tasks} workflow tasks wait, "
        f"{case.workload.in_flight} run, {case.workload.slots} slots a pod: {case.workload.needed} needed"
        f"{_not_draining(case)}"
    )


def _not_draining(case: Case) -> str:
    """Return which tasks no pod is added for; empty where all that waits can be taken."""
    work = case.workload
    stalled = f", {work.stalled_tasks} of the tasks are taken by no worker" if work.stalled_tasks else ""
    return stalled + (", the queue's rate limit keeps activities waiting" if work.rate_limited else "")
