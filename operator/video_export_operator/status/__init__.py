"""What the operator tells about a resource: conditions, numbers, and when they are worth a write."""

from video_export_operator.status.conditions import (
    Condition,
    ConditionType,
    Reason,
    Transition,
    merge_conditions,
)
from video_export_operator.status.conditions_from import Findings, conditions_from, conditions_of_unreadable
from video_export_operator.status.document import REFRESH, LastScale, describe_backlog, is_worth_writing
from video_export_operator.status.reporting import Report, claimed_by_another, left_selector, plan_report

__all__ = [
    "REFRESH",
    "Condition",
    "ConditionType",
    "Findings",
    "LastScale",
    "Reason",
    "Report",
    "Transition",
    "claimed_by_another",
    "conditions_from",
    "conditions_of_unreadable",
    "describe_backlog",
    "is_worth_writing",
    "left_selector",
    "merge_conditions",
    "plan_report",
]
