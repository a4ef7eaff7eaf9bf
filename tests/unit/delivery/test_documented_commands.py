"""What a reader copies from a page works: commands are parsed by the program itself, manifests by the operator."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT
from tests.unit.delivery.tables import walk_values
from video_export_operator.resource import parse_resource
from video_export_worker.cli import cli

ALL = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "charts").glob("*/README.md"),
]
PAGES = sorted(page for page in ALL if re.search("```(sh|yaml|python)", page.read_text(encoding="utf-8")))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
MINIMAL = {
    "temporal": {"address": "temporal:7233"},
    "image": "example.org/worker:1",
    "storage": {"uri": "s3://exports"},
}


def read_blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language, without what a list indents them by."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def read_commands(page: Path, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program; what stands for something (...) is left to the reader."""
    for block in read_blocks(page, "sh"):
        joined = re.sub(r"\\\n\s*", " ", block)
        for line in re.split(r"\n|&&|\|(?!\|)|; do", joined):
            words = shlex.split(line.replace("${", "$"), comments=True) if program in line else []
            if words and words[0] == program:
                yield words[1:]


@EACH
def test_calls_of_the_command_are_understood_by_it(page: Path) -> None:
    for arguments in read_commands(page, "video-export"):
        name, *rest = arguments
        with click.Context(cli) as parent:
            command = cli.get_command(parent, name)
        assert command is not None, name
        command.make_context(name, [word for word in rest if word != ">"], parent=parent)


@EACH
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for words in read_commands(page, "make") for word in words if "=" not in word}
    assert named <= targets


@EACH
def test_values_that_are_set_exist(page: Path) -> None:
    for words in read_commands(page, "helm"):
        charts = [word for word in words if (ROOT / word / "values.yaml").is_file() and word.startswith("charts/")]
        if len(charts) != 1:
            continue
        known = set(_values(ROOT / charts[0]))
        given = {words[at + 1].partition("=")[0] for at, word in enumerate(words) if word in ("--set", "--set-string")}
        assert {name for name in given if not _has(known, name)} == set()


@EACH
def test_upgrades_take_the_defaults_of_the_new_chart(page: Path) -> None:
    """With --reuse-values a template that reads a value which the old chart had not fails."""
    assert [words for words in read_commands(page, "helm") if "--reuse-values" in words] == []


def _values(chart: Path) -> Iterator[str]:
    schema = fast_yaml.load((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = fast_yaml.load((chart / "values.yaml").read_text(encoding="utf-8"))
    yield from (path for path, _, _ in walk_values(schema, values, ""))


def _has(known: set[str], name: str) -> bool:
    """Whether there is a value of the name; a value may be a map, whose keys are the user's."""
    return any(name == one or name.startswith(f"{one}.") for one in known)


@EACH
def test_resources_are_taken_by_the_operator_and_their_fields_exist(page: Path) -> None:
    (version,) = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text())["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for block in read_blocks(page, "yaml"):
        for document in fast_yaml.load_all(block):
            if not isinstance(document, dict) or "spec" not in document:
                continue
            if document.get("kind", "VideoExportWorker") != "VideoExportWorker":
                continue
            assert list(find_unknown(document["spec"], schema, "spec")) == []
            spec = {**MINIMAL, **document["spec"]}
            parse_resource(
                {
                    "apiVersion": "videoexport.dev/v1alpha1",
                    "kind": "VideoExportWorker",
                    "metadata": {"name": "documented", "namespace": "default", "uid": "1", "generation": 1},
                    "spec": spec,
                }
            )


@EACH
def test_programs_name_what_our_packages_have(page: Path) -> None:
    for block in read_blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("video_export_", "temporalio")):
                module = importlib.import_module(str(node.module))
                assert [each.name for each in node.names if not hasattr(module, each.name)] == []


def find_unknown(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """Fields that a schema does not have."""
    if isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name not in schema["properties"]:
                yield f"{path}.{name}"
            else:
                yield from find_unknown(inner, schema["properties"][name], f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from find_unknown(inner, schema.get("items", {}), f"{path}[]")
