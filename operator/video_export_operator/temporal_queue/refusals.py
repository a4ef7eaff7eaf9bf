"""What the Temporal client raises, as a condition tells it: the same fault always in the same words.

A call on a connection that never worked fails with a text alone, in which dates and the order of events differ from one
time to the next.
"""

import re

from temporalio.service import RPCError, RPCStatusCode

from video_export_operator.errors import RateLimited, TemporalUnavailable

_REASONS = {
    RPCStatusCode.UNAVAILABLE: "Unavailable",
    RPCStatusCode.DEADLINE_EXCEEDED: "TimedOut",
    RPCStatusCode.CANCELLED: "TimedOut",
    RPCStatusCode.UNAUTHENTICATED: "Unauthenticated",
    RPCStatusCode.PERMISSION_DENIED: "PermissionDenied",
    RPCStatusCode.NOT_FOUND: "NamespaceNotFound",
}
_REASONS_BY_NAME = {"Unauthenticated": "Unauthenticated", "PermissionDenied": "PermissionDenied"}
_STATUS = re.compile(r'Status \{ code: (\w+), message: "((?:[^"\\]|\\.)*)"')
_ALERT = re.compile(r"received fatal alert: (\w+)")
_CAUSE = re.compile(r'ConnectError\("([^"]+)", [^"]*(?:error|message): "((?:[^"\\]|\\.)*)"')
"""Why no connection was made, in a text that is written for the library's authors: the step, and the system's words."""
_NO_ADDRESS = re.compile(r"invalid target URL: (.+)")
_PLAIN = re.compile(r"InvalidMessage\(InvalidContentType\)")
WITHOUT_REASON = re.compile(r"Status \{ code: (?:Unknown|Cancelled), (?!.*received fatal alert)")
"""The text of a connection that was closed before the first answer."""


def translate(error: BaseException, tls: bool, timeout: float) -> TemporalUnavailable:
    """Return what went wrong as a condition tells it.

    Args:
        error: of the client.
        tls: whether the connection is encrypted.
        timeout: seconds that were waited, for the message.
    """
    if isinstance(error, RPCError):
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            return RateLimited(error.message)
        return TemporalUnavailable(_REASONS.get(error.status, "ServerError"), error.message)
    if isinstance(error, TimeoutError):
        return TemporalUnavailable("TimedOut", f"no answer within {timeout:g} s")
    text = str(error)
    return _translate_closing(text, tls) or _translate_status(text) or _translate_text(text, error)


def _translate_closing(text: str, tls: bool) -> TemporalUnavailable | None:
    """Return why the server ended the connection after it was made."""
    alert = _ALERT.search(text)
    if alert is not None:
        return TemporalUnavailable("HandshakeRefused", f"the server refused the TLS handshake: {alert[1]}")
    if not WITHOUT_REASON.search(text):
        return None
    if tls:
        return TemporalUnavailable("HandshakeRefused", "the server closed the connection after the TLS handshake")
    return TemporalUnavailable(
        "Unavailable", "the server closed the connection; if it serves TLS alone, set temporal.tls"
    )


def _translate_status(text: str) -> TemporalUnavailable | None:
    """Return what the server answered to the first call."""
    status = _STATUS.search(text)
    if status is None:
        return None
    return TemporalUnavailable(_REASONS_BY_NAME.get(status[1], "Unavailable"), status[2] or status[1])


def _translate_text(text: str, error: BaseException) -> TemporalUnavailable:
    """Return why no connection was made; a ValueError is about the address, or a certificate that cannot be read."""
    if address := _NO_ADDRESS.search(text):
        advice = "write HOST:PORT, for example temporal-frontend.temporal:7233"
        return TemporalUnavailable("Unavailable", f"temporal.address is no address: {address[1]}; {advice}")
    invalid = "certificate" in text.lower() or isinstance(error, ValueError)
    cause = _CAUSE.search(text)
    said = f"{cause[1]}: {cause[2]}" if cause and not invalid else text
    if _PLAIN.search(text):
        said = "the server does not answer in TLS, which temporal.tls or an API key asks for"
    return TemporalUnavailable("CertificateInvalid" if invalid else "Unavailable", said)
