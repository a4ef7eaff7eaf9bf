"""A VideoExportWorker: every problem of one that cannot be used is reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from video_export_operator.errors import InvalidSpec
from video_export_operator.resource.identity import DRY_RUN_ANNOTATION, MAX_NAME, Key
from video_export_operator.resource.spec import Spec


@dataclass(frozen=True, slots=True)
class VideoExportWorker:
    """One resource: who it is and what it asks for."""

    key: Key
    uid: str
    generation: int
    spec: Spec
    dry_run: bool = False

    @property
    def name(self) -> str:
        """Name of the resource and of its Deployment."""
        return self.key.name


def parse_resource(body: Mapping[str, Any]) -> VideoExportWorker:
    """Return the resource as typed values.

    Raises:
        InvalidSpec: with every problem found.
    """
    metadata = body.get("metadata") or {}
    name = str(metadata.get("name", ""))
    problems = []
    if not name:
        problems.append("metadata.name is missing; give the resource a name")
    if len(name) > MAX_NAME:
        problems.append(f"metadata.name has {len(name)} characters, at most {MAX_NAME} fit; choose a shorter name")
    try:
        spec = Spec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        problems.extend(_problem(detail) for detail in error.errors(include_url=False))
    if problems:
        raise InvalidSpec(tuple(problems))
    return VideoExportWorker(
        key=Key(str(metadata.get("namespace") or "default"), name),
        uid=str(metadata.get("uid", "")),
        generation=int(metadata.get("generation") or 0),
        spec=spec,
        dry_run=(metadata.get("annotations") or {}).get(DRY_RUN_ANNOTATION) == "true",
    )


def _problem(detail: Any) -> str:
    """Return one of pydantic's errors as `spec.path: what is wrong`."""
    path = ".".join(("spec", *(str(part) for part in detail["loc"])))
    said = str(detail["msg"]).removeprefix("Value error, ")
    given = detail["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and repr(given) not in said else ""
    return f"{path}: {said}{shown}"
