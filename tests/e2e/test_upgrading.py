"""A new version of the workers, while exports come and run: none is lost, and nothing is done twice."""

from __future__ import annotations

import re
from functools import partial

import pytest

from dev.cluster import Cluster
from dev.containers import Containerd
from dev.exports import Exports
from dev.images import WORKER
from tests.e2e.second_worker import ensure_second_worker
from tests.e2e.tenant import NAME, Tenant, wait_until

SMALL = ("--format", "mp4", "--width", "640", "--height", "360")


def images(tenant: Tenant) -> list[str]:
    """The images of the pods that are not told to end."""
    return [
        pod["spec"]["containers"][0]["image"] for pod in tenant.pods() if "deletionTimestamp" not in pod["metadata"]
    ]


def works(tenant: Tenant, image: str) -> bool:
    """Whether there are pods of this image, and somebody is busy."""
    status = (tenant.find("vew", NAME) or {}).get("status", {})
    return status.get("busyReplicas", 0) >= 1 and image in images(tenant)


@pytest.mark.long
def test_an_upgrade_of_the_renderer_under_load_loses_no_export_and_mixes_no_parts(
    tenant: Tenant, operator: str, exports: Exports, cluster: Cluster
) -> None:
    second = ensure_second_worker(Containerd(cluster.directory))
    scaling = {"pollInterval": "6s", "maxReplicas": 1, "scaleDown": {"stabilizationWindow": "0s", "minIdle": "0s"}}
    workers = partial(tenant.apply_workers, terminationGracePeriodSeconds=150, scaling=scaling)
    workers()
    before = [tenant.submit("form", "--end", "40", *SMALL) for _ in range(5)]
    # Its one slot has planned all and rendered none or few, so some are left that only the first version may render.
    # How many it still renders depends on how soon the new pod starts; `test_activities` holds the refusal itself.
    wait_until(lambda: all(exports.completed(export) for export in before), "every export is planned")
    assert images(tenant) == [WORKER.name]

    workers(image=second)
    after = [tenant.submit("form", "--end", "40", *SMALL) for _ in range(2)]
    wait_until(partial(works, tenant, second), "pods of the second version work")
    for export in (*before, *after):
        tenant.wait_for_end(exports, export)

    failures = {export: exports.failures(export) for export in (*before, *after)}
    told = {failure for each in failures.values() for failure in each}
    assert {kind for kind, _ in told} <= {"RendererDiffers"}, f"something else was done twice: {failures}"
    renderers = {pair for _, message in told for pair in re.findall(r"renderer (\S+), this worker has (\S+):", message)}
    assert len(renderers) == len({kind for kind, _ in told}), renderers
    assert set(images(tenant)) <= {second}
