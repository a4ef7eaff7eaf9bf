"""What DescribeTaskQueue says of one task type."""

import time
from collections.abc import Iterable

from temporalio.api.enums.v1 import RateLimitSource
from temporalio.api.taskqueue.v1 import TaskQueueStats
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse

from video_export_operator.scaling import Backlog
from video_export_operator.temporal_queue.timestamps import to_seconds

LIMITS = frozenset({RateLimitSource.RATE_LIMIT_SOURCE_API, RateLimitSource.RATE_LIMIT_SOURCE_WORKER})
"""Who may have limited a queue on purpose; the server's own limit is thousands a second."""


def parse_backlog(answer: DescribeTaskQueueResponse) -> Backlog:
    """Return the statistics of one task type."""
    stats: TaskQueueStats = answer.stats
    limit = answer.effective_rate_limit
    return Backlog(
        tasks=stats.approximate_backlog_count,
        oldest_age=stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        add_rate=stats.tasks_add_rate,
        dispatch_rate=stats.tasks_dispatch_rate,
        rate_limit=limit.requests_per_second if limit.rate_limit_source in LIMITS else None,
    )


def parse_last_poll(answers: Iterable[DescribeTaskQueueResponse], at: float) -> float | None:
    """Return when a worker last asked for work, on the clock of `at`."""
    polls: list[float] = [to_seconds(poller.last_access_time) for answer in answers for poller in answer.pollers]
    return at - (time.time() - max(polls)) if polls else None
