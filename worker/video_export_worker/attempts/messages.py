"""What a worker and its children say to each other: JSON, one object a line.

A child may have been taken over by the recording that it reads. So nothing that it says is more than data: every line
is checked against `Report`, and one that does not fit ends the child.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

LINE_LIMIT: Final = 16 * 2**20  # bytes; the plan of the longest video is below 2 MiB
# Bytes of an error's message. Temporal keeps 4 KiB of an activity's last failure, all of its fields together, and says
# "Failure exceeds size limit" in place of a larger one (`limit.mutableStateActivityFailureSize.error`).
MESSAGE_LIMIT: Final = 2000


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChildStart(_Message):
    """How a child begins.

    Attributes:
        kind: what it gets ready for, a name of the entry's own.
        folder: its folder of temporary files.
        given: what the entry needs to know beside that.
    """

    kind: str
    folder: Path
    given: dict[str, Any] = {}


class Job(_Message):
    """The one piece of work of a child.

    Attributes:
        name: of the work.
        given: its input.
    """

    name: str
    given: dict[str, Any] = {}


class ReportKind(StrEnum):
    """What a line of a child says."""

    READY = "ready"
    PROGRESS = "progress"
    RESULT = "result"
    FAILURE = "failure"
    DEFECT = "defect"


class Report(_Message):
    """A line of a child.

    Attributes:
        kind: which of the fields below count.
        done: of `total`, in frames or bytes (PROGRESS).
        code: of the error (FAILURE).
        message: of the error; of a defect the stack (FAILURE, DEFECT).
        result: what the work came to (RESULT).
    """

    kind: ReportKind
    done: int = 0
    total: int = 0
    code: str = ""
    message: str = ""
    result: Any = None
