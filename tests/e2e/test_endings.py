"""How pods end where a real kubelet ends them: what it says of them is played in the table of faults."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus

from dev.cluster import Cluster
from dev.exports import Exports
from dev.node import NAME as NODE
from tests.e2e.tenant import MANUAL, NAME, WAIT, Tenant, wait_until


def busy_pods(tenant: Tenant) -> int:
    return int((tenant.find("vew", NAME) or {}).get("status", {}).get("busyReplicas", 0))


@pytest.mark.alone  # all pods of the node go
def test_a_drained_node_ends_no_export(tenant: Tenant, operator: str, exports: Exports, cluster: Cluster) -> None:
    tenant.apply_workers()
    # Longer than two heartbeats of a worker are apart, so that it is seen to be busy.
    options = ("--format", "mp4", "--fps", "45", "--speed", "0.4", "--width", "640", "--height", "360")
    export = tenant.submit("animations", *options)
    wait_until(lambda: busy_pods(tenant) == 1, "a pod is busy")

    try:
        # All of it goes, the operator too, which nobody replaces before there is a node for it.
        cluster.kubectl("drain", NODE, "--force", "--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={WAIT}s")
        assert not [pod for pod in tenant.pods() if pod["spec"].get("nodeName")], "a pod is left on the drained node"
    finally:
        cluster.kubectl("uncordon", NODE)

    ended = WorkflowExecutionStatus.COMPLETED
    wait_until(lambda: exports.status(export) is ended, "the export ended")
    assert set(exports.attempts(export)) == {1}, "an attempt was interrupted"
    wait_until(lambda: tenant.size() == (0, 0) and not tenant.pods(), "no pod is left")
    cluster.kubectl("--namespace", operator, "wait", "deployment", "--all", "--for=condition=Available")


def test_a_pod_that_ignores_sigterm_is_killed_after_its_grace_and_delays_nobody(tenant: Tenant, operator: str) -> None:
    # Kubelets tell process 1 only.
    worker = f"video-export worker --task-queue {tenant.name}"
    deaf = ["sh", "-c", f"trap '' TERM; {worker} & while true; do sleep 1; done"]
    manual = {"scaling": MANUAL, "terminationGracePeriodSeconds": 15}
    tenant.apply_workers(command=deaf, replicas=1, **manual)
    wait_until(lambda: tenant.size() == (1, 1), "the pod is ready")
    [first] = tenant.pods()

    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=0")
    wait_until(lambda: tenant.size() == (0, 0), "the Deployment is at zero")
    wait_until(lambda: all("deletionTimestamp" in pod["metadata"] for pod in tenant.pods()), "the pod was told")
    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=1")
    wait_until(lambda: tenant.size() == (1, 1), "its successor is ready")

    uid = first["metadata"]["uid"]
    wait_until(lambda: all(pod["metadata"]["uid"] != uid for pod in tenant.pods()), "the deaf pod is killed")
