"""The definition of the resource: what was promised once holds on, and every field says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import fast_yaml
from tests.unit.operator.bodies import body, load_crd
from video_export_operator.resource import parse_resource

PUBLISHED = sorted((Path(__file__).parents[2] / "integration" / "operator" / "definitions").glob("*.yaml"))
LOWER = ("minimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
Json = Mapping[str, Any]


def schema(crd: Json) -> Json:
    return dict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def fields(found: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every field below a schema, with its path."""
    for name, field in found.get("properties", {}).items():
        inner = f"{path}.{name}".lstrip(".")
        yield inner, field
        yield from fields(field, inner)
        yield from fields(field.get("items", {}), f"{inner}[]")
        more = field.get("additionalProperties")
        if isinstance(more, Mapping):
            yield f"{inner}.*", more
            yield from fields(more, f"{inner}.*")


def rules(field: Json) -> set[str]:
    return {each["rule"] for each in field.get("x-kubernetes-validations", ())}


def narrowed(old: Json, new: Json) -> list[str]:
    """Say in which ways a field takes or means less than it did."""
    said = [f"its {key} was {old.get(key)}" for key in ("type", "format") if old.get(key) != new.get(key)]
    said += [f"no {value} any more" for value in old.get("enum", ()) if value not in new.get("enum", ())]
    said += ["it has values" for _ in range("enum" in new and "enum" not in old)]
    said += [f"{key} is more" for key in LOWER if new.get(key, 0) > old.get(key, 0)]
    said += [f"{key} is less" for key in UPPER if new.get(key, 1e99) < old.get(key, 1e99)]
    said += ["another pattern" for _ in range(new.get("pattern", old.get("pattern")) != old.get("pattern"))]
    said += [f"{name} is required" for name in set(new.get("required", ())) - set(old.get("required", ()))]
    optional_now = [f"has(self.{name}) || " for name in set(old.get("required", ())) - set(new.get("required", ()))]
    said += [f"a new rule: {rule}" for rule in rules(new) - rules(old) if not rule.startswith(tuple(optional_now))]
    if "default" in old and old["default"] != new.get("default"):
        said.append(f"its default was {old['default']}")
    return said


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: str(file.stem))
def test_nothing_that_was_promised_is_taken_back(file: Path) -> None:
    old, new = fast_yaml.load(file.read_text()), load_crd()
    now = dict(fields(schema(new)))
    complaints = [
        f"{path}: {complaint}"
        for path, field in fields(schema(old))
        for complaint in (narrowed(field, now[path]) if path in now else ["it is gone"])
    ]
    assert complaints == [], "make it a new version of the API, see docs/resource.md"
    for key in ("group", "scope", "names"):
        assert old["spec"][key] == new["spec"][key]
    before, after = ({each["name"]: each for each in crd["spec"]["versions"]} for crd in (old, new))
    assert before.keys() <= after.keys(), "a version may be stored somewhere"
    for name, version in before.items():
        assert version["subresources"] == after[name]["subresources"]
        columns = [column["name"] for column in after[name]["additionalPrinterColumns"]]
        assert [column["name"] for column in version["additionalPrinterColumns"] if column["name"] not in columns] == []


def test_every_field_says_what_it_is() -> None:
    standard = {"apiVersion", "kind", "metadata"}
    silent = [
        path
        for path, field in fields(schema(load_crd()))
        if path not in standard and not path.endswith("*") and len(field.get("description", "")) < 10
    ]
    assert silent == []


def test_an_operator_reads_resources_of_a_later_definition() -> None:
    newer = body({"tomorrow": {"field": 1}, "scaling": {"mode": "Auto", "predict": True}})
    assert parse_resource(newer).spec == parse_resource(body()).spec
