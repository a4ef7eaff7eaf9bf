"""What a store's error means to the export: one ordered list of rules, the first that matches decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from video_export_worker.errors import RecordingNotFound, StorageDenied, StorageUnavailable, VideoExportError
from video_export_worker.storage.redaction import redact


@dataclass(frozen=True)
class Failure:
    """A store's error, taken apart."""

    error: BaseException
    summary: str
    status: int | None
    code: str | None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Take the error apart: the store's own code (`NoSuchBucket`), the HTTP status, one line that says it."""
        text = str(error)
        status = re.search(r"status code: (\d{3})", text)
        code = re.search(r"<Code>(\w+)</Code>", text)
        message = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
        cause = re.search(r"kind: (Timeout|Connect)\b", text)
        summary = " ".join(text.split("\n\nDebug source")[0].split())
        if code:
            summary = f"{code[1]}: {message[1]}" if message else code[1]
        elif cause:
            summary += " (timed out)" if cause[1] == "Timeout" else " (no connection)"
        return cls(error, summary[:400], int(status[1]) if status else None, code[1] if code else None)

    def says(self, *words: str) -> bool:
        """Whether the error contains one of `words`."""
        return any(word in str(self.error) for word in words)


Rule = tuple[Callable[[Failure], bool], type[VideoExportError], str]

# Each: when it applies, what it is, what to do about it.
RULES: Final[tuple[Rule, ...]] = (
    (
        lambda failure: failure.says("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"),
        StorageDenied,
        "the bucket does not exist: create it, or correct the URI",
    ),
    (
        lambda failure: isinstance(failure.error, FileNotFoundError),
        RecordingNotFound,
        "there is no such object: check the URI",
    ),
    (
        lambda failure: failure.says("169.254.169.254", "169.254.170.2", "metadata.google.internal"),
        StorageDenied,
        "there are no credentials: give those of the storage (for S3 AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or a service account with a role)",
    ),
    (
        lambda failure: failure.says("MissingAccount"),
        StorageDenied,
        "set AZURE_STORAGE_ACCOUNT_NAME to the storage account",
    ),
    (
        lambda failure: (
            failure.status in (301, 307)
            or failure.code
            in ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException")
        ),
        StorageDenied,
        "the bucket is in another region or at another endpoint: set AWS_REGION and AWS_ENDPOINT",
    ),
    (
        lambda failure: failure.code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken"),
        StorageDenied,
        "the storage does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        lambda failure: (
            isinstance(failure.error, (PermissionDeniedError, UnauthenticatedError, PermissionError))
            or failure.status in (401, 403)
            or failure.says("PermissionDenied", "ReadOnlyFilesystem")
        ),
        StorageDenied,
        "the credentials do not allow this: grant them read, write, list and delete below the storage",
    ),
    (
        lambda failure: failure.says("builder error"),
        StorageDenied,
        "the endpoint is http:// without encryption: set AWS_ALLOW_HTTP=true if that is wanted",
    ),
    (
        lambda failure: failure.status in (408, 429),
        StorageUnavailable,
        "the storage is overloaded: the export tries again",
    ),
    (
        lambda failure: failure.status is not None and 400 <= failure.status < 500,
        StorageDenied,
        "the storage does not understand the request: check the URI, AWS_REGION and AWS_ENDPOINT",
    ),
    (
        lambda failure: True,
        StorageUnavailable,
        "the storage does not answer as it should: check that it is up and that the worker reaches it",
    ),
)


def explain(error: BaseException, action: str, uri: str) -> VideoExportError:
    """Build the export's error for a store's error.

    Args:
        error: what obstore raised.
        action: what was tried, as in "read" or "write".
        uri: of what.
    """
    failure = Failure.of(error)
    for applies, kind, advice in RULES:
        if applies(failure):
            return kind(redact(f"cannot {action} {uri}: {advice} ({failure.summary})"))
    raise AssertionError("the last rule always applies")
