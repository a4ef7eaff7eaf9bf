"""What became of exports, asked of Temporal over one connection: its command line costs a process for every look."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from temporalio.client import Client, WorkflowExecutionStatus


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
