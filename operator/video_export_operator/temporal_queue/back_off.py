"""How long a Temporal namespace is left alone after it refused a call as one too many."""

from collections.abc import Callable
from enum import StrEnum

from video_export_operator.errors import RateLimited

FIRST, LONGEST = 2.0, 60.0
"""Seconds of the first and of the longest pause; each is twice the one before."""


class Quota(StrEnum):
    """What Temporal may count separately in a namespace, and so what is left alone separately.

    Servers from 1.28 to 1.31 count WORKERS with VISIBILITY, of which they allow 10 calls a second.
    """

    STATISTICS = "DescribeTaskQueue"
    WORKERS = "ListWorkers"
    VISIBILITY = "CountWorkflowExecutions"
    VERSIONS = "DescribeWorkerDeployment"


class BackOff:
    """Pauses that all resources of a Temporal namespace share.

    Args:
        random: numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._until: dict[Quota, float] = {}
        self._pause: dict[Quota, float] = {}
        self._said: dict[Quota, str] = {}

    def check(self, quota: Quota, at: float) -> None:
        """Let a call through, unless it would come too early.

        Raises:
            RateLimited: in the words in which Temporal refused the last call.
        """
        if at < self._until.get(quota, at):
            raise RateLimited(self._said[quota])

    def refused(self, quota: Quota, at: float, said: str) -> None:
        """Remember that a call was one too many; calls that were under way together count once."""
        if at < self._until.get(quota, at):
            return
        pause = min(LONGEST, 2 * self._pause[quota]) if quota in self._pause else FIRST
        self._pause[quota], self._said[quota] = pause, said
        self._until[quota] = at + pause * (0.75 + self._random() / 2)

    def answered(self, quota: Quota) -> None:
        """Remember that a call was answered."""
        self._pause.pop(quota, None)
        self._until.pop(quota, None)
