"""Children in which jobs go wrong: each ends alone, as a whole, and says why."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.attempts.jobs import ENTRY
from tests.waiting import AT_ONCE, wait_for, wait_until
from video_export_worker.attempts import pool, spawner
from video_export_worker.attempts.messages import Job
from video_export_worker.attempts.pool import Kind
from video_export_worker.attempts.processes import PROC
from video_export_worker.attempts.runner import AttemptRunner, Need
from video_export_worker.attempts.running import ChildDefect, ChildDied
from video_export_worker.attempts.spawner import Spawner, SpawnFailed, clean_environment
from video_export_worker.attempts.verdicts import Cause
from video_export_worker.capacity.limits import MIB, Capacity
from video_export_worker.errors import RecordingInvalid

PLAIN = Kind("plain")
CAPACITY = Capacity(memory=1200 * MIB, cpus=2, slots=2)


def _environment() -> dict[str, str]:
    return {**clean_environment(os.environ), "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where children have their folders."""
    return tmp_path_factory.mktemp("children")


@pytest.fixture(scope="module")
async def running(temporary: Path) -> AsyncIterator[AttemptRunner]:
    before = set(_children())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-canary")
        patch.setattr("tempfile.tempdir", str(temporary))
        async with AttemptRunner(CAPACITY, Spawner(ENTRY, _environment())) as started:
            yield started
    await wait_for(lambda: set(_children()) <= before, "every process has ended")


@pytest.fixture
async def runner(running: AttemptRunner, temporary: Path) -> AsyncIterator[AttemptRunner]:
    """One for all tests; each of them leaves nothing."""
    yield running
    running.rest()
    await wait_for(lambda: list(temporary.iterdir()) == [], "no child has left its folder")
    assert _with_folder(temporary) == []


async def _run(runner: AttemptRunner, name: str, *, seconds: float = 30, size: int = 100 * MIB, **given: Any) -> Any:
    return await runner.run(Job(name=name, given=given), Need(PLAIN, size, seconds))


def _children(of: int | None = None) -> list[int]:
    """Processes that this one (or another) started, directly or not, as long as parents live."""
    root = os.getpid() if of is None else of
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                parents[int(entry.name)] = int(fields[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {root})


def _parent(pid: int) -> int:
    return int((PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[1])


def _with_folder(folder: Path) -> list[str]:
    """Command lines of the processes that have this folder, or one below it, as TMPDIR."""
    found = []
    for entry in PROC.iterdir():
        try:
            if entry.name.isdecimal() and f"TMPDIR={folder}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


async def test_a_child_has_no_secret_and_no_threads(runner: AttemptRunner, temporary: Path) -> None:
    seen = await _run(runner, "look around")
    for what in ("environment", "handed_down", "own"):
        assert "a-canary" not in str(seen[what]), f"the secret is in the child's {what}"
        assert "TEMPORAL_ADDRESS" not in str(seen[what])
    assert Path(seen["temporary"]).parent == temporary
    assert f"TMPDIR={seen['temporary']}" in seen["handed_down"]
    assert (seen["threads"], seen["oom"]) == (1, 800)


async def test_each_job_has_a_process_of_its_own(runner: AttemptRunner) -> None:
    first, second = await _run(runner, "answer", number=1), await _run(runner, "answer", number=2)
    assert (first["number"], second["number"]) == (1, 2)
    assert len({first["pid"], second["pid"], os.getpid()}) == 3


async def test_errors_keep_their_kind(runner: AttemptRunner) -> None:
    with pytest.raises(RecordingInvalid, match="no events"):
        await _run(runner, "refuse")
    with pytest.raises(ChildDefect, match=r"jobs\.py(.|\n)*ZeroDivisionError: nobody expected this"):
        await _run(runner, "fail")


@pytest.mark.parametrize(
    ("job", "cause", "says"),
    [
        ("crash", Cause.CRASH, "its process crashed at 3 of 10 (SIGSEGV"),
        ("exit", Cause.CRASH, "exit code 7"),
        ("blow up", Cause.MEMORY, "it took more memory than it may at 1 of 2"),
        ("blow up elsewhere", Cause.MEMORY, "it took more memory than it may"),
    ],
)
async def test_what_kills_a_child_ends_one_attempt(runner: AttemptRunner, job: str, cause: Cause, says: str) -> None:
    neighbour = asyncio.create_task(_run(runner, "start others"))
    await asyncio.sleep(0)
    with pytest.raises(ChildDied) as died:
        await _run(runner, job)
    assert died.value.death.cause is cause
    assert says in str(died.value)
    if cause is Cause.MEMORY:
        assert died.value.death.limit < died.value.death.bytes < 4 * died.value.death.limit, "it was seen late"
    assert not neighbour.done(), "the neighbour's attempt ended too"
    neighbour.cancel()
    await asyncio.gather(neighbour, return_exceptions=True)
    assert (await _run(runner, "answer", after=job))["after"] == job


async def test_a_hang_ends_by_its_time(runner: AttemptRunner, tmp_path: Path) -> None:
    with pytest.raises(ChildDied) as died:
        await _run(runner, "hang", seconds=1, begun=str(tmp_path / "begun"))
    assert died.value.death.cause is Cause.TIME
    assert 1 <= died.value.death.seconds < AT_ONCE


async def test_a_cancelled_job_is_gone_at_once(runner: AttemptRunner, tmp_path: Path) -> None:
    hanging = asyncio.create_task(_run(runner, "hang", begun=str(tmp_path / "begun")))
    await wait_for((tmp_path / "begun").exists, "the job begins")
    began = time.monotonic()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert time.monotonic() - began < AT_ONCE


async def test_a_child_ends_with_all_that_it_started(runner: AttemptRunner, temporary: Path) -> None:
    told = asyncio.Event()
    work = runner.run(Job(name="start others"), Need(PLAIN, 100 * MIB, 30), lambda done, total: told.set())
    running = asyncio.create_task(work)
    await told.wait()
    assert len(_with_folder(temporary)) == 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert _with_folder(temporary) == []


@pytest.mark.parametrize(
    ("line", "times"),
    [
        ('{"kind":"result","result":1,"more":2}', 1),
        ('{"kind":"nonsense"}', 1),
        ("\x80", 1),
        ("[", 100_000),
        ("x", 20_000_000),
    ],
)
async def test_what_a_child_says_is_only_data(runner: AttemptRunner, line: str, times: int) -> None:
    with pytest.raises(ChildDefect, match="no report"):
        await _run(runner, "babble", line=line, times=times)


async def test_a_large_job_waits_for_room(runner: AttemptRunner, tmp_path: Path) -> None:
    blocking = asyncio.create_task(_run(runner, "hang", begun=str(tmp_path / "begun")))
    await wait_for((tmp_path / "begun").exists, "the job begins")
    large = asyncio.create_task(_run(runner, "answer", size=5000 * MIB))
    small = asyncio.create_task(_run(runner, "answer"))  # would fit, but came later
    done, _ = await asyncio.wait({large, small}, timeout=0.5)
    assert not done
    blocking.cancel()
    assert (await large)["pid"] != (await small)["pid"]


async def test_children_wait_and_are_replaced(
    runner: AttemptRunner, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting() -> int:
        return len(list(temporary.iterdir()))

    need = Need(PLAIN, 100 * MIB, 30, successor=PLAIN)
    first = await runner.run(Job(name="answer"), need)
    await wait_for(lambda: waiting() == CAPACITY.slots, "children wait")
    second = await runner.run(Job(name="answer"), need)
    assert second["pid"] != first["pid"]
    await wait_for(lambda: waiting() == CAPACITY.slots, "the one that was used is replaced")
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)
    await runner.run(Job(name="answer"), need)
    await wait_for(lambda: waiting() == 0, "nothing comes: they are let go")


async def test_a_child_that_does_not_get_ready_delays_nothing_for_ever(runner: AttemptRunner) -> None:
    dies = Kind("dies")
    with pytest.raises(ChildDied, match="exit code 3"):
        await runner.run(Job(name="answer"), Need(dies, 100 * MIB, 30, successor=dies))
    assert await _run(runner, "answer", number=1)


async def test_a_fork_server_that_dies_is_replaced(runner: AttemptRunner, tmp_path: Path) -> None:
    hanging = asyncio.create_task(_run(runner, "hang", begun=str(tmp_path / "begun")))
    await wait_for((tmp_path / "begun").exists, "the job begins")
    child = int((tmp_path / "begun").read_text())
    os.kill(_parent(child), signal.SIGKILL)
    with pytest.raises(ChildDied) as died:
        await hanging
    assert died.value.death.cause is Cause.OUTSIDE
    assert died.value.death.seconds < AT_ONCE, "the child was not ended with its fork server"
    assert child not in _children(1), "the child was left running"
    assert not died.value.death.is_the_recordings
    assert await _run(runner, "answer", number=1)


async def test_a_fork_server_that_does_not_answer_is_replaced(
    runner: AttemptRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = (await _run(runner, "answer"))["parent"]
    os.kill(server, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(spawner, "SPAWN_TIMEOUT", 0.5)
        with pytest.raises(SpawnFailed, match="no answer"):
            await _run(runner, "answer")
    assert (await _run(runner, "answer"))["parent"] != server


def test_children_end_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from tests.integration.attempts.test_runner import *\n"
        "from tests.integration.attempts.test_runner import _environment, _run\n"
        "async def main():\n"
        "    async with AttemptRunner(CAPACITY, Spawner(ENTRY, _environment())) as runner:\n"
        "        await _run(runner, 'hang', begun=sys.argv[1])\n"
        "asyncio.run(main())\n"
    )
    begun = tmp_path / "begun"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}
    worker = subprocess.Popen([sys.executable, "-c", program, str(begun)], env=environment)
    wait_until(begun.exists, "the job begins")
    started = _children(worker.pid)
    assert len(started) >= 2, "a fork server and a child"
    worker.kill()
    worker.wait()
    wait_until(lambda: not any((PROC / str(pid)).exists() for pid in started), "its processes are gone")
