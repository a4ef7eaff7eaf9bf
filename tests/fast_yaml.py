"""YAML through libyaml: tests read much of it, and the parser that is written in Python takes ten times as long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml


def load(text: str) -> Any:
    """The only document of a text."""
    return yaml.load(text, yaml.CSafeLoader)


def load_all(text: str) -> Iterator[Any]:
    """The documents of a text."""
    return iter(yaml.load_all(text, yaml.CSafeLoader))


def dump(value: Any) -> str:
    """A text of one document."""
    return str(yaml.dump(value, Dumper=yaml.CSafeDumper))


def dump_all(values: Iterable[Any]) -> str:
    """A text of several documents."""
    return str(yaml.dump_all(values, Dumper=yaml.CSafeDumper))
