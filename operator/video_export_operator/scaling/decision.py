"""The outcome of a decision."""

from dataclasses import dataclass
from enum import StrEnum

from video_export_operator.scaling.workload import Workload


class Rule(StrEnum):
    """Which rule proposed the size; part of the API (metrics, events, lastScale)."""

    MANUAL = "Manual"
    PAUSED = "Paused"
    UNREACHABLE = "Unreachable"
    TO_ZERO = "ToZero"
    SCALE_UP = "ScaleUp"
    SCALE_DOWN = "ScaleDown"
    STEADY = "Steady"


class Limit(StrEnum):
    """What kept the size from being what was proposed; part of the API (reasons of ScalingLimited)."""

    COLD_START = "ColdStart"
    MIN_REPLICAS = "MinReplicas"
    MAX_REPLICAS = "MaxReplicas"
    SCALE_DOWN_PAUSED = "ScaleDownPaused"
    BUSY_FLOOR = "BusyFloor"
    OPEN_EXECUTIONS = "OpenExecutions"
    OPEN_EXECUTIONS_UNKNOWN = "OpenExecutionsUnknown"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The size that a rule proposes, and why."""

    rule: Rule
    replicas: int
    why: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit that changed the size, and why."""

    limit: Limit
    replicas: int
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The size and everything that explains it.

    Attributes:
        replicas: the size.
        proposal: of the first rule that matched.
        bounds: limits that changed it, in their order.
        victims: names of pods that the ReplicaSet shall take first.
        workload: the numbers behind it.
        count_wanted: open executions should be counted, and the decision taken again with the number.
    """

    replicas: int
    proposal: Proposal
    bounds: tuple[Bound, ...]
    victims: tuple[str, ...]
    workload: Workload
    count_wanted: bool = False

    @property
    def reason(self) -> str:
        """The rule, its numbers and what limited it, in one line."""
        return f"{self.proposal.rule}: {self.why}"

    @property
    def why(self) -> str:
        """The numbers behind the rule and what limited it."""
        return self.proposal.why + "".join(f"; {bound.limit}: {bound.why}" for bound in self.bounds)
