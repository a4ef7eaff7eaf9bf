"""What a store's error means: the answers of S3 and others that the test server cannot give."""

from __future__ import annotations

import pytest
from obstore.exceptions import BaseError, GenericError, PermissionDeniedError

from video_export_worker.errors import RecordingNotFound, StorageDenied, StorageUnavailable, VideoExportError
from video_export_worker.storage.refusals import explain

ANSWER = "Generic S3 error: Error performing GET https://s3/b/k in 9ms - Server returned non-2xx status code: "


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (FileNotFoundError("Object at location k not found"), RecordingNotFound, "check the URI"),
        (GenericError(f"{ANSWER}404 Not Found: <Code>NoSuchBucket</Code>"), StorageDenied, "create it"),
        (
            PermissionDeniedError("403: <Code>AccessDenied</Code><Message>no</Message>"),
            StorageDenied,
            "grant them read",
        ),
        (PermissionDeniedError("403: <Code>InvalidAccessKeyId</Code>"), StorageDenied, "check AWS_ACCESS_KEY_ID"),
        (GenericError(f"{ANSWER}400: <Code>AuthorizationHeaderMalformed</Code>"), StorageDenied, "AWS_REGION"),
        (GenericError(f"{ANSWER}301 Moved Permanently: "), StorageDenied, "another region"),
        (GenericError(f"{ANSWER}400 Bad Request: <Code>InvalidArgument</Code>"), StorageDenied, "check the URI"),
        (GenericError(f"{ANSWER}503 Slow Down: <Code>SlowDown</Code>"), StorageUnavailable, "does not answer as it"),
        (GenericError(f"{ANSWER}429 Too Many Requests: "), StorageUnavailable, "overloaded"),
        (GenericError("PUT http://169.254.169.254/latest/api/token"), StorageDenied, "there are no credentials"),
        (GenericError("Account must be specified\n\nDebug source: MissingAccount"), StorageDenied, "AZURE_STORAGE"),
        (GenericError("error sending request\n\nDebug source: kind: Timeout, "), StorageUnavailable, "timed out"),
        (BaseError("something new"), StorageUnavailable, "something new"),
    ],
)
def test_an_error_says_what_to_do(error: Exception, kind: type[VideoExportError], says: str) -> None:
    explained = explain(error, "read", "s3://b/k")
    assert type(explained) is kind
    assert str(explained).startswith("cannot read s3://b/k: ")
    assert says in str(explained)


def test_the_store_s_own_words_are_cut_short() -> None:
    error = GenericError(f"{ANSWER}400: {'x' * 5000}\n\nDebug source: {'y' * 5000}")
    text = str(explain(error, "write", "s3://b/k"))
    assert len(text) < 700
    assert "yy" not in text
