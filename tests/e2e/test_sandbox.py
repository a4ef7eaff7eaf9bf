"""Chromium's own sandbox in a restricted pod: on under the profile that the chart puts on the node."""

from __future__ import annotations

import json
from pathlib import Path

from dev.exports import Exports
from tests.e2e.tenant import MANUAL, NAME, Tenant, wait_until

SECCOMP_FILTER = "2"  # of the line Seccomp in /proc/PID/status, see proc(5)


def find_chromium(kind: str, pod: str) -> list[Path]:
    """The processes of this kind in the pod of this uid, as the machine sees them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, cgroup = (folder / "cmdline").read_bytes(), (folder / "cgroup").read_text()
            if b"chromium" in command and f"--type={kind}".encode() in command and f"/pod{pod}/" in cgroup:
                found.append(folder)
        except OSError:  # it has ended
            continue
    return found


def status_of(process: Path, name: str) -> list[str]:
    """The values of a line of the process's status."""
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return next(value.split() for key, _, value in lines if key == name)


def find_only_renderer(pod: str) -> Path | None:
    """The renderer of the only browser that the pod has."""
    found = find_chromium("renderer", pod)
    return found[0] if len(found) == len(find_chromium("gpu-process", pod)) == 1 else None


def test_chromiums_sandbox_is_on_in_a_pod_with_the_profile(tenant: Tenant, operator: str, exports: Exports) -> None:
    tenant.apply_workers(scaling=MANUAL, replicas=1, seccompProfile={"type": "Localhost"})
    wait_until(lambda: tenant.size() == (1, 1), "one pod is ready")

    told = tenant.kubectl("exec", f"deployment/{NAME}", "--", "video-export", "doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(told)["findings"]}
    assert "Chromium's own sandbox is on" in findings["Chromium"]["detail"], told
    assert "Chromium's own sandbox is on" in tenant.kubectl("logs", f"deployment/{NAME}")

    # While nothing is exported a browser waits; it is started as those are that export. That of `doctor` is ending.
    pod = tenant.pods()[0]["metadata"]["uid"]
    renderer = wait_until(lambda: find_only_renderer(pod), "one browser waits for work")
    assert status_of(renderer, "Seccomp") == [SECCOMP_FILTER]
    assert status_of(renderer, "NoNewPrivs") == ["1"]
    outside = len(status_of(find_chromium("gpu-process", pod)[0], "NSpid"))
    assert len(status_of(renderer, "NSpid")) > outside, "the renderer has no process ids of its own"
    assert int(status_of(renderer, "CapEff")[0], 16) == 0

    export = tenant.submit("form", "--format", "mp4", "--end", "2", "--width", "640", "--height", "360")
    tenant.wait_for_end(exports, export)
