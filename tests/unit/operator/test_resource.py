from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.bodies import body, spec_schema
from video_export_operator.errors import InvalidSpec
from video_export_operator.resource import format_duration, parse_duration, parse_resource
from video_export_operator.resource.fields import Part
from video_export_operator.resource.spec import Spec


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("2m", 120), ("1h30m", 5400), ("0s", 0), ("1h1m1s", 3661)])
def test_durations_are_read_like_kubernetes_writes_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "10 s", "s", "-1s", "1.5s", "30s1m", "1d", None, 10, "1١s"])
def test_other_durations_are_refused_with_advice(text: object) -> None:
    with pytest.raises(ValueError, match="10s, 2m or 1h30m"):
        parse_duration(text)


@given(st.integers(0, 10**6))
def test_durations_survive_a_round_trip(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


def test_the_smallest_resource_has_every_default() -> None:
    parsed = parse_resource(body())
    assert str(parsed.key) == "media/exports"
    assert parsed.spec.temporal.task_queue == "video-export-task-queue"
    assert parsed.spec.scaling.poll_interval == 10
    assert parsed.spec.scaling.scale_down.stabilization_window == 120


def test_all_problems_are_told_at_once() -> None:
    wrong = body(
        {
            "temporal": {"address": "http://temporal", "taskQueue": ""},
            "image": "Not An Image",
            "slots": 0,
            "storage": {"uri": "ftp://x"},
            "scaling": {"minReplicas": 5, "maxReplicas": 2},
        },
        name="n" * 48,
    )
    with pytest.raises(InvalidSpec) as refused:
        parse_resource(wrong)
    told = "\n".join(refused.value.problems)
    assert "metadata.name has 48 characters, at most 47 fit; choose a shorter name" in told
    assert "spec.temporal.address: must be HOST:PORT" in told
    assert "spec.temporal.taskQueue: " in told
    assert "spec.image: must be an image reference" in told
    assert "spec.slots: Input should be greater than or equal to 1, not 0" in told
    assert "spec.storage.uri: must begin with s3://" in told
    assert "spec.scaling: minReplicas must not be greater than maxReplicas" in told
    assert len(refused.value.problems) == 7


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"healthPort": 8007}, "metricsPort and healthPort must differ"),
        ({"storage": None}, "storage is required by this project's worker"),
        ({"storage": None, "args": ["worker", "--x"]}, "storage is required by this project's worker"),
        ({"scaling": {"pollInterval": "5s"}}, "spec.scaling.pollInterval"),
        ({"scaling": {"whenUnreachable": {"replicas": 11}}}, "whenUnreachable.replicas must not be greater"),
        (
            {
                "temporal": {
                    "address": "t:1",
                    "apiKeySecretRef": {"name": "a"},
                    "tls": {"clientCertSecretRef": {"name": "b"}},
                }
            },
            "use one way to authenticate",
        ),
    ],
)
def test_cross_field_rules_are_held_without_an_api_server_too(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpec, match=said):
        parse_resource(body(change))


def test_an_unknown_field_of_a_newer_crd_is_left_alone() -> None:
    assert parse_resource(body({"invented": {"later": True}})).spec.slots == 2


def test_defaults_are_those_of_the_crd() -> None:
    defaulted = _with_defaults(spec_schema(), body()["spec"])
    assert Spec.model_validate(defaulted) == parse_resource(body()).spec


def test_every_field_of_the_crd_is_read_and_no_other() -> None:
    assert _fields(Spec) == _schema_fields(spec_schema())


def test_every_field_of_the_crd_is_described() -> None:
    missing = [path for path, schema in _walk(spec_schema(), "spec") if not schema.get("description")]
    assert missing == []


def _with_defaults(schema: dict[str, Any], value: Any) -> Any:
    """Default as the API server does: an absent field takes its default, then the defaults inside it."""
    if not isinstance(value, dict):
        return value
    whole = dict(value)
    for name, field in schema.get("properties", {}).items():
        if name not in whole and "default" in field:
            whole[name] = field["default"]
        if name in whole:
            whole[name] = _with_defaults(field, whole[name])
    return whole


def _walk(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(path, schema)]
    for name, field in schema.get("properties", {}).items():
        found += _walk(field, f"{path}.{name}")
    return found


def _schema_fields(schema: dict[str, Any], path: str = "") -> set[str]:
    found = set()
    for name, field in schema.get("properties", {}).items():
        inner = field.get("items", field)
        found |= {f"{path}{name}"} | _schema_fields(inner, f"{path}{name}.")
    return found


def _fields(part: Any, path: str = "") -> set[str]:
    found = set()
    for field in part.model_fields.values():
        name = f"{path}{field.alias}"
        found.add(name)
        for inner in _parts_of(field.annotation):
            found |= _fields(inner, f"{name}.")
    return found


def _parts_of(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for argument in getattr(annotation, "__args__", ()) for part in _parts_of(argument)]
