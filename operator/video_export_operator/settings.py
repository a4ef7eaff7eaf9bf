"""Settings of the operator: a frozen value, read once from a mapping such as the process environment."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from video_export_operator.errors import OperatorError

PREFIX = "VIDEO_EXPORT_OPERATOR_"


class InvalidSettings(OperatorError):
    """The settings cannot be used; names every problem."""

    reason = "InvalidSettings"


class Settings(BaseModel):
    """What the operator is told.

    Attributes:
        namespaces: those it serves; empty means all.
        label_selector: only resources that match, filtered by the API server.
        leader_election: elect one of several replicas by a Lease.
        identity: name of this replica in the Lease.
        calls_per_second: calls to Temporal that all resources share.
        concurrency: requests to the API server under way at once, and resources that are acted on at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespaces: tuple[str, ...] = ()
    label_selector: str = ""
    leader_election: bool = True
    lease_name: str = "video-export-operator"
    lease_namespace: str = "default"
    identity: str = "video-export-operator"
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    health_port: int = Field(8080, ge=0, le=65535)
    metrics_port: int = Field(8081, ge=0, le=65535)
    calls_per_second: float = Field(400.0, gt=0, le=2400)
    concurrency: int = Field(32, ge=1, le=1000)
    kube_context: str | None = None

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        return () if names == ("*",) else names

    @field_validator("namespaces")
    @classmethod
    def _all_stands_alone(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in names:
            raise ValueError("name either * alone for all namespaces or a list of names")
        return names

    @field_validator("metrics_port")
    @classmethod
    def _ports_differ(cls, port: int, given: ValidationInfo) -> int:
        if port and port == given.data.get("health_port"):
            raise ValueError("must differ from that of /healthz (HEALTH_PORT); choose another")
        return port


SERVICE_LINKS = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$")
"""How variables end that Kubernetes gives a pod for each Service: one of the operator's own name begins as ours do."""


def find_unknown(environment: Mapping[str, str]) -> list[str]:
    """Tell of every variable that looks like a setting and is none, with the nearest one that is."""
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    told = []
    for name in unknown:
        if not SERVICE_LINKS.search(name):
            near = get_close_matches(name, known, 1, 0.8)
            told.append(f"{name}: there is no such setting" + (f", did you mean {near[0]}?" if near else ""))
    return told


def read_settings(environment: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of an environment, with those of the command line on top.

    Raises:
        InvalidSettings: with every problem found.
    """
    if unknown := find_unknown(environment):
        raise InvalidSettings("; ".join(unknown))
    names = {"identity": "POD_NAME", "lease_namespace": "POD_NAMESPACE"}
    given: dict[str, object] = {}
    for field in Settings.model_fields:
        value = environment.get(f"{PREFIX}{field.upper()}") or environment.get(names.get(field, ""))
        if value:
            given[field] = value
    given |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = (f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise InvalidSettings("; ".join(problems)) from None
