"""Chromium's own sandbox in a restricted pod: on under the profile that the chart puts on the node."""

from __future__ import annotations

import json
from pathlib import Path

from dev.exports import Exports
from tests.e2e.tenant import NAME, Tenant
from tests.waiting import wait_until

SECCOMP_FILTER = "2"  # of the line Seccomp in /proc/PID/status, see proc(5)


def find_chromium(kind: str) -> list[Path]:
    """The processes of this kind in pods, as the machine sees them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = b"chromium" in (folder / "cmdline").read_bytes() and "kubepods" in (folder / "cgroup").read_text()
            if is_ours and f"--type={kind}".encode() in (folder / "cmdline").read_bytes():
                found.append(folder)
        except OSError:  # it has ended
            continue
    return found


def status_of(process: Path, name: str) -> list[str]:
    """The values of a line of the process's status."""
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return next(value.split() for key, _, value in lines if key == name)


def find_only_renderer() -> Path | None:
    """The renderer of the only browser that there is."""
    found = find_chromium("renderer")
    return found[0] if len(found) == len(find_chromium("gpu-process")) == 1 else None


def test_chromiums_sandbox_is_on_in_a_pod_with_the_profile(tenant: Tenant, operator: str, exports: Exports) -> None:
    tenant.apply_workers(scaling={"mode": "Manual"}, replicas=1, seccompProfile={"type": "Localhost"})
    wait_until(lambda: tenant.size() == (1, 1), "one pod is ready", 120)

    told = tenant.kubectl("exec", f"deployment/{NAME}", "--", "video-export", "doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(told)["findings"]}
    assert "Chromium's own sandbox is on" in findings["Chromium"]["detail"], told
    assert "Chromium's own sandbox is on" in tenant.kubectl("logs", f"deployment/{NAME}")

    # While nothing is exported a browser waits; it is started as those are that export. That of `doctor` is ending.
    renderer = wait_until(find_only_renderer, "one browser waits for work", 60)
    assert status_of(renderer, "Seccomp") == [SECCOMP_FILTER]
    assert status_of(renderer, "NoNewPrivs") == ["1"]
    outside = len(status_of(find_chromium("gpu-process")[0], "NSpid"))
    assert len(status_of(renderer, "NSpid")) > outside, "the renderer has no process ids of its own"
    assert int(status_of(renderer, "CapEff")[0], 16) == 0

    export = tenant.submit("form", "--format", "mp4", "--end", "2", "--width", "640", "--height", "360")
    tenant.wait_for_end(exports, export)
