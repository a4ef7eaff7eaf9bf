"""VideoExportWorker as typed values: parsed once, every problem reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from pydantic import ValidationError

from video_export_operator.errors import InvalidSpec
from video_export_operator.resource.durations import format_duration, parse_duration
from video_export_operator.resource.identity import DRY_RUN_ANNOTATION, MAX_NAME, Key
from video_export_operator.resource.spec import Mode, Part, Scaling, Spec, Temporal

__all__ = [
    "Key",
    "Mode",
    "Scaling",
    "Spec",
    "Temporal",
    "VideoExportWorker",
    "format_duration",
    "parse_duration",
    "parse_resource",
]


_PARTS: WeakValueDictionary[tuple[str, str], Part] = WeakValueDictionary()
"""Parts of the specs that are in use, by their field and content."""


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
        spec=_with_shared_parts(spec),
        dry_run=(metadata.get("annotations") or {}).get(DRY_RUN_ANNOTATION) == "true",
    )


def _with_shared_parts(spec: Spec) -> Spec:
    """Return a spec whose parts are those of another where they are equal: of a thousand resources most are."""
    parts = {name: part for name, part in spec if isinstance(part, Part)}
    shared = {name: _PARTS.setdefault((name, part.model_dump_json()), part) for name, part in parts.items()}
    return spec.model_copy(update=shared)


def _problem(detail: Any) -> str:
    """Return one of pydantic's errors as `spec.path: what is wrong`."""
    path = ".".join(("spec", *(str(part) for part in detail["loc"])))
    said = str(detail["msg"]).removeprefix("Value error, ")
    given = detail["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and repr(given) not in said else ""
    return f"{path}: {said}{shown}"
