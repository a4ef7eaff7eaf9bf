"""A new version of the workers, while exports come and run: none is lost, and nothing is done twice."""

from __future__ import annotations

from functools import partial

from dev.exports import Exports
from tests.e2e.tenant import NAME, Tenant
from tests.waiting import wait_until

SMALL = ("--format", "mp4", "--width", "640", "--height", "360")
VERSION = "example.test/version"


def versions(tenant: Tenant) -> list[str]:
    """The versions of the pods that are not told to end."""
    pods = (pod["metadata"] for pod in tenant.pods())
    return [pod["annotations"].get(VERSION, "") for pod in pods if "deletionTimestamp" not in pod]


def works(tenant: Tenant, version: str) -> bool:
    """Whether there are pods of this version, and somebody is busy."""
    status = (tenant.find("vew", NAME) or {}).get("status", {})
    return status.get("busyReplicas", 0) >= 1 and version in versions(tenant)


def test_an_upgrade_under_load_loses_no_export_and_repeats_no_attempt(
    tenant: Tenant, operator: str, exports: Exports
) -> None:
    scaling = {"pollInterval": "6s", "maxReplicas": 2, "scaleDown": {"stabilizationWindow": "6s", "minIdle": "1s"}}
    submitted = []
    for version in ("one", "two", "three"):
        template = {"metadata": {"annotations": {VERSION: version}}}
        tenant.apply_workers(template=template, terminationGracePeriodSeconds=150, scaling=scaling)
        # Long enough that pods of the version before are not done with all of it before those of this one come.
        submitted += [tenant.submit("form", "--end", "40", *SMALL) for _ in range(4)]
        wait_until(partial(works, tenant, version), f"pods of version {version} work", 120)

    for export in submitted:
        tenant.wait_for_end(exports, export)

    attempts = {export: exports.attempts(export) for export in submitted}
    assert all(set(each) == {1} for each in attempts.values()), f"something was done twice: {attempts}"
    wait_until(lambda: set(versions(tenant)) <= {"three"}, "no pod of an old version is left", 60)
