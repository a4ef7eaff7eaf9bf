"""What Temporal keeps of a failed attempt: 4 KiB, whatever the recording made the error say."""

from __future__ import annotations

import logging

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from video_export_worker.activities.attempt import begin_attempt
from video_export_worker.attempts.running import ChildDefect
from video_export_worker.contract import Progress
from video_export_worker.errors import RenderFailed

KEPT = 4096  # bytes: `limit.mutableStateActivityFailureSize.error` of the server
LONG = "at page.js " * 100_000


async def fail_with(error: Exception) -> tuple[ApplicationError, Failure]:
    """An attempt that fails, and the failure as the SDK sends it."""

    async def attempt() -> None:
        async with begin_attempt("rendering", Progress(phase="rendering")):
            raise error

    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(attempt)
    failure = Failure()
    await DataConverter.default.encode_failure(raised.value, failure)
    return raised.value, failure


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RenderFailed(f"load: {LONG} the end"), "RenderFailed"),
        (ChildDefect(f"load: {LONG} the end"), "ChildDefect"),
        (RuntimeError(f"load: {LONG} the end"), "RuntimeError"),
    ],
)
async def test_a_long_error_keeps_its_head_and_tail_in_a_failure_that_the_server_takes(
    error: Exception, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised, failure = await fail_with(error)
    assert failure.ByteSize() < KEPT
    assert (raised.type, raised.non_retryable) == (kind, False)
    assert raised.message.startswith("load: at page.js")
    assert raised.message.endswith("the end")


async def test_the_log_has_the_stack_of_what_was_unexpected(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("the cause")
    except ValueError as cause:
        error = KeyError("unexpected")
        error.__cause__ = cause
    with caplog.at_level(logging.ERROR):
        raised, _ = await fail_with(error)
    assert raised.type == "KeyError"
    assert "ValueError: the cause" in caplog.text
