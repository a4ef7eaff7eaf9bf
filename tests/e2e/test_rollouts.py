"""What a rollout does to pods that work, where a real kubelet ends them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from dev.exports import Attempt, Exports
from tests.e2e.tenant import MANUAL, NAME, Tenant, wait_until

COMPLETED = WorkflowExecutionStatus.COMPLETED
PODS = 2
ROLLED = {"metadata": {"annotations": {"example.com/rolled": "true"}}}


class Rollout:
    """The pods of an older template, and when each was asked to end."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._older = {pod["metadata"]["name"] for pod in tenant.pods()}
        self.asked: dict[str, datetime] = {}

    def is_over(self) -> bool:
        """Look, and say whether no older pod is left and all of the new ones are ready."""
        pods = {pod["metadata"]["name"]: pod["metadata"] for pod in self._tenant.pods()}
        for name in self._older & pods.keys():
            if "deletionTimestamp" in pods[name]:
                grace = timedelta(seconds=pods[name]["deletionGracePeriodSeconds"])
                end = datetime.fromisoformat(pods[name]["deletionTimestamp"]).replace(tzinfo=None)
                self.asked.setdefault(name, end - grace)
        return not self._older & pods.keys() and self._tenant.size() == (PODS, PODS)

    def stopped_busy(self, attempts: Iterable[Attempt]) -> set[str]:
        """Return the pods that were asked to end in the middle of an activity; the time is known to the second."""
        second = timedelta(seconds=1)
        return {
            pod
            for pod, at in self.asked.items()
            for attempt in attempts
            if pod in attempt.identity and attempt.began <= at and attempt.ended >= at + second
        }


@pytest.mark.long
@pytest.mark.parametrize("mode", ["WhenReady", "WhenIdle"])
def test_a_rollout_under_load(mode: str, tenant: Tenant, operator: str, exports: Exports) -> None:
    """With the grace that a resource has by default no attempt is repeated; WhenIdle stops no busy pod at all."""
    manual = {"scaling": MANUAL, "replicas": PODS}
    tenant.apply_workers(**manual, rollout={"mode": mode}, terminationGracePeriodSeconds=300)
    wait_until(lambda: tenant.size() == (PODS, PODS), "the pods are ready")
    options = ("--format", "mp4", "--fps", "30", "--end", "16", "--width", "640", "--height", "360")
    # Work for longer than two heartbeats of a worker are apart, so that each is seen to be busy.
    submitted = [tenant.submit("animations", *options) for _ in range(4 * PODS)]
    busy = lambda: (tenant.find("vew", NAME) or {})["status"].get("busyReplicas") == PODS  # noqa: E731
    wait_until(busy, "every pod is busy")

    rollout = Rollout(tenant)
    tenant.kubectl("patch", "vew", NAME, "--type=merge", "--patch", json.dumps({"spec": {"template": ROLLED}}))
    wait_until(rollout.is_over, "every pod is of the new template", timeout=240)
    wait_until(
        lambda: {exports.status(one) for one in submitted} == {COMPLETED}, "every export is finished", timeout=240
    )

    attempts = [attempt for one in submitted for attempt in exports.completed(one)]
    stopped = rollout.stopped_busy(attempts)
    longest = max((attempt.ended - attempt.began).total_seconds() for attempt in attempts)
    told = f"{mode}: {len(stopped)} of {PODS} pods stopped while busy, longest activity {longest:.1f} s"
    print(told)
    assert {attempt.number for attempt in attempts} == {1}, f"an attempt was repeated; {told}"
    assert len(rollout.asked) == PODS, "a pod ended without being seen to end"
    if mode == "WhenIdle":
        assert not stopped, told
