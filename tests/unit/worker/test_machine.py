"""What this process may use: the machine's, or its container's limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from video_export_worker.capacity.machine import count_cpus, count_memory, read_capacity


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Sixteen processors, and no limit."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    return tmp_path


def test_without_a_limit_the_machine_counts(machine: Path) -> None:
    assert count_cpus(machine) == 16
    (machine / "cpu.max").write_text("max 100000\n")
    assert count_cpus(machine) == 16


def test_the_limit_of_a_container(machine: Path) -> None:
    (machine / "cpu.max").write_text("250000 100000\n")
    assert count_cpus(machine) == 2.5


def test_the_limit_of_a_container_in_older_kernels(machine: Path) -> None:
    (machine / "cpu").mkdir()
    (machine / "cpu/cpu.cfs_quota_us").write_text("150000\n")
    (machine / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(machine) == 1.5
    (machine / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    assert count_cpus(machine) == 16


def test_memory_is_the_machines_or_the_containers(machine: Path) -> None:
    whole = count_memory(machine)
    assert whole > 2**28
    (machine / "memory.max").write_text("max\n")
    assert count_memory(machine) == whole
    (machine / "memory.max").write_text(f"{2**28}\n")
    assert count_memory(machine) == 2**28


def test_memory_of_a_container_in_older_kernels(machine: Path) -> None:
    (machine / "memory").mkdir()
    (machine / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    whole = count_memory(machine)
    assert whole < 2**60, "no limit is a large number there"
    (machine / "memory/memory.limit_in_bytes").write_text(f"{2**28}\n")
    assert count_memory(machine) == 2**28


def test_a_workers_capacity(machine: Path) -> None:
    (machine / "memory.max").write_text(f"{2**28}\n")
    (machine / "cpu.max").write_text("50000 100000\n")
    capacity = read_capacity(3, machine)
    assert (capacity.memory, capacity.cpus, capacity.slots) == (2**28, 0.5, 3)
