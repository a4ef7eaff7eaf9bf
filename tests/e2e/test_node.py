"""The node is a real one: what the other tests rely on, pods and their rights, names, services."""

from __future__ import annotations

from typing import Any

from dev.images import OPERATOR
from tests.e2e.tenant import WAIT, Tenant

RESTRICTED = {
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str, *command: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": OPERATOR.name,
        "command": list(command),
        "securityContext": RESTRICTED,
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    metadata = {"name": name, "labels": {"app": name}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_a_pod_has_logs_exec_names_services_and_no_more_rights_than_it_should(tenant: Tenant) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }
    tenant.apply(pod("web", "python3", "-u", "-m", "http.server", "8000", "--directory", "/etc"), service)
    tenant.kubectl("wait", "--for=condition=Ready", "pod/web", f"--timeout={WAIT}s")

    def execute(script: str) -> str:
        return tenant.kubectl("exec", "web", "--", "sh", "-c", f"{script} 2>&1 || true").strip()

    def get(url: str) -> str:
        return execute(
            f"python3 -c 'import urllib.request as r; print(r.urlopen(\"{url}\", timeout=5).read().decode())'"
        )

    assert "Serving HTTP" in tenant.kubectl("logs", "web")
    assert execute("id -u") == "10001"
    assert "Read-only file system" in execute("touch /file")
    assert execute("grep CapEff /proc/self/status").split() == ["CapEff:", "0000000000000000"]
    assert execute("grep NoNewPrivs /proc/self/status").split() == ["NoNewPrivs:", "1"]
    assert execute("grep -w Seccomp /proc/self/status").split() == ["Seccomp:", "2"]
    assert get(f"http://web.{tenant.name}/hostname") == "web"  # through the service, back to itself
    assert "Network is unreachable" in get("http://192.0.2.1/"), "a pod has a way out of the machine"
    assert "Temporary failure in name resolution" in get("http://elsewhere.example/")
