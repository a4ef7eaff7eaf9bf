"""Browsers follow the container's limit and the slots that share it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from video_export_worker.replay.cpus import choose_browsers, count_cpus


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


@pytest.mark.parametrize(
    ("cpus", "slots", "browsers"), [(2, 2, 1), (2, 1, 1), (4, 1, 2), (8, 2, 2), (0.5, 2, 1), (16, 1, 4)]
)
def test_slots_share_the_processors(machine: Path, cpus: float, slots: int, browsers: int) -> None:
    (machine / "cpu.max").write_text(f"{int(cpus * 100000)} 100000\n")
    assert choose_browsers(slots, machine) == browsers
