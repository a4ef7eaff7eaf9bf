"""A rollout that goes on, as its Deployment shows it, and the Secrets that the new pods read."""

from collections.abc import Iterator, Mapping
from typing import Any

from video_export_operator.resource.identity import WORKER_LABEL, Key
from video_export_operator.resource.live import parse_deployment

Json = Mapping[str, Any]

REFERENCES = {"secretRef": "name", "secretKeyRef": "name", "secret": "secretName"}
"""Fields of a pod template that refer to a Secret, and where in them its name is."""


def find_rollout(body: Json) -> tuple[Key, frozenset[str]] | None:
    """Return whose rollout goes on and the Secrets that its pods name; None where it is over or past its deadline."""
    if not parse_deployment(body).rolling:
        return None
    metadata = body["metadata"]
    key = Key(metadata["namespace"], metadata["labels"][WORKER_LABEL])
    return key, frozenset(_find_secrets(body["spec"]["template"]))


def _find_secrets(value: Any) -> Iterator[str]:
    """Yield the names of the Secrets that a part of a template refers to."""
    if isinstance(value, Mapping):
        for field, name in REFERENCES.items():
            if isinstance(value.get(field), Mapping) and name in value[field]:
                yield value[field][name]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _find_secrets(part)
