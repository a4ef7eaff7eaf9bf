"""What the operator tells about a resource: conditions, numbers, and when they are worth a write."""

from video_export_operator.status.conditions import (
    Condition,
    ConditionType,
    Reason,
    Transition,
    merge_conditions,
)
from video_export_operator.status.document import REFRESH, LastScale, describe_backlog, is_worth_writing
from video_export_operator.status.judgement import Findings, judge, judge_unreadable

__all__ = [
    "REFRESH",
    "Condition",
    "ConditionType",
    "Findings",
    "LastScale",
    "Reason",
    "Transition",
    "describe_backlog",
    "is_worth_writing",
    "judge",
    "judge_unreadable",
    "merge_conditions",
]
