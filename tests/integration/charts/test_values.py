"""Values of both charts: every one is checked, described, and wrong ones are refused in words."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import fast_yaml
from tests.integration.charts.helm import CHARTS, KUBE_VERSION, ROOT, read_chart, refuse, run_helm

OPERATOR, WORKER = "video-export-operator", "temporal-worker-video-export"
BOTH = pytest.mark.parametrize("chart", [OPERATOR, WORKER])
NOT_FIELDS = {"global", "nameOverride", "operator", "keda"} | {
    # Parts of a pod that people know by these names; the resource has them in its template.
    *("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName"),
    *("podLabels", "podAnnotations", "extraEnv", "extraVolumes", "extraVolumeMounts"),
}
REQUIRED = {"temporal": {"address": "temporal:7233"}, "storage": {"uri": "s3://exports"}}


def read_schema(chart: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(read_chart(chart, "values.schema.json"))
    return schema


def leaves(schema: dict[str, Any], value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Paths of the values that a user sets, with their defaults: objects of the schema are gone into."""
    if "properties" in schema and isinstance(value, dict):
        for name, inner in value.items():
            assert name in schema["properties"], f"{'.'.join((*path, name))} is in values.yaml and not in the schema"
            yield from leaves(schema["properties"][name], inner, (*path, name))
    else:
        yield ".".join(path), value


@BOTH
def test_every_default_is_in_the_schema_and_the_readme(chart: str) -> None:
    values = fast_yaml.load(read_chart(chart, "values.yaml"))
    table = read_chart(chart, "README.md").split("## Values")[1]
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (?:`(.*?)`)? \| \S", table, flags=re.MULTILINE))
    found = {name: json.loads(default or "null") for name, default in rows.items()}
    assert found == dict(leaves(read_schema(chart), values))


@BOTH
def test_every_value_of_the_schema_has_a_default(chart: str) -> None:
    schema, values = read_schema(chart), fast_yaml.load(read_chart(chart, "values.yaml"))

    def missing(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            if isinstance(value, dict) and name not in value and path != ".temporal.tls":
                yield f"{path}.{name}"
            elif isinstance(value, dict):
                yield from missing(inner, value[name], f"{path}.{name}")

    assert list(missing(schema, values, "")) == []


@BOTH
def test_every_object_of_the_schema_refuses_what_it_does_not_know(chart: str) -> None:
    def walk(schema: Any, path: str) -> Iterator[str]:
        if isinstance(schema, dict):
            if "properties" in schema and "additionalProperties" not in schema and not path.endswith("/properties"):
                yield path
            for name, inner in schema.items():
                yield from walk(inner, f"{path}/{name}")

    assert list(walk(read_schema(chart), "")) == []


@BOTH
def test_lints_without_a_warning(chart: str) -> None:
    done = run_helm(
        "lint",
        "--strict",
        f"--kube-version={KUBE_VERSION}",
        str(CHARTS / chart),
        values=REQUIRED if chart == WORKER else {},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout


@pytest.mark.parametrize(
    ("chart", "values", "said"),
    [
        (OPERATOR, {"replicas": "two"}, "at '/replicas': got string, want integer"),
        (OPERATOR, {"replica": 2}, "additional properties 'replica' not allowed"),
        (
            OPERATOR,
            {"image": {"sha": "latest"}},
            'image.sha must be sha256: and 64 hexadecimal digits, or empty, not "latest"',
        ),
        (OPERATOR, {"log": {"level": "loud"}}, "at '/log/level': value must be one of 'debug', 'info'"),
        (OPERATOR, {"watch": {"namespaces": "media"}}, "at '/watch/namespaces': got string, want array"),
        (OPERATOR, {"replicas": 2, "leaderElection": {"enabled": False}}, "need leaderElection.enabled: true"),
        (OPERATOR, {"metricsPort": 8080}, "healthPort and metricsPort must differ; change one of them"),
        (OPERATOR, {"serviceAccount": {"create": False}}, "serviceAccount.name must say which account"),
        (
            OPERATOR,
            {"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}},
            "needs metrics.service.enabled",
        ),
        (WORKER, {}, "temporal.address is missing"),
        (WORKER, {"temporal": REQUIRED["temporal"]}, "storage.uri is missing"),
        (WORKER, {**REQUIRED, "slots": 0}, "at '/slots': minimum: got 0, want 1"),
        (
            WORKER,
            {**REQUIRED, "storage": {"uri": "exports"}},
            "storage.uri must begin with s3://, gs://, az:// or file://",
        ),
        (WORKER, {**REQUIRED, "temporal": {"address": "https://t"}}, "must be HOST:PORT without a scheme, for example"),
        (WORKER, {**REQUIRED, "scaling": {"pollInterval": "10 s"}}, 'for example 10s, 2m or 1h30m, not "10 s"'),
        (WORKER, {**REQUIRED, "scaling": {"max": 3}}, "additional properties 'max' not allowed"),
        (WORKER, {**REQUIRED, "image": {"sha": "sha256:12"}}, 'hexadecimal digits, or empty, not "sha256:12"'),
        (
            WORKER,
            {"temporal": {"address": "t"}, "storage": {"uri": "x"}},
            'for example temporal-frontend.temporal:7233, not "t"; storage.uri must begin with',
        ),
        (WORKER, {**REQUIRED, "keda": {"enabled": True}}, "set scaling.mode=Manual, or operator.enabled=false"),
        (WORKER, {**REQUIRED, "temporal": {"address": "t:70000"}}, "temporal.address must be HOST:PORT"),
        (WORKER, {**REQUIRED, "image": {"repository": "a.example/b:1"}}, "the tag goes into image.tag"),
        (OPERATOR, {"image": {"repository": "a.example:5000/b:1"}}, "the tag goes into image.tag"),
    ],
)
def test_a_wrong_value_is_refused_in_words(chart: str, values: dict[str, Any], said: str) -> None:
    assert said in refuse(chart, values)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"metricsPort": 8008}, "metricsPort and healthPort must differ; change one of them"),
        (
            {"keda": {"enabled": True}, "scaling": {"minReplicas": 5, "maxReplicas": 2}},
            "minReplicas must not be greater than maxReplicas; lower minReplicas or raise maxReplicas",
        ),
        (
            {
                "temporal": {
                    **REQUIRED["temporal"],
                    "apiKeySecretRef": {"name": "a"},
                    "tls": {"clientCertSecretRef": {"name": "b"}},
                }
            },
            "use one way to authenticate; remove either apiKeySecretRef or tls.clientCertSecretRef",
        ),
    ],
)
def test_without_the_operator_the_chart_says_what_the_definition_would(case: dict[str, Any], said: str) -> None:
    """A plain Deployment has no definition whose rules could refuse it."""
    assert said in (ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8")
    assert said in refuse(WORKER, {**REQUIRED, "operator": {"enabled": False}, **case})


@pytest.mark.parametrize("repository", ["a", "library/a", "localhost:5000/a", "a.example:5000/b/c", "a.example/b"])
@BOTH
def test_a_repository_may_have_a_port(chart: str, repository: str) -> None:
    values = {**(REQUIRED if chart == WORKER else {}), "image": {"repository": repository}}
    done = run_helm("template", "rel", str(CHARTS / chart), f"--kube-version={KUBE_VERSION}", values=values)
    assert f"{repository}:0.1.0" in done.stdout, done.stderr


def read_rules(chart: str) -> list[dict[str, str]]:
    text = read_chart(chart, "templates/_rules.tpl").split("rules:\n", 1)[1].split("{{-")[0]
    rules: list[dict[str, str]] = fast_yaml.load(text)
    return rules


@BOTH
def test_what_a_value_must_look_like_is_said_in_words_alone(chart: str) -> None:
    """A pattern in the schema would be shown to the user; only parts of lists, which no rule reaches, have one."""

    def patterns(schema: dict[str, Any], path: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            if "pattern" in inner and inner.get("type") == "string":
                yield f"{path}.{name}".lstrip(".")
            yield from patterns(inner, f"{path}.{name}")

    assert list(patterns(read_schema(chart), "")) == []
    for rule in read_rules(chart):
        assert rule["says"].startswith("must "), rule


def test_the_words_are_those_of_the_resource() -> None:
    """Whoever mistypes a value reads what `kubectl apply` would say of the field."""
    said = json.dumps(read_spec_of_the_resource())
    fields = ("temporal.address", "storage.uri", "scaling.pollInterval", "scaling.whenUnreachable.after")
    rules = {rule["path"]: rule["says"] for rule in read_rules(WORKER)}
    assert [field for field in fields if rules[field] not in said] == []


def read_spec_of_the_resource() -> dict[str, Any]:
    crd = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8"))
    spec: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def test_fields_of_the_resource_have_the_same_bounds_in_the_chart() -> None:
    bounds = ("minimum", "maximum", "enum", "maxLength", "maxItems", "maxProperties", "pattern")

    def differing(field: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
        assert path == ".image" or set(field.get("properties", {})) == set(value.get("properties", {})), path
        for bound in bounds:
            if bound in field and field[bound] != value.get(bound):
                yield f"{path}: {bound} is {value.get(bound)!r}, in the resource {field[bound]!r}"
        for name, inner in field.get("properties", {}).items():
            yield from differing(inner, value["properties"][name], f"{path}.{name}")

    chart = read_schema(WORKER)
    ours = {"properties": {name: chart["properties"][name] for name in read_spec_of_the_resource()["properties"]}}
    resource = read_spec_of_the_resource()
    resource["properties"]["image"] = {}  # one string there, repository, tag and digest here
    assert list(differing(resource, ours, "")) == []


def test_fields_of_the_resource_have_the_same_defaults_in_the_chart() -> None:
    """Whoever installs the chart and whoever writes a resource by hand get the same workers."""
    schema = read_spec_of_the_resource()
    values = fast_yaml.load(read_chart(WORKER, "values.yaml"))
    assert set(values) - NOT_FIELDS == set(schema["properties"])

    def differing(field: dict[str, Any], value: Any, path: str) -> Iterator[str]:
        for name, inner in field.get("properties", {}).items():
            if "properties" in inner and isinstance(value, dict) and isinstance(value.get(name), dict):
                yield from differing(inner, value[name], f"{path}.{name}")
            elif "default" in inner and value.get(name) != inner["default"]:
                yield f"{path}.{name}: {value.get(name)!r}, in the resource {inner['default']!r}"

    assert list(differing(schema, values, "")) == []
