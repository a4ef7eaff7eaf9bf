"""How long pods were busy and idle."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Pod-seconds, and the pods that count since the last look.

    Attributes:
        busy: of pods that ran something.
        idle: of all others: starting, waiting for work, ending.
        at: the last look; None before the first.
        busy_pods: at the last look.
        idle_pods: at the last look.
    """

    busy: float = 0.0
    idle: float = 0.0
    at: float | None = None
    busy_pods: int = 0
    idle_pods: int = 0

    def until(self, at: float, busy_pods: int, idle_pods: int) -> "Usage":
        """Return the usage at a new look; pods count as they were at the look before."""
        passed = at - self.at if self.at is not None else 0.0
        return Usage(
            busy=self.busy + passed * self.busy_pods,
            idle=self.idle + passed * self.idle_pods,
            at=at,
            busy_pods=busy_pods,
            idle_pods=idle_pods,
        )
