"""Opening a store: credentials from the environment, bounded time-outs and retries."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obstore.store import LocalStore, MemoryStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

    from video_export_worker.storage.uris import Location

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
READ_TIMEOUT: Final = timedelta(seconds=30)
REQUEST_TIMEOUT: Final = timedelta(minutes=10)  # a whole object: 512 MiB at 1 MB/s
RETRY_FOR: Final = timedelta(seconds=30)  # longer outages are for Temporal's retries
RETRIES: Final = 4

VARIABLE_PREFIXES: Final = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}


def open_store(location: Location, read_timeout: timedelta = READ_TIMEOUT) -> ObjectStore:
    """Open the store that holds `location`; obstore reads its credentials from the process's environment.

    Args:
        location: object or prefix.
        read_timeout: how long a silent connection is waited for.
    """
    if location.scheme == "memory":
        return MemoryStore()
    if location.scheme == "file":
        return LocalStore(location.store_uri.removeprefix("file://"), automatic_cleanup=True, mkdir=True)
    options = _client_options(VARIABLE_PREFIXES[location.scheme], read_timeout)
    return from_url(location.store_uri, client_options=options, retry_config=_RETRIES)


def _client_options(prefix: str, read_timeout: timedelta) -> ClientConfig:
    """Time-outs, and what obstore would read from the environment itself if no client option were given."""
    options: ClientConfig = {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": read_timeout,
        "timeout": REQUEST_TIMEOUT,
        "user_agent": "video-export",
        "allow_http": _is_true(os.environ.get(f"{prefix}ALLOW_HTTP")),
        "allow_invalid_certificates": _is_true(os.environ.get(f"{prefix}ALLOW_INVALID_CERTIFICATES")),
    }
    if proxy := os.environ.get(f"{prefix}PROXY_URL"):
        options["proxy_url"] = proxy
    return options


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("true", "1", "yes", "on")


_RETRIES: Final[RetryConfig] = {
    "max_retries": RETRIES,
    "retry_timeout": RETRY_FOR,
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
}
