"""Lays a user's pod template over ours.

Maps merge. Lists merge by the merge keys of the Kubernetes API, everything else is replaced, and null removes.
Where the API allows one of several fields, setting one removes the others.
"""

from collections.abc import Mapping
from typing import Any

MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "volumes": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "schedulingGates": "name",
    "resourceClaims": "name",
}
"""Lists of a pod template by the field that tells their items apart; a test holds it against the server's OpenAPI."""

REPLACED_ITEMS = frozenset({"env", "volumes"})
"""Lists whose items hold one of several kinds (a value or a reference to one, a source): the whole item counts."""

ONE_OF: tuple[frozenset[str], ...] = (frozenset({"httpGet", "exec", "tcpSocket", "grpc"}),)
"""Fields of which a map may have only one."""


def lay_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return base with top laid over it; neither is changed."""
    merged = {key: value for key, value in base.items() if not _is_displaced(key, top)}
    for key, value in top.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(key, merged.get(key), value)
    return merged


def _is_displaced(key: str, top: Mapping[str, Any]) -> bool:
    """Return whether top sets an alternative to this field."""
    return key not in top and any(key in group and not group.isdisjoint(top) for group in ONE_OF)


def _merged(key: str, below: Any, above: Any) -> Any:
    """Return one field's value from both sides."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return lay_over(below, above)
    if key in MERGE_KEYS and isinstance(below, list) and isinstance(above, list):
        return _merged_items(key, below, above)
    return above


def _merged_items(key: str, below: list[Any], above: list[Any]) -> list[Any]:
    """Return a list merged by its key: ours in our order, then what is new."""
    merge_key = MERGE_KEYS[key]
    tops = {item.get(merge_key): item for item in above}
    known = {item.get(merge_key) for item in below}
    ours = [
        item
        if (top := tops.get(item.get(merge_key))) is None
        else (top if key in REPLACED_ITEMS else lay_over(item, top))
        for item in below
    ]
    return [*ours, *(item for item in above if item.get(merge_key) not in known)]
