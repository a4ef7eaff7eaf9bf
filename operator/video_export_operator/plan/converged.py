"""Whether there is anything to do about an object: one value for each, and the only place that answers.

An object has converged when what is wanted is what was last applied, and what is there is what that left. What failed
waits, unless what is wanted or what is there has changed since. Times are seconds of the caller's monotonic clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from video_export_operator.errors import Contested, OperatorError, PermanentError
from video_export_operator.manifests import Ref
from video_export_operator.plan.wanted import ABSENT
from video_export_operator.scaling import WorkerReport

NEVER = float("-inf")
RESYNC = 600.0
"""Seconds after which everything is read again, and applied where it is not as it was left."""
REPAIRS = 5
"""Edits of one object that are put back at once. More are made by a program, and each of a template brings new pods."""
FIRST_CALM, CALM = 10.0, 600.0
"""Seconds for which the next edit is left, at first and at most; all is forgotten after twice the longest."""
BACKOFF = (0.5, 30.0)
"""Seconds of the first and the longest wait after a passing error."""
SLOWLY = (15.0, 300.0)
"""Seconds of the first and the longest wait after an error that only a change mends; one that is seen comes first."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is wanted of an object, and what is there: a digest and a fingerprint, empty where it is absent.

    Attributes:
        writer: who else has written the object, as far as that is known.
    """

    wanted: str
    found: str
    writer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """The last attempt at an object, which failed.

    Attributes:
        problem: what it failed with.
        tried: what was wanted, and what was there.
        attempts: failures in a row.
        retry_at: when to try again.
    """

    problem: OperatorError
    tried: Due
    attempts: int
    retry_at: float


@dataclass(frozen=True, slots=True)
class Converged:
    """One object as it was left.

    Attributes:
        wanted: digest of what was last brought there; None before the first time.
        left: fingerprint of the object after that; empty where it is absent.
        at: when it was last looked at.
        failure: what has failed since.
        repairs: how often it was put back after somebody changed it, without a quiet time in between.
        repaired_at: when it last was.
    """

    wanted: str | None = None
    left: str = ""
    at: float = NEVER
    failure: Failure | None = None
    repairs: int = 0
    repaired_at: float = NEVER

    def is_edited(self, due: Due) -> bool:
        """Return whether somebody changed what had converged."""
        return due.wanted == self.wanted != ABSENT and due.found != self.left

    def contested_until(self) -> float:
        """Return until when an edit is left as it is."""
        if self.repairs < REPAIRS:
            return NEVER
        return self.repaired_at + float(min(CALM, FIRST_CALM * 2 ** min(self.repairs - REPAIRS, 10)))

    def repair(self, due: Due, at: float) -> tuple[int, float]:
        """Return how often the object was put back, and when, once more being now if it was edited."""
        repairs = 0 if at - self.repaired_at > 2 * CALM else self.repairs
        return (repairs + 1, at) if self.is_edited(due) else (repairs, self.repaired_at)

    def has_converged(self, due: Due, at: float) -> bool:
        """Return whether nothing is left to do."""
        same = due.wanted == ABSENT or due.found == self.left
        return same and due.wanted == self.wanted and at - self.at < RESYNC

    def waits(self, due: Due, at: float) -> bool:
        """Return whether the same has failed and is to be tried again later."""
        return self.failure is not None and at < self.failure.retry_at and self.failure.tried == due


NEW = Converged()
Left = Mapping[Ref, Converged]
"""How each object was left."""


@dataclass(frozen=True)
class Outcome:
    """What came of a plan.

    Attributes:
        left: fingerprint of each object that is as it is wanted now.
        failed: what went wrong with each other object that was tried.
        size: uid of the Deployment and the size that was given to it.
        begun: pods that have begun something since they were last heard of, and what they run.
    """

    left: Mapping[Ref, str] = field(default_factory=dict)
    failed: Mapping[Ref, OperatorError] = field(default_factory=dict)
    size: tuple[str, int] | None = None
    begun: Mapping[str, WorkerReport] = field(default_factory=dict)

    def __or__(self, other: "Outcome") -> "Outcome":
        """Return what came of both, one after the other."""
        left, failed, begun = (
            {**self.left, **other.left},
            {**self.failed, **other.failed},
            {**self.begun, **other.begun},
        )
        return Outcome(left, failed, other.size or self.size, begun)


def find_due(
    left: Left, wanted: Mapping[Ref, str], found: Mapping[Ref, str], at: float, writers: Mapping[Ref, str] | None = None
) -> tuple[Mapping[Ref, Due], Left]:
    """Return the objects to do something about now, and what is remembered without failures that are over.

    Args:
        left: the objects as they were left.
        wanted: digest of each, ABSENT for what must not be there.
        found: fingerprint of each that is there.
        at: now.
        writers: who else has written each.
    """
    who = writers or {}
    states = {ref: Due(digest, found.get(ref, ""), who.get(ref, "")) for ref, digest in wanted.items()}
    due = {ref: state for ref, state in states.items() if not left.get(ref, NEW).has_converged(state, at)}
    changed = {ref: replace(each, failure=None) for ref, each in left.items() if each.failure and ref not in due}
    contested = {ref for ref, state in due.items() if _is_contested(left.get(ref, NEW), state, at)}
    changed |= {ref: _contest(ref, left[ref], due[ref]) for ref in contested}
    ready = {
        ref: state for ref, state in due.items() if ref not in contested and not left.get(ref, NEW).waits(state, at)
    }
    return ready, {**left, **changed} if changed else left


def _is_contested(before: Converged, state: Due, at: float) -> bool:
    """Return whether an edit of a known writer, or a deletion, is one too many for now."""
    is_known = bool(state.writer) or not state.found
    return is_known and before.is_edited(state) and at < before.contested_until()


def _contest(ref: Ref, before: Converged, state: Due) -> Converged:
    """Return an object that is left as somebody else made it for a while."""
    what = f"{state.writer} has changed {ref}" if state.found else f"somebody has deleted {ref}"
    problem = Contested(
        f"{what} {before.repairs} times after the operator put it back; it is put back ever more rarely, at least "
        f"every {CALM / 60:g} minutes; let only one of the two write it"
    )
    return replace(before, failure=Failure(problem, state, before.repairs, before.contested_until()))


def find_problems(left: Left) -> tuple[OperatorError, ...]:
    """Return what has failed, first what only a change mends."""
    problems = (each.failure.problem for each in left.values() if each.failure is not None)
    return tuple(sorted(problems, key=lambda each: not isinstance(each, PermanentError)))


def most_lasting(problems: Iterable[OperatorError]) -> OperatorError | None:
    """Return the first that only a change mends, else the first."""
    every = tuple(problems)
    return next((each for each in every if isinstance(each, PermanentError)), next(iter(every), None))


def next_retry(objects: Iterable[Converged]) -> float:
    """Return when the next failed object is tried again; infinity where none is."""
    return min((each.failure.retry_at for each in objects if each.failure), default=float("inf"))


def remember_outcome(
    left: Left, due: Mapping[Ref, Due], outcome: Outcome, at: float, random: float, first_stretch: float
) -> Left:
    """Return the objects as a plan has left them.

    Args:
        left: the objects as they were left before.
        due: those that the plan was about.
        outcome: what came of it.
        at: now.
        random: from 0 to 1, so that what failed together is not tried again together.
        first_stretch: seconds until an object that is seen for the first time is looked at again.
    """
    new = dict(left)
    for ref, state in due.items():
        before = left.get(ref, NEW)
        if ref in outcome.left:
            looked_at = at - RESYNC + first_stretch if before.at == NEVER else at
            repairs, repaired_at = before.repair(state, at)
            new[ref] = Converged(state.wanted, outcome.left[ref], looked_at, repairs=repairs, repaired_at=repaired_at)
        elif ref in outcome.failed:
            new[ref] = note_failure(before, state, outcome.failed[ref], at, random)
    return new


def note_failure(before: Converged, tried: Due, problem: OperatorError, at: float, random: float) -> Converged:
    """Return an object with a failure that waits longer than the one before."""
    attempts = before.failure.attempts + 1 if before.failure is not None else 1
    return replace(before, failure=Failure(problem, tried, attempts, at + pause_after(problem, attempts, random)))


def pause_after(problem: OperatorError, attempts: int, random: float) -> float:
    """Return how long to wait after a failure, in seconds: longer each time, and not all at once.

    Args:
        problem: what it failed with.
        attempts: failures in a row, this one included.
        random: from 0 to 1.
    """
    first, longest = SLOWLY if isinstance(problem, PermanentError) else BACKOFF
    return float(min(longest, first * 2 ** min(attempts - 1, 10)) * (0.5 + random / 2))
