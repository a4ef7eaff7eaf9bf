"""A stand-in of `external.metrics.k8s.io`, as prometheus-adapter would serve it, registered with a real API server.

The one part that is not real is where the number comes from: the test sets it.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dev.certificates import Authority
from tests.integration.operator.cluster import Namespace
from tests.waiting import wait_until

GROUP = "external.metrics.k8s.io"
SERVICE = "metrics-adapter"
Json = dict[str, Any]


@dataclass
class ExternalMetrics:
    """What is served: the same value for every metric.

    Attributes:
        asked: metric and label selector of every question.
    """

    value: int = 0
    asked: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, url: str) -> Json:
        """Return the answer to a GET."""
        parts = urlsplit(url)
        _, found, metric = parts.path.partition("/namespaces/")
        if not found:
            kind = {"name": "metrics", "singularName": "", "namespaced": True, "kind": "ExternalMetricValueList"}
            return _list(
                "APIResourceList", "v1", groupVersion=f"{GROUP}/v1beta1", resources=[{**kind, "verbs": ["get"]}]
            )
        name = metric.partition("/")[2]
        self.asked.add((name, parse_qs(parts.query).get("labelSelector", [""])[0]))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        item = {"metricName": name, "metricLabels": {}, "timestamp": now, "value": str(self.value)}
        return _list("ExternalMetricValueList", f"{GROUP}/v1beta1", metadata={}, items=[item])


@contextmanager
def serving_external_metrics(namespace: Namespace, folder: Path) -> Iterator[ExternalMetrics]:
    """Serve and register external metrics for the block, in a thread: the tests' own calls block their event loop."""
    served, authority = ExternalMetrics(), Authority(folder)
    pair = authority.issue("adapter", addresses=[f"{SERVICE}.{namespace.name}.svc"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        for manifest in _registration(namespace, server.server_port, authority):
            namespace.apply(manifest)
        path = f"/apis/{GROUP}/v1beta1/namespaces/{namespace.name}/any"
        wait_until(lambda: namespace.control_plane.answers(path), "the API server hands external metrics on")
        served.asked.clear()
        yield served
    finally:
        namespace.succeed("delete", "apiservice", f"v1beta1.{GROUP}", "--ignore-not-found")
        server.shutdown()
        server.server_close()
        thread.join(10)


def _handler(served: ExternalMetrics) -> type[BaseHTTPRequestHandler]:
    """Return a handler of requests that serves these metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(served.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    return Handler


def _registration(namespace: Namespace, port: int, authority: Authority) -> tuple[Json, Json]:
    """Return what leads the API server here; there is no network of Services without a node."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    registered = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": base64.b64encode(authority.pair.certificate.read_bytes()).decode(),
            "service": {"name": SERVICE, "namespace": namespace.name, "port": port},
        },
    }
    return service, registered


def _list(kind: str, api_version: str, **content: Any) -> Json:
    return {"kind": kind, "apiVersion": api_version, **content}
