"""Connecting to Temporal as the standard TEMPORAL_* variables and temporal.toml say."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import click
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import HttpConnectProxyConfig, RPCError, RPCStatusCode

from video_export_worker.cli.failures import CommandFailed
from video_export_worker.cli.settings import InvalidSettings

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

DEFAULT_ADDRESS: Final = "localhost:7233"
CONNECT_TIMEOUT: Final = 10.0  # seconds; by itself a connection attempt can take 30


class TemporalUnreachable(Exception):
    """No connection to Temporal; the message says to where and why."""


@dataclass(frozen=True)
class TemporalSettings:
    """Where Temporal is and how to prove who we are."""

    address: str
    namespace: str
    options: Mapping[str, Any]


def read_temporal_settings(environment: Mapping[str, str]) -> TemporalSettings:
    """Read the profile.

    Raises:
        InvalidSettings: the file or a variable cannot be read.
    """
    try:
        profile = ClientConfigProfile.load(override_env_vars=dict(environment))
        options = dict(profile.to_client_connect_config())
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidSettings(f"the Temporal settings (TEMPORAL_* or temporal.toml) cannot be read: {error}") from error
    address = str(options.pop("target_host", DEFAULT_ADDRESS))
    if not _is_address(address):
        raise InvalidSettings(
            f"the address of Temporal (TEMPORAL_ADDRESS, or a profile's) is {address!r}: write HOST:PORT without a "
            "scheme, for example temporal-frontend.temporal:7233"
        )
    if "api_key" in options:
        options["api_key"] = str(options["api_key"]).strip()  # a Secret made of a file ends with a line's end
    return TemporalSettings(address, str(options.pop("namespace", "default")), options)


def _is_address(text: str) -> bool:
    """Return whether a text is HOST:PORT; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 2**16:
        return False
    if not host.startswith("["):
        return re.fullmatch(r"[A-Za-z0-9._-]+", host) is not None
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return host.endswith("]")


def run_command(work: Coroutine[Any, Any, None]) -> None:
    """Run a command that talks to Temporal; its refusals become the command line's errors."""
    try:
        asyncio.run(work)
    except InvalidSettings as error:
        raise click.UsageError(str(error)) from error
    except TemporalUnreachable as error:
        raise CommandFailed("TemporalUnreachable", str(error)) from error
    except RPCError as error:
        raise _explain(error) from error


def is_namespace_missing(error: RPCError) -> bool:
    """Return whether Temporal has no such namespace; it answers as it does of a workflow that is not there."""
    return error.status is RPCStatusCode.NOT_FOUND and "amespace" in error.message


def _explain(error: RPCError) -> CommandFailed:
    """Return what a refusal of Temporal means to the person at the terminal."""
    if is_namespace_missing(error):
        return CommandFailed("NamespaceNotFound", f"{error.message} Set TEMPORAL_NAMESPACE to one that exists")
    if error.status is RPCStatusCode.PERMISSION_DENIED:
        return CommandFailed("TemporalDenied", f"Temporal refuses this client: {error.message}; check TEMPORAL_API_KEY")
    return CommandFailed("TemporalRefused", f"Temporal answers {error.status.name}: {error.message}")


def _find_proxy(address: str) -> HttpConnectProxyConfig | None:
    """Return the HTTP CONNECT proxy that HTTPS_PROXY and NO_PROXY name for an encrypted connection, if they do."""
    proxy = None if proxy_bypass(address) else getproxies().get("https")
    if proxy is None:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return HttpConnectProxyConfig(target_host=f"{host}:{parts.port or 80}", basic_auth=login)


def _shorten(text: str) -> str:
    """Pick the reason out of the SDK's nested description of a connection error."""
    innermost = re.findall(r'(?:message|error): "([^"]+)"', text)
    return innermost[-1] if innermost else text


async def connect(settings: TemporalSettings, *, identity: str | None = None, runtime: Runtime | None = None) -> Client:
    """Connect to Temporal.

    Raises:
        TemporalUnreachable: it is not there, or refuses us.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await Client.connect(
                settings.address,
                namespace=settings.namespace,
                data_converter=pydantic_data_converter,
                identity=identity,
                runtime=runtime,
                http_connect_proxy_config=_find_proxy(settings.address) if settings.options.get("tls") else None,
                **settings.options,
            )
    except (RuntimeError, RPCError, TimeoutError) as error:
        why = f"no answer within {CONNECT_TIMEOUT:g} s" if isinstance(error, TimeoutError) else _shorten(str(error))
        raise TemporalUnreachable(
            f"cannot reach Temporal at {settings.address}: {why}; set TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE, "
            "TEMPORAL_API_KEY or TEMPORAL_TLS_* where it needs them)"
        ) from error
