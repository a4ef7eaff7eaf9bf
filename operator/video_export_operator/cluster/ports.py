"""Ports whose name somebody gave to another number.

Server-side apply knows a port by its number. It would put ours beside the other, and a name may be there but once: the
edit could never be undone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]


def build_port_patch(wanted: Json, live: Json) -> dict[str, Any] | None:
    """Return a strategic merge patch that replaces such ports by those that are wanted; None where there are none.

    Args:
        wanted: a Service, a Deployment or anything else, as it is applied.
        live: as it is.
    """
    if wanted["kind"] == "Service":
        ports = _replace_strays(wanted["spec"].get("ports"), live["spec"].get("ports"), "port")
        return {"spec": {"ports": ports}} if ports else None
    if wanted["kind"] == "Deployment":
        found = {container["name"]: container.get("ports") for container in _containers(live)}
        containers = [
            {"name": container["name"], "ports": ports}
            for container in _containers(wanted)
            if (ports := _replace_strays(container.get("ports"), found.get(container["name"]), "containerPort"))
        ]
        return {"spec": {"template": {"spec": {"containers": containers}}}} if containers else None
    return None


def _containers(deployment: Json) -> list[Json]:
    """Return the containers of a Deployment's pods."""
    containers: list[Json] = deployment["spec"]["template"]["spec"]["containers"]
    return containers


def _replace_strays(wanted: Iterable[Json] | None, live: Iterable[Json] | None, number: str) -> list[Json]:
    """Return what to merge into a list of ports; nothing where no name is used for another number."""

    def key(port: Json) -> tuple[Any, str]:
        return port[number], port.get("protocol", "TCP")

    ours = {port["name"]: key(port) for port in wanted or () if "name" in port}
    strays = [port for port in live or () if ours.get(port.get("name"), key(port)) != key(port)]
    if not strays:
        return []
    return [*({"$patch": "delete", number: port[number]} for port in strays), *(wanted or ())]
