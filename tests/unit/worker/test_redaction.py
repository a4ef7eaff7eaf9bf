"""Credentials are shown to nobody: in no error, and in no log of any level."""

from __future__ import annotations

import logging

import obstore
import pytest
from obstore.exceptions import GenericError

from video_export_worker.errors import VideoExportError
from video_export_worker.storage import Storage
from video_export_worker.storage.redaction import redact

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "text",
    [
        f"<AccessKey>{SECRET}</AccessKey>",
        f"https://s3/b/k?X-Amz-Algorithm=A&X-Amz-Signature={SECRET}&x=1",
        f"https://a.blob.core.windows.net/c/k?sv=1&sig={SECRET}",
        f"headers: {{authorization: AWS4-HMAC-SHA256 Credential=AKIA, Signature={SECRET}}}",
        f"https://storage.googleapis.com/b/k?X-Goog-Credential={SECRET}",
        f"s3://key:{SECRET}@bucket/k",
        "http://wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY@proxy.example:3128",
        f"Authorization: Bearer {SECRET}",
    ],
)
def test_a_credential_is_hidden_wherever_it_stands(text: str) -> None:
    hidden = redact(text, {"AWS_SECRET_ACCESS_KEY": SECRET} if "AccessKey" in text else {})
    assert SECRET not in hidden
    assert "EXAMPLEKEY" not in hidden
    assert "[hidden]" in hidden


def test_key_ids_are_hidden_and_the_rest_is_not() -> None:
    assert redact("cannot read s3://b/key=1/AKIDs: AKIAIOSFODNN7EXAMPLE", {"HOME": "/home/somebody"}) == (
        "cannot read s3://b/key=1/AKIDs: [hidden]"
    )


async def test_neither_error_nor_log_has_the_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "SECRET_ACCESS_KEY": SECRET, "REGION": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    async def refuse(*_: object) -> None:
        raise GenericError(f"403 for GET https://s3/k?X-Amz-Signature=abcdef {SECRET}\n\nDebug source: {SECRET}")

    monkeypatch.setattr(obstore, "head_async", refuse)
    with caplog.at_level(logging.DEBUG), pytest.raises(VideoExportError) as raised:
        await Storage("s3://exports").size("s3://exports/k")
    for shown in (str(raised.value), repr(raised.value), caplog.text):
        assert SECRET not in shown
        assert "abcdef" not in shown
    assert raised.value.__cause__ is None
    assert "[hidden]" in caplog.text
