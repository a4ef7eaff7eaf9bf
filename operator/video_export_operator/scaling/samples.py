"""What was needed, over time: each sample stands for the stretch until the next one begins."""

from dataclasses import dataclass, replace
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Sample:
    """A stretch of time in which the same was needed, and what was done in it.

    Attributes:
        since: when it was first seen.
        completed: activities that ended.
        slot_seconds: time that slots were in use.
    """

    since: float
    needed: int
    completed: int = 0
    slot_seconds: float = 0.0


Samples = tuple[Sample, ...]


def add_sample(samples: Samples, new: Sample, oldest: float) -> Samples:
    """Return the samples with one more, which lengthens the last where the need is the same.

    Args:
        samples: oldest first.
        new: the present need.
        oldest: when the window begins; stretches that ended by then are dropped.
    """
    if not samples or samples[-1].needed != new.needed:
        return _since((*samples, new), oldest)
    last = samples[-1]
    longer = replace(last, completed=last.completed + new.completed, slot_seconds=last.slot_seconds + new.slot_seconds)
    return _since((*samples[:-1], longer), oldest)


def most_needed(samples: Samples, oldest: float) -> int:
    """Return the largest need from `oldest` on."""
    return max((sample.needed for sample in _since(samples, oldest)), default=0)


def last_needed(samples: Samples, least: int) -> float | None:
    """Return until when at least so many were needed; None where they never were, infinity where they still are."""
    ends = [later.since for sample, later in pairwise(samples) if sample.needed >= least]
    if samples and samples[-1].needed >= least:
        return float("inf")
    return max(ends, default=None)


def completion_rate(samples: Samples) -> float:
    """Return how many activities one slot in use completes a second; 0.0 while unknown."""
    seconds = sum(sample.slot_seconds for sample in samples)
    return sum(sample.completed for sample in samples) / seconds if seconds > 0 else 0.0


def _since(samples: Samples, oldest: float) -> Samples:
    """Return the samples whose stretch ends after `oldest`; the last one has no end yet."""
    kept = tuple(sample for sample, later in pairwise(samples) if later.since > oldest)
    return (*kept, samples[-1]) if samples else ()
