"""Tables of the documentation that are read off the code: fields, values, error codes.

`python -m tests.unit.delivery.tables` writes them anew; a test fails when one is out of date.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests import fast_yaml
from tests.unit.delivery.command_pages import (
    build_command_page,
    operator_variables,
    temporal_variables,
    worker_variables,
)
from tests.unit.delivery.scripts import ROOT
from video_export_operator.metrics import Metrics
from video_export_worker.errors import ERROR_CODES
from video_export_worker.metrics import DESCRIPTIONS, Metric

Json = Mapping[str, Any]


def build_resource_table() -> str:
    """Every field of a VideoExportWorker's spec and status, from its definition."""
    crd = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8"))
    (version,) = crd["spec"]["versions"]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    parts = []
    for part in ("spec", "status"):
        rows = [
            (
                f"`{path}`",
                describe_type(field),
                describe_default(field, required and part == "spec"),
                field.get("description", ""),
            )
            for path, field, required in walk_fields(properties[part], part)
        ]
        parts.append(f"## {part}\n\n" + table(("field", "type", "default", "meaning"), rows))
    return "\n\n".join(parts)


def walk_fields(schema: Json, path: str) -> Iterator[tuple[str, Json, bool]]:
    """Every field below a schema with its path, and whether it is required; an object's own row comes first."""
    for name, field in schema.get("properties", {}).items():
        inner = f"{path}.{name}"
        yield inner, field, name in schema.get("required", ())
        yield from walk_fields(field, inner)
        yield from walk_fields(field.get("items", {}), f"{inner}[]")


def describe_default(field: Json, required: bool) -> str:
    """A field's default, or that there is none and the object that holds it needs it."""
    return "required" if required else code(field.get("default"))


def describe_type(field: Json) -> str:
    """Type and bounds of a field in a few words."""
    if field.get("x-kubernetes-int-or-string"):
        return "number or string"
    if "enum" in field:
        return " \\| ".join(field["enum"])
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {describe_type(field['items'])}"
    if kind == "object" and "additionalProperties" in field:
        return "map"
    bounds = [str(field[bound]) for bound in ("minimum", "maximum") if bound in field]
    return f"{kind} {' to '.join(bounds)}" if len(bounds) == 2 else kind


def build_values_table(chart: str) -> str:
    """Every value of a chart with its default."""
    folder = ROOT / "charts" / chart
    schema = json.loads((folder / "values.schema.json").read_text(encoding="utf-8"))
    values = fast_yaml.load((folder / "values.yaml").read_text(encoding="utf-8"))
    rows = [(f"`{path}`", code(default), description) for path, default, description in walk_values(schema, values, "")]
    return table(("value", "default", "meaning"), rows)


def walk_values(schema: Json, value: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    """The values that a user sets: objects of the schema are gone into."""
    for name, field in schema["properties"].items():
        inner = f"{path}.{name}".lstrip(".")
        if name not in value:
            continue
        if "properties" in field and isinstance(value[name], dict):
            yield from walk_values(field, value[name], inner)
        else:
            yield inner, value[name], field["description"]


def build_error_table() -> str:
    """Every error code, what it means, and whether Temporal tries the activity again."""
    rows = [
        (f"`{name}`", "yes" if error.retryable else "no", " ".join((error.__doc__ or "").split()))
        for name, error in ERROR_CODES.items()
    ]
    return table(("code", "tried again", "meaning"), rows)


KINDS: Final = {Metric.PHASE_DURATION: "histogram", Metric.CHROMIUM_SANDBOX: "gauge"}


def exported_name(metric: Metric) -> str:
    """A worker's metric as Prometheus sees it: the SDK's exporter adds what is counted."""
    return {Metric.PHASE_DURATION: f"{metric}_seconds", Metric.CHROMIUM_SANDBOX: str(metric)}.get(
        metric, f"{metric}_total"
    )


def build_metrics_table() -> str:
    """Every metric of the worker and of the operator."""
    worker = [
        (f"`{exported_name(metric)}`", KINDS.get(metric, "counter"), text) for metric, text in DESCRIPTIONS.items()
    ]
    operator = [
        (f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), text)
        for name, kind, labels, text in operator_metrics()
    ]
    return "\n\n".join(
        (
            "## Worker (port 8007)",
            table(("metric", "type", "meaning"), worker),
            "## Operator (port 8081)",
            table(("metric", "type", "labels", "meaning"), operator),
        )
    )


def operator_metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name as Prometheus sees it, type, labels and meaning of the operator's metrics."""
    for collector in vars(Metrics()).values():
        if not hasattr(collector, "describe"):
            continue
        (family,) = collector.describe()
        suffix = "_total" if family.type == "counter" else ""
        yield f"{family.name}{suffix}", family.type, tuple(collector._labelnames), family.documentation


def known_series() -> set[str]:
    """Every series that the worker and the operator serve, as Prometheus sees it."""
    known = {exported_name(metric) for metric in Metric} | {name for name, *_ in operator_metrics()}
    histograms = {name for name, kind, *_ in operator_metrics() if kind == "histogram"}
    histograms |= {exported_name(Metric.PHASE_DURATION)}
    return known | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def build_environment_page() -> str:
    """Every environment variable of the worker and of the operator."""
    heading = ("variable", "default", "meaning")
    return "\n\n".join(
        (
            "## Worker",
            table(heading, list(worker_variables())),
            "## Operator",
            table(heading, list(operator_variables())),
            "## Temporal",
            table(("variable", "meaning"), list(temporal_variables())),
        )
    )


def build_decisions_table() -> str:
    """Every decision with its title."""
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    rows = []
    for page in pages:
        number, _, title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(". ")
        rows.append((number, f"[{title}]({page.name})"))
    return table(("number", "decision"), rows)


def code(value: Any) -> str:
    """A default as code; nothing where there is none."""
    return "" if value is None else f"`{json.dumps(value)}`"


def table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/resource.md": build_resource_table,
    "docs/errors.md": build_error_table,
    "docs/metrics.md": build_metrics_table,
    "docs/command-line.md": build_command_page,
    "docs/environment.md": build_environment_page,
    "docs/decisions/index.md": build_decisions_table,
    "charts/video-export-operator/README.md": lambda: build_values_table("video-export-operator"),
    "charts/temporal-worker-video-export/README.md": lambda: build_values_table("temporal-worker-video-export"),
}
BEGIN, END = "<!-- made by python -m tests.unit.delivery.tables -->", "<!-- end -->"


def fill(page: str, content: str) -> str:
    """A page with what stands between its marks replaced."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write every table anew."""
    for name, build in TABLES.items():
        path = Path(ROOT, name)
        path.write_text(fill(path.read_text(encoding="utf-8"), build()), encoding="utf-8")


if __name__ == "__main__":
    main()
