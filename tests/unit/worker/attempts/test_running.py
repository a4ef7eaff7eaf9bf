"""A child may have been taken over by the recording that it reads: what it says of its failure is only data."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from video_export_worker.attempts.messages import Job, Report, ReportKind
from video_export_worker.attempts.running import ChildDefect, JobLimits, RunningJob
from video_export_worker.errors import ERROR_CODES, VideoExportError


class _Writer:
    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    async def drain(self) -> None:
        """There is nothing to wait for."""


async def fail_with(code: str) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(Report(kind=ReportKind.FAILURE, code=code, message="why").model_dump_json().encode() + b"\n")
    child: Any = SimpleNamespace(reader=reader, writer=_Writer(), tree=SimpleNamespace(memory=lambda most: 0))
    await RunningJob(child, JobLimits(2**30, 10), lambda done, total: None).run(Job(name="render"))


@pytest.mark.parametrize("code", ["RecordingInvalid", "RecordingTooLarge", "RenderFailed", "BrowserHung"])
async def test_a_failure_of_the_work_is_raised_as_what_it_is(code: str) -> None:
    with pytest.raises(VideoExportError, match="why") as raised:
        await fail_with(code)
    assert type(raised.value) is ERROR_CODES[code]


@pytest.mark.parametrize(
    "code",
    ["StorageUnavailable", "StorageDenied", "RendererDiffers", "ProcessDied", "RecordingTooHeavy", "KeyError", ""],
)
async def test_what_a_child_cannot_know_is_a_defect(code: str) -> None:
    with pytest.raises(ChildDefect, match="why"):
        await fail_with(code)
