"""Recordings become videos through pods that the operator makes, and that it never takes while they are busy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from temporalio.client import WorkflowExecutionStatus

from dev.demo import list_submissions, measure_core
from dev.exports import Exports
from tests.e2e.tenant import MANUAL, NAME, Tenant, probe, wait_until

RUNNING = WorkflowExecutionStatus.RUNNING


@pytest.mark.alone  # how the size follows the work over time
def test_from_zero_to_what_the_backlog_needs_and_back_without_an_interruption(
    tenant: Tenant, operator: str, exports: Exports, tmp_path: Path
) -> None:
    tenant.apply_workers()
    tenant.wait_condition("Ready", "True")
    assert tenant.size() == (0, 0)

    small = ("--width", "640", "--height", "360")
    # Every frame of it differs, so it outlasts the others and the window of the scale-down.
    slow = list_submissions(os.cpu_count(), measure_core())[0]
    long = tenant.submit(slow.recording, "--format", slow.format, *slow.options)
    short = [
        tenant.submit("form", "--format", "gif", "--fps", "5", "--end", "10", *small),
        tenant.submit("text", "--format", "webm", "--fps", "10", "--end", "5", *small),
    ]
    submitted = [long, *short]

    largest = 0
    shrank_while_busy = False
    before = 0

    def over() -> bool:
        nonlocal largest, before, shrank_while_busy
        wanted, ready = tenant.size()
        shrank_while_busy |= wanted < before and exports.status(long) is RUNNING
        largest, before = max(largest, ready), wanted
        return wanted == 0 and all(exports.status(export) is not RUNNING for export in submitted)

    wait_until(over, "all exports ended and the Deployment is at zero again", timeout=240)
    wait_until(lambda: not tenant.pods(), "no pod is left")

    assert {exports.status(export) for export in submitted} == {WorkflowExecutionStatus.COMPLETED}
    assert largest >= 2, "one pod made everything: slots is 1, and three exports waited"
    assert shrank_while_busy, "nothing was scaled down before the last export ended"
    attempts = [attempt for export in submitted for attempt in exports.attempts(export)]
    assert set(attempts) == {1}, "an attempt was interrupted"
    codecs = [probe(tenant.download(export, tmp_path / export)[0])["codec_name"] for export in submitted]
    assert codecs == ["h264", "gif", "vp9"]
    assert tenant.condition("ScalingActive")["status"] == "True"


def test_a_worker_lacks_nothing_and_reads_frames_from_chromiums_memory(tenant: Tenant, operator: str) -> None:
    tenant.apply_workers(scaling=MANUAL, replicas=1)
    wait_until(lambda: tenant.size() == (1, 1), "one pod is ready")

    told = tenant.kubectl("exec", f"deployment/{NAME}", "--", "video-export", "doctor", "--json")

    findings = {finding["name"]: finding for finding in json.loads(told)["findings"]}
    assert {finding["mark"] for finding in findings.values()} == {"ok"}, told
    assert "read from its memory" in findings["Chromium"]["detail"], told


def test_deleting_the_resource_leaves_nothing(tenant: Tenant, operator: str) -> None:
    tenant.apply_workers(scaling=MANUAL, replicas=1)
    wait_until(lambda: tenant.size() == (1, 1), "one pod is ready")
    found = tenant.find("vew", NAME)
    assert found is not None
    assert "finalizers" not in found["metadata"]

    tenant.kubectl("delete", "vew", NAME)

    wait_until(lambda: tenant.find("deployment", NAME) is None, "the Deployment is collected")
    wait_until(lambda: not tenant.pods(), "the pods are gone")
