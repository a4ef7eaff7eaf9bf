"""Requests that are kept as files: `--file request.yaml`, one request a document, the fields of docs/request.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from video_export_worker.errors import InvalidRequest

Command = TypeVar("Command", bound=Callable[..., Any])
STDIN = "-"

file_option = click.option(
    "--file",
    "request_file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="YAML or JSON file with the fields of a request; an option replaces the field of the file.",
)


@dataclass(frozen=True)
class Draft:
    """What a user asked for before it is checked.

    Attributes:
        recordings: URIs, or files of this machine.
        fields: the other fields of the request, as the file has them.
        where: how a message names the place of the fields; empty where there is no file.
    """

    recordings: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that the file names; what is no text is left to the contract's own check."""
        named = self.fields.get("format", ())
        listed = named if isinstance(named, list) else [named]
        return tuple(one for one in listed if isinstance(one, str))

    @contextmanager
    def placing_problems(self) -> Iterator[None]:
        """Let the message of an invalid request begin with the file's name."""
        try:
            yield
        except InvalidRequest as error:
            if not self.where:
                raise
            raise InvalidRequest(f"{self.where}: {error}") from error


def read_drafts(file: Path | None, recordings: Sequence[str]) -> list[Draft]:
    """Return what to export: what the arguments say, or one draft for each document of a file.

    Args:
        file: the file; `-` is the standard input. Paths of recordings in it are relative to its folder.
        recordings: those named as arguments, which come before the file's.

    Raises:
        click.UsageError: the file is no list of requests, or nothing names a recording.
    """
    if file is None:
        if not recordings:
            raise click.MissingParameter(param_hint="'RECORDING...'", param_type="argument")
        return [Draft(tuple(recordings))]
    name = "the standard input" if str(file) == STDIN else str(file)
    documents = _load(file, name)
    if len(documents) > 1 and recordings:
        raise click.UsageError(f"{name} holds {len(documents)} requests: name the recordings in it, not beside it")
    return [
        _draft(document, _name(name, number, len(documents)), file.parent, recordings)
        for number, document in enumerate(documents, 1)
    ]


def merge(fields: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a file with the options that were given in their place, those of a group one by one."""
    merged = dict(fields)
    for name, value in options.items():
        kept = merged.get(name)
        merged[name] = {**kept, **value} if isinstance(kept, Mapping) and isinstance(value, Mapping) else value
    return merged


def _draft(document: Any, where: str, folder: Path, recordings: Sequence[str]) -> Draft:
    if not isinstance(document, Mapping) or not all(isinstance(name, str) for name in document):
        raise click.UsageError(f"{where}: must have fields, such as `recording: s3://recordings/a.json`")
    fields = dict(document)
    named = _read_recordings(fields.pop("recording", []), where)
    found = tuple(recordings) or tuple(_find(one, folder) for one in named)
    if not found:
        raise click.UsageError(f"{where}: names no recording: add `recording`, or give one beside --file")
    return Draft(found, fields, where)


def _find(recording: str, folder: Path) -> str:
    """Return a URI as it is, and a path of the file's own folder as one of the working folder."""
    return recording if "://" in recording else str(folder / recording)


def _read_recordings(value: Any, where: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise click.UsageError(f"{where}: recording: must be a URI or a path, or a list of them (given: {value!r:.80})")
    return values


def _name(name: str, number: int, count: int) -> str:
    return f"{name}, request {number} of {count}" if count > 1 else name


def _load(file: Path, name: str) -> list[Any]:
    try:
        text = sys.stdin.read() if str(file) == STDIN else file.read_text(encoding="utf-8")
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except FileNotFoundError:
        raise click.UsageError(f"there is no file {name}: --file takes a request in YAML or JSON") from None
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name}: is no text in UTF-8, so it is no request") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise click.UsageError(f"{name}{line}: {error.problem or 'is no YAML'}") from error
    except yaml.YAMLError as error:
        raise click.UsageError(f"{name}: is no YAML: {error}") from error
    except RecursionError:
        raise click.UsageError(f"{name}: is nested too deeply to be a request") from None
    if not documents:
        raise click.UsageError(f"{name}: is empty: write a request, such as `recording: s3://recordings/a.json`")
    return documents


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses a field that is given twice instead of taking the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping. Raises yaml.constructor.ConstructorError for a key that is there twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a field's name must be a text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build a value. Raises yaml.constructor.ConstructorError also for a date or a number that is none."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, TypeError) as error:
            told = f"{node.value!r:.80} cannot be read ({error}): quote it if it is a text"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark) from error
