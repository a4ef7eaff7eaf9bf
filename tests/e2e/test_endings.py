"""How pods end where a real kubelet ends them: what it says of them is played in the table of faults."""

from __future__ import annotations

from temporalio.client import WorkflowExecutionStatus

from dev.cluster import Cluster
from dev.exports import Exports
from dev.node import NAME as NODE
from tests.e2e.tenant import NAME, Tenant
from tests.waiting import wait_until


def busy_pods(tenant: Tenant) -> int:
    return int((tenant.find("vew", NAME) or {}).get("status", {}).get("busyReplicas", 0))


def test_a_drained_node_ends_no_export(tenant: Tenant, operator: str, exports: Exports, cluster: Cluster) -> None:
    tenant.apply_workers()
    # Longer than two heartbeats of a worker are apart, so that it is seen to be busy.
    options = ("--format", "mp4", "--fps", "60", "--speed", "0.4", "--width", "640", "--height", "360")
    export = tenant.submit("animations", *options)
    wait_until(lambda: busy_pods(tenant) == 1, "a pod is busy", 90)

    try:
        # All of it goes, the operator too, which nobody replaces before there is a node for it.
        cluster.kubectl("drain", NODE, "--force", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s")
        assert not [pod for pod in tenant.pods() if pod["spec"].get("nodeName")], "a pod is left on the drained node"
    finally:
        cluster.kubectl("uncordon", NODE)

    ended = WorkflowExecutionStatus.COMPLETED
    wait_until(lambda: exports.status(export) is ended, "the export ended", 120)
    assert set(exports.attempts(export)) == {1}, "an attempt was interrupted"
    wait_until(lambda: tenant.size() == (0, 0) and not tenant.pods(), "no pod is left", 60)
    cluster.kubectl("--namespace", operator, "wait", "deployment", "--all", "--for=condition=Available")


def test_a_pod_that_ignores_sigterm_is_killed_after_its_grace_and_delays_nobody(tenant: Tenant, operator: str) -> None:
    # Kubelets tell process 1 only.
    deaf = ["sh", "-c", "trap '' TERM; video-export worker & while true; do sleep 1; done"]
    manual = {"scaling": {"mode": "Manual"}, "terminationGracePeriodSeconds": 30}
    tenant.apply_workers(command=deaf, replicas=1, **manual)
    tenant.wait_condition("WorkersHealthy", "True", timeout=90)
    [first] = tenant.pods()

    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=0")
    wait_until(lambda: tenant.size() == (0, 0), "the Deployment is at zero", 120)
    wait_until(lambda: all("deletionTimestamp" in pod["metadata"] for pod in tenant.pods()), "the pod was told", 30)
    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=1")
    wait_until(lambda: tenant.size() == (1, 1), "its successor is ready", 60)

    uid = first["metadata"]["uid"]
    wait_until(lambda: all(pod["metadata"]["uid"] != uid for pod in tenant.pods()), "the deaf pod is killed", 60)
