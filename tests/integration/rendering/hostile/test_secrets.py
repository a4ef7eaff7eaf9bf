"""The browser has no secret: not in its environment, not in its memory, and not within its reach."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process_memory import count_in_memory, read_environment
from tests.requirements import require
from tests.waiting import wait_for
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page import Stage
from video_export_worker.replay.settings import ChromiumSettings

CANARY = "canary-" + "9f4e61d0c7a8"
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "TEMPORAL_API_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "ANYTHING_ELSE")


def browsers_below(process: int) -> Iterator[int]:
    """Every process of every Chromium that this process has started, by way of whatever it has started."""
    for task in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread, or the process, has ended meanwhile
            for child in map(int, (task / "children").read_text().split()):
                if b"headless" in Path(f"/proc/{child}/cmdline").read_bytes():
                    yield child
                yield from browsers_below(child)


async def test_no_process_of_the_browser_holds_a_secret(
    chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, CANARY)
    async with open_page(chromium, Stage(320, 240)) as page:
        await page.evaluate("1", "load")

        def all_of_them() -> list[int]:
            return found if len(found := list(browsers_below(os.getpid()))) >= 4 else []

        processes = await wait_for(all_of_them, "browser, GPU, utility and renderer run")
        environments = [read_environment(process) for process in processes]
        assert not any(CANARY.encode() in environment for environment in environments)
        assert any(b"PATH=" in environment for environment in environments), "environments were looked at"
        copies = {process: count_in_memory(process, CANARY.encode()) for process in processes}
        assert set(copies.values()) == {0}, f"copies of the secret: {copies}"
        known = b"--host-resolver-rules"
        assert any(count_in_memory(process, known) for process in processes), "memory was looked at"


# A program of an unprivileged user that hides its memory or not; and one of the same user that wants to read it.
HOLDER = """
import ctypes, os, sys
from video_export_worker.attempts.kernel import hide_memory
os.setgroups([]); os.setgid(54321); os.setuid(54321)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a program is that begins as this user
hide_memory() if sys.argv[1] == "hidden" else None
print("ready", flush=True); sys.stdin.read()
"""
READER = """
import os, sys
os.setgroups([]); os.setgid(54321); os.setuid(54321)
for name in ("environ", "mem", "maps"):
    try:
        with open(f"/proc/{sys.argv[1]}/{name}", "rb", buffering=0) as file: name == "mem" or file.read()
        print("read", name)
    except PermissionError:
        print("refused", name)
"""


@pytest.mark.parametrize(("how", "answer"), [("hidden", "refused"), ("open", "read")])
def test_a_worker_that_hides_its_memory_cannot_be_read_by_its_own_user(how: str, answer: str) -> None:
    require(os.geteuid() == 0, "only root can become two users")
    python = [sys.executable, "-c"]
    with subprocess.Popen([*python, HOLDER, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n"
            # Python itself is read from a folder of root's, before the user changes.
            read = subprocess.run([*python, READER, str(holder.pid)], capture_output=True, text=True, check=True)
        finally:
            holder.kill()
    if how == "open" and "refused mem" in read.stdout:  # Yama lets only parents attach
        assert "read environ" in read.stdout
        return
    assert read.stdout.split() == [answer, "environ", answer, "mem", answer, "maps"]
