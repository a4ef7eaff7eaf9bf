"""What a worker is told about linked assets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from video_export_worker.assets.addresses import EVERY_HOST, HostPolicy, HostRule
from video_export_worker.contract.assets import AssetMode

MODE_VARIABLE: Final = "VIDEO_EXPORT_ASSETS"
ALLOW_VARIABLE: Final = "VIDEO_EXPORT_ASSET_HOSTS"
DENY_VARIABLE: Final = "VIDEO_EXPORT_ASSET_HOSTS_DENIED"
PROXY_VARIABLE: Final = "VIDEO_EXPORT_ASSET_PROXY_URL"
PREFIXES_VARIABLE: Final = "VIDEO_EXPORT_ASSET_PREFIXES"
HEADERS_VARIABLE: Final = "VIDEO_EXPORT_ASSET_HEADERS_SECRET"
VARIABLES: Final = (
    MODE_VARIABLE,
    ALLOW_VARIABLE,
    DENY_VARIABLE,
    PROXY_VARIABLE,
    PREFIXES_VARIABLE,
    HEADERS_VARIABLE,
)


@dataclass(frozen=True)
class AssetSettings:
    """How assets are fetched.

    Attributes:
        mode: `none` where nothing is fetched, whatever a request says.
        policy: which hosts are asked, and at which addresses.
        proxy: URL of an HTTP proxy.
        prefixes: where URLs with a prefix really are: another URL, or a place in an object storage.
        headers: further headers by host, which are secret.
    """

    mode: AssetMode = AssetMode.FETCH
    policy: HostPolicy = EVERY_HOST
    proxy: str | None = None
    prefixes: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> AssetSettings:
        """Read the variables; an empty one counts as not set.

        Raises:
            ValueError: one of them is wrong; the message names it and does not repeat a secret.
        """
        given = {name: environment.get(name, "").strip() for name in VARIABLES}
        return cls(
            _read_mode(given[MODE_VARIABLE]),
            HostPolicy(_read_rules(ALLOW_VARIABLE, given) or (HostRule("*"),), _read_rules(DENY_VARIABLE, given)),
            _read_proxy(given[PROXY_VARIABLE]),
            _read_prefixes(given[PREFIXES_VARIABLE]),
            _read_headers(given[HEADERS_VARIABLE]),
        )

    def narrow(self, wanted: AssetMode) -> AssetMode:
        """What happens for a request: it can only ask for less."""
        return AssetMode.NONE if AssetMode.NONE in (self.mode, wanted) else AssetMode.FETCH

    def place_of(self, url: str) -> str:
        """Where a URL really is: the longest prefix counts. None ends inside of a name: that would be another host."""
        prefix, place = max(((p, q) for p, q in self.prefixes if _begins(url, p)), default=("", ""))
        return f"{place}{url.removeprefix(prefix)}" if prefix else url


def _begins(url: str, prefix: str) -> bool:
    return url.startswith(prefix) and (prefix.endswith("/") or url[len(prefix) : len(prefix) + 1] in ("", "/", "?"))


def _read_mode(text: str) -> AssetMode:
    try:
        return AssetMode(text.lower() or AssetMode.FETCH)
    except ValueError:
        raise ValueError(f"{MODE_VARIABLE} is {text!r}: use fetch or none") from None


def _read_rules(name: str, given: Mapping[str, str]) -> tuple[HostRule, ...]:
    try:
        return tuple(HostRule.parse(item) for item in given[name].replace(",", " ").split())
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _read_proxy(text: str) -> str | None:
    if text and urlsplit(text).scheme != "http":
        raise ValueError(f"{PROXY_VARIABLE} must be a URL such as http://proxy.example:3128")
    return text or None


def _read_prefixes(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in text.replace(",", " ").split():
        prefix, equals, place = item.partition("=")
        if not equals or not prefix.startswith(("http://", "https://")) or "://" not in place:
            raise ValueError(
                f"{PREFIXES_VARIABLE}: {item!r} is no pair such as https://app.example/static/=s3://builds/static/"
            )
        pairs.append((prefix, place))
    return tuple(pairs)


def _read_headers(text: str) -> dict[str, dict[str, str]]:
    problem = f'{HEADERS_VARIABLE} must be JSON such as {{"cdn.example": {{"Authorization": "Bearer ..."}}}}'
    try:
        hosts = json.loads(text or "{}")
    except ValueError:
        raise ValueError(problem) from None
    if not isinstance(hosts, dict) or not all(isinstance(values, dict) for values in hosts.values()):
        raise ValueError(problem)
    if not all(isinstance(value, str) for values in hosts.values() for value in values.values()):
        raise ValueError(problem)
    return {host.lower(): dict(values) for host, values in hosts.items()}
