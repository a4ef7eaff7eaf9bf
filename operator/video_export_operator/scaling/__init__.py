"""How many pods a resource needs: pure, without a clock.

size, memory = decide(spec, observation, memory)
"""

from video_export_operator.scaling.decide import decide
from video_export_operator.scaling.decision import Bound, Decision, Limit, Proposal, Rule
from video_export_operator.scaling.draining import TaskType
from video_export_operator.scaling.memory import Memory
from video_export_operator.scaling.observation import (
    Backlog,
    Observation,
    QueueState,
    VersionWork,
    WorkerReport,
)
from video_export_operator.scaling.usage import Usage
from video_export_operator.scaling.workload import Workload

__all__ = [
    "Backlog",
    "Bound",
    "Decision",
    "Limit",
    "Memory",
    "Observation",
    "Proposal",
    "QueueState",
    "Rule",
    "TaskType",
    "Usage",
    "VersionWork",
    "WorkerReport",
    "Workload",
    "decide",
]
