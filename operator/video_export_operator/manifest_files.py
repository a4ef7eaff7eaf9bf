"""Manifests as people write them: files of one or many documents, some of which are VideoExportWorkers."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from video_export_operator.errors import InvalidSpec, OperatorError
from video_export_operator.resource import parse_resource
from video_export_operator.resource.identity import KIND


@dataclass(frozen=True)
class Document:
    """One object of a file.

    Attributes:
        place: where it stands, for messages.
        body: the object, in the namespace that it is for.
    """

    place: str
    body: dict[str, Any]

    @property
    def is_worker(self) -> bool:
        """Whether it is a VideoExportWorker."""
        return bool(self.body["kind"] == KIND)

    @property
    def key(self) -> str:
        """Namespace and name."""
        return f"{self.body['metadata']['namespace']}/{self.body['metadata']['name']}"

    def __str__(self) -> str:
        return f"{self.place}: {self.body['kind']} {self.body['metadata']['name']}"


def read_documents(filenames: Sequence[str], namespace: str) -> list[Document]:
    """Return every object of the files, "-" being standard input.

    Args:
        filenames: of YAML or JSON.
        namespace: of objects that name none.

    Raises:
        OperatorError: a file cannot be read or holds something else, or none holds a VideoExportWorker.
        InvalidSpec: VideoExportWorkers cannot be used; names every problem of each.
    """
    documents = [document for name in filenames for document in _read(name, namespace)]
    workers = [document for document in documents if document.is_worker]
    if not workers:
        names = ", ".join(map(_name, filenames))
        raise OperatorError(f"{names} holds no {KIND}; give at least one, as YAML or JSON")
    problems = [f"{document}: {problem}" for document in workers for problem in _find_problems(document.body)]
    if problems:
        raise InvalidSpec(tuple(problems))
    return documents


def _find_problems(body: dict[str, Any]) -> tuple[str, ...]:
    """Return what keeps a VideoExportWorker from being used."""
    try:
        parse_resource({**body, "metadata": {"uid": "", **body["metadata"]}})
    except InvalidSpec as error:
        return error.problems
    return ()


def _name(filename: str) -> str:
    return "standard input" if filename == "-" else filename


def _read(filename: str, namespace: str) -> Iterator[Document]:
    """Yield the objects of one file; those of a List are yielded one by one."""
    name = _name(filename)
    try:
        text = sys.stdin.read() if filename == "-" else Path(filename).read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except OSError as error:
        raise OperatorError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise OperatorError(f"{name} is no text in UTF-8") from error
    except yaml.YAMLError as error:
        raise OperatorError(f"{name} is no YAML: {error}") from error
    for number, document in enumerate(documents, 1):
        place = f"{name}, document {number}" if len(documents) > 1 else name
        if document is not None:
            yield from _unpack(place, document, namespace)


def _unpack(place: str, document: Any, namespace: str) -> Iterator[Document]:
    """Yield what one document holds."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if isinstance(kind, str) and kind.endswith("List") and isinstance(document.get("items"), list):
        for number, item in enumerate(document["items"], 1):
            yield from _unpack(f"{place}, item {number}", item, namespace)
        return
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not (kind and isinstance(metadata, dict) and metadata.get("name") and document.get("apiVersion")):
        raise OperatorError(f"{place} is no Kubernetes object: it needs apiVersion, kind and metadata.name")
    yield Document(place, {**document, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}})
