"""What became of exports, asked of Temporal over one connection: its command line costs a process for every look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from temporalio.client import Client, WorkflowExecutionStatus


@dataclass(frozen=True)
class Attempt:
    """One attempt of an activity that was completed, by the worker of this identity."""

    number: int
    identity: str
    began: datetime
    ended: datetime


class Exports:
    """The exports of one Temporal namespace, for code without an event loop; use it in a `with` block."""

    def __init__(self, address: str, namespace: str = "default") -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(Client.connect(address, namespace=namespace))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the event loop."""
        self._runner.close()

    def status(self, export: str) -> WorkflowExecutionStatus | None:
        """Return the state of an export's workflow."""
        return self._runner.run(self._client.get_workflow_handle(export).describe()).status

    def attempts(self, export: str) -> list[int]:
        """Return which attempt of each activity ended it: 1 where none was interrupted."""
        history = self._runner.run(self._client.get_workflow_handle(export).fetch_history())
        started = (event.activity_task_started_event_attributes for event in history.events)
        return [one.attempt for one in started if one.attempt]  # an event of another kind has 0 here

    def failures(self, export: str) -> list[tuple[str, str]]:
        """Return type and message of the failure before each activity that was tried again, and of what ended one."""
        history = self._runner.run(self._client.get_workflow_handle(export).fetch_history())
        found = []
        for event in history.events:
            started, failed = event.activity_task_started_event_attributes, event.activity_task_failed_event_attributes
            failure = started.last_failure if started.HasField("last_failure") else failed.failure
            if failure.message:
                found.append((failure.application_failure_info.type, failure.message))
        return found

    def completed(self, export: str) -> list[Attempt]:
        """Return the attempt of each activity that completed it, and when."""
        history = self._runner.run(self._client.get_workflow_handle(export).fetch_history())
        events, found = {event.event_id: event for event in history.events}, []
        for event in history.events:
            started = events.get(event.activity_task_completed_event_attributes.started_event_id)
            if started is not None:
                about = started.activity_task_started_event_attributes
                times = started.event_time.ToDatetime(), event.event_time.ToDatetime()
                found.append(Attempt(about.attempt, about.identity, *times))
        return found
