"""What a worker is told: a frozen value built from environment and arguments, every problem reported at once."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from video_export_worker.assets.settings import VARIABLES as ASSET_VARIABLES
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.contract import REQUEST_SCHEMES

# Read by `temporalio.envconfig`: the names that every Temporal SDK and the `temporal` CLI share.
TEMPORAL_VARIABLES: Final = (
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_API_KEY",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_SERVER_NAME",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_DATA",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_CERT_DATA",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_DATA",
    "TEMPORAL_PROFILE",
    "TEMPORAL_CONFIG_FILE",
)
# Read by obstore: credentials, region and endpoint of the storage.
STORAGE_VARIABLE_PREFIXES: Final = ("AWS_", "GOOGLE_", "AZURE_")
# Read by Python's tempfile and by Chromium.
SYSTEM_VARIABLES: Final = ("TMPDIR", "HOME")


LEAST_LIKENESS: Final = {"VIDEO_EXPORT_": 0.75, "TEMPORAL_": 0.86}
"""How near to one of ours a variable counts as mistyped, by prefix. Many programs have TEMPORAL_ ones of their own."""


LINKS: Final = ("tcp://", "udp://", "sctp://")
"""How values begin that Kubernetes gives a pod for each Service, in a variable that ends with _PORT."""


class InvalidSettings(ValueError):
    """The environment or an argument is wrong; the message lists every problem, one a line."""


class WorkerSettings(BaseModel):
    """Everything the operator, the chart or a user can set of a worker. Aliases are the variables' names."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    storage_uri: str = Field(
        alias="VIDEO_EXPORT_STORAGE_URI", description="Where parts and videos go, such as s3://bucket/prefix."
    )
    sources: tuple[str, ...] = Field(
        (),
        alias="VIDEO_EXPORT_SOURCES",
        description="Prefixes that recordings may come from, apart by commas; by default the storage.",
    )
    outputs: tuple[str, ...] = Field(
        (),
        alias="VIDEO_EXPORT_OUTPUTS",
        description="Prefixes that a request may name as its output, apart by commas; by default the storage.",
    )
    slots: int = Field(2, ge=1, le=100, alias="VIDEO_EXPORT_SLOTS", description="Activities at once.")
    health_port: int = Field(
        8008, ge=0, le=65535, alias="VIDEO_EXPORT_HEALTH_PORT", description="Port of /healthz and /readyz."
    )
    graceful_shutdown: float = Field(
        285,
        ge=1,
        le=86400,
        alias="VIDEO_EXPORT_GRACEFUL_SHUTDOWN",
        description="Seconds after SIGTERM in which running work may end.",
    )
    max_recording_bytes: int = Field(
        512 * 2**20, ge=1, alias="VIDEO_EXPORT_MAX_RECORDING_BYTES", description="Largest recording, as it is stored."
    )
    max_decompressed_bytes: int = Field(
        2**30, ge=1, alias="VIDEO_EXPORT_MAX_DECOMPRESSED_BYTES", description="Largest recording, decompressed."
    )
    max_video_seconds: float = Field(
        8 * 3600, gt=0, alias="VIDEO_EXPORT_MAX_VIDEO_SECONDS", description="Longest video."
    )
    chromium: str | None = Field(
        None,
        alias="VIDEO_EXPORT_CHROMIUM",
        description="Chromium's program; by default the one on PATH or Playwright's.",
    )
    chromium_sandbox: Literal["true", "false", "auto"] = Field(
        "auto",
        alias="VIDEO_EXPORT_CHROMIUM_SANDBOX",
        description="Whether Chromium uses its own sandbox; with `true` exports fail where it cannot.",
    )
    chromium_capture: Literal["auto", "screenshot"] = Field(
        "auto",
        alias="VIDEO_EXPORT_CHROMIUM_CAPTURE",
        description="How frames are read; `auto` is from memory where that works.",
    )
    browsers: int | None = Field(
        None,
        ge=1,
        le=16,
        alias="VIDEO_EXPORT_BROWSERS",
        description="Browsers of one segment; by default as many as memory and processors allow, at most 4.",
    )
    segment_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        alias="VIDEO_EXPORT_SEGMENT_SECONDS",
        description="Seconds after which a segment returns what it has rendered.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="VIDEO_EXPORT_LOG_LEVEL", description="How much is logged."
    )
    identity: str = Field(
        alias="POD_NAME",
        default_factory=socket.gethostname,
        description="Name of the worker in Temporal; by default the host name.",
    )

    @field_validator("sources", "outputs", mode="before")
    @classmethod
    def _split_prefixes(cls, prefixes: str) -> tuple[str, ...]:
        split = tuple(prefixes.replace(",", " ").split())
        wrong = [prefix for prefix in split if prefix.partition("://")[0] not in REQUEST_SCHEMES or "://" not in prefix]
        if wrong:
            raise ValueError(f"must be URIs such as s3://bucket/prefix, apart by commas; {wrong[0]!r} is not one")
        return split

    @field_validator("storage_uri")
    @classmethod
    def _check_scheme(cls, uri: str) -> str:
        if uri.partition("://")[0] not in REQUEST_SCHEMES:
            raise ValueError("must be a URI such as s3://bucket/prefix, gs://, az:// or file:///folder")
        return uri.rstrip("/")


WORKER_VARIABLES: Final = (
    *(str(field.alias) for field in WorkerSettings.model_fields.values()),
    *TEMPORAL_VARIABLES,
    *SYSTEM_VARIABLES,
    *ASSET_VARIABLES,
)


def is_read(variable: str) -> bool:
    """Whether a worker reads this variable."""
    return variable in WORKER_VARIABLES or variable.startswith(STORAGE_VARIABLE_PREFIXES)


def read_settings(environment: Mapping[str, str]) -> WorkerSettings:
    """Build the settings from the environment; an empty variable counts as not set.

    Raises:
        InvalidSettings: with every problem, one a line.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    problems = find_mistyped(environment)
    try:
        AssetSettings.from_environment(environment)
    except ValueError as error:
        problems.append(str(error))
    try:
        settings = WorkerSettings.model_validate(given)
    except ValidationError as error:
        problems += [_describe(problem) for problem in error.errors(include_url=False)]
    if problems:
        raise InvalidSettings("\n".join(problems))
    return settings


def find_mistyped(environment: Mapping[str, str]) -> list[str]:
    """Tell of every variable that is no setting and nearly reads as one, with the one that is meant.

    Others that begin as ours do are left alone: Kubernetes sets some for a Service of such a name, and other programs
    have theirs.
    """
    told = []
    for prefix, least in LEAST_LIKENESS.items():
        known = [name.removeprefix(prefix) for name in WORKER_VARIABLES if name.startswith(prefix)]
        given = (
            name.removeprefix(prefix)
            for name, value in environment.items()
            if name.startswith(prefix) and not value.startswith(LINKS)
        )
        near = {name: get_close_matches(name, known, 1, least) for name in sorted(given) if name not in known}
        told += [
            f"{prefix}{name}: there is no such setting, did you mean {prefix}{meant[0]}?"
            for name, meant in near.items()
            if meant
        ]
    return told


def _describe(problem: Any) -> str:
    name = str(problem["loc"][0])
    if problem["type"] == "missing":
        return f"{name} is not set: where parts and videos go, such as s3://bucket/prefix"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')} (given: {problem['input']!r})"
