"""Asks Temporal what waits on a task queue and what its workers do."""

from video_export_operator.temporal_queue.client import TemporalQueues
from video_export_operator.temporal_queue.endpoint import Endpoint

__all__ = ["Endpoint", "TemporalQueues"]
