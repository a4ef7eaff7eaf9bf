"""What the benchmark reads as a write, and as late."""

from __future__ import annotations

from benchmarks.operator.fleet import count_writes, ready_since


def line(verb: str, resource: str, count: int, subresource: str = "", dry_run: str = "") -> str:
    labels = {
        "code": "200",
        "component": "apiserver",
        "dry_run": dry_run,
        "group": "",
        "resource": resource,
        "scope": "resource",
        "subresource": subresource,
        "verb": verb,
        "version": "v1",
    }
    shown = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"apiserver_request_total{{{shown}}} {count}"


def test_only_requests_that_ask_for_a_write_are_counted() -> None:
    text = "\n".join(
        [
            "# TYPE apiserver_request_total counter",
            line("GET", "pods", 9),
            line("LIST", "pods", 9),
            line("WATCH", "pods", 9),
            line("PUT", "leases", 9),
            line("POST", "subjectaccessreviews", 9),
            line("APPLY", "deployments", 9, dry_run="All"),
            line("APPLY", "deployments", 2),
            line("PATCH", "videoexportworkers", 3, "status"),
            line("POST", "events", 1),
            "apiserver_request_total_of_something_else 5",
        ]
    )
    assert count_writes(text) == {"APPLY deployments": 2, "PATCH videoexportworkers/status": 3, "POST events": 1}


def test_a_resource_that_is_not_ready_has_not_been_ready_since() -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:01:00Z"}
    assert ready_since({"conditions": [ready]}) == 60.0
    assert ready_since({"conditions": [{**ready, "status": "False"}]}) == float("inf")
    assert ready_since({}) == float("inf")
