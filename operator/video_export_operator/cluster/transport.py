"""Requests to the API server as plain JSON, over the official client's connection and credentials.

Its typed models are not used: reading and writing them costs more than the rest of a reconciliation.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from video_export_operator.errors import (
    AdmissionDenied,
    ApiUnavailable,
    Conflict,
    Forbidden,
    NotLeading,
    OperatorError,
    QuotaExceeded,
    Rejected,
)
from video_export_operator.proxies import find_proxy

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json"
ONLY_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
READ_TIMEOUT = 10.0
WRITE_TIMEOUT = 3.0
"""Seconds. Leadership is checked before each write, and the next leader begins 3 s or more after this one stopped."""

_MISSING_RIGHT = re.compile(r'(User "[^"]*"|^Unauthorized|^Forbidden).* cannot |^$')
"""What the authorizer says. A policy or a webhook says anything else."""
_QUOTA = re.compile(r"exceeded quota|insufficient quota|failed quota")

Json = dict[str, Any]


class NotFound(OperatorError):
    """The object, or its kind, is not there."""

    reason = "NotFound"


class KindNotInstalled(NotFound):
    """The API server does not know the kind at all."""


async def load_configuration(context: str | None = None) -> Configuration:
    """Return where the cluster is and how to log in.

    Args:
        context: of the kubeconfig; None prefers the cluster that this process runs in.
    """
    settings = Configuration()
    if context is not None or not _is_in_pod(settings):
        if not _has_kubeconfig():
            raise OperatorError(
                f"no cluster: there is no kubeconfig at {_kubeconfig_names()}; "
                "point KUBECONFIG to one, or run this inside a pod"
            )
        try:
            await config.load_kube_config(context=context, client_configuration=settings)
        except config.ConfigException as error:
            raise OperatorError(
                f"no cluster: {error}; run inside a pod, or point KUBECONFIG to a kubeconfig that has the context"
            ) from error
    # aiohttp would look for a proxy and for ~/.netrc, in a thread, before every single request.
    settings.proxy = settings.proxy or find_proxy(settings.host)
    settings.client_session_kwargs = {"trust_env": False}
    return settings


def find_namespace(context: str | None = None) -> str:
    """Return the namespace that a context of the kubeconfig names, `default` where nothing does."""
    if not _has_kubeconfig():
        return "default"
    try:
        contexts, active = config.list_kube_config_contexts()
    except config.ConfigException:
        return "default"
    chosen = next((each for each in contexts if each["name"] == context), active) if context else active
    return str(((chosen or {}).get("context") or {}).get("namespace") or "default")


def _kubeconfig_names() -> str:
    """Return the files that kubectl would look at."""
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


def _has_kubeconfig() -> bool:
    """Return whether one of them is there. Where none is, the library prints a line and speaks of something else."""
    return any(Path(name).expanduser().is_file() for name in _kubeconfig_names().split(os.pathsep) if name)


def _is_in_pod(settings: Configuration) -> bool:
    """Return whether this process runs in a pod, and if so bring the settings to its service account."""
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException:
        return False
    return True


class Transport:
    """Sends requests and translates what comes back into the operator's errors.

    Args:
        api: the official client.
        concurrency: requests under way at once; what waits for its turn does not time out.
        may_write: asked immediately before each write.
    """

    def __init__(self, api: ApiClient, concurrency: int, may_write: Callable[[], bool]) -> None:
        self._api = api
        self._slots = asyncio.Semaphore(concurrency)
        self._may_write = may_write

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = JSON,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        accept: str = JSON,
    ) -> Json:
        """Return the answer's JSON.

        Raises:
            NotFound, Conflict, Forbidden, Rejected, ApiUnavailable: see `errors`.
            NotLeading: it is a write, and this replica may not write any more.
        """
        async with self._slots:
            if method != "GET" and not self._may_write():
                raise NotLeading("another replica leads")
            headers = {"Accept": accept, "Content-Type": content_type}
            status, raw = await self._send(method, path, body, headers, query, timeout)
        if status >= 300:
            raise translate(status, raw, f"{method} {path}")
        answer: Json = json.loads(raw)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        headers: dict[str, str],
        query: Mapping[str, str] | None,
        timeout: float | None,
    ) -> tuple[int, bytes]:
        """Return the answer's status and body."""
        try:
            request = await self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            limit = timeout or (READ_TIMEOUT if method == "GET" else WRITE_TIMEOUT)
            response = await self._api.call_api(*request, _request_timeout=limit)
            return response.status, await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnavailable(f"{method} {path}: {type(error).__name__} {error}") from error


def translate(status: int, raw: bytes, asked: str) -> OperatorError:
    """Return the error for an answer that is not a success."""
    message = _message(raw)
    said = f"{message} ({asked})"
    if status == 404:
        return NotFound(said) if _names_object(raw) else KindNotInstalled(said)
    if status == 409:
        return Conflict(said)
    if status == 403:
        return _translate_forbidden(message, said)
    # An unknown field, or a value of another type, answers 500 in a server-side apply.
    if status in (400, 413, 415, 422) or (status == 500 and "failed to create typed patch object" in message):
        return Rejected(message)
    return ApiUnavailable(f"{status}: {said}")


def _translate_forbidden(message: str, said: str) -> OperatorError:
    """Return the error for a 403, which has three causes that only the text tells apart."""
    if _MISSING_RIGHT.search(message):
        return Forbidden(said)
    return QuotaExceeded(message) if _QUOTA.search(message) else AdmissionDenied(message)


def _names_object(raw: bytes) -> bool:
    """Return whether an answer says which object it is about; one about an unknown kind does not."""
    try:
        return bool(json.loads(raw)["details"]["name"])
    except (ValueError, KeyError, TypeError):
        return False


def _message(raw: bytes) -> str:
    """Return what the API server says is wrong."""
    try:
        return str(json.loads(raw).get("message", ""))
    except (ValueError, AttributeError):
        return raw.decode(errors="replace")[:500]
