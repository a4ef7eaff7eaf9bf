"""The demo: which cluster it chooses, what it shows, and the page that it leaves."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from dev import cluster
from dev.demo import list_submissions, measure_core
from dev.demo_page import build_page, draw_graph
from dev.demo_story import Look, Story, Video, describe
from dev.demo_target import choose_target
from dev.demo_view import View, draw, draw_strip, picture
from tests.unit.delivery.scripts import ROOT

TITLES = ("Somebody books a journey, as GIF", "Web components, as MP4")


def tell() -> Story:
    """From zero to two pods, one export done, down to one while the other goes on, and to zero."""
    story = Story()
    for at, *sizes in (
        (0, 0, 0, 0, 0, 2),
        (3, 2, 0, 0, 4, 2),
        (9, 2, 2, 2, 0, 2),
        (20, 1, 1, 1, 0, 1),
        (31, 0, 0, 0, 0, 0),
    ):
        assert story.add(Look(float(at), *sizes))
    story.done += [(TITLES[0], 18.0), (TITLES[1], 30.0)]
    return story


def test_a_story_keeps_changes_and_knows_what_was_promised() -> None:
    story = tell()
    assert not story.add(Look(40.0, 0, 0, 0, 0, 0))
    assert (story.most_pods, story.shrank_while_busy) == (2, ["from 2 to 1"])
    assert describe(story.looks[3]) == "1 export to go, 0 tasks wait; 1 pods wanted, 1 ready, 1 busy"


def test_without_a_terminal_each_change_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story()
    story.add(Look(3.0, 2, 1, 1, 4, 2))
    view = View(TITLES, Console(file=io.StringIO()))
    with view.following():
        view.show(story, True, [TITLES[0]])
        view.show(story, False, [])
    lines = [line.partition("] ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [f"done: {TITLES[0]}", "2 exports to go, 4 tasks wait; 2 pods wanted, 1 ready, 1 busy"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_a_terminal_one_screen_shows_it_all(width: int) -> None:
    shown = io.StringIO()
    Console(file=shown, width=width, force_terminal=True, no_color=True).print(draw(TITLES, tell()))
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "most 2" in shown.getvalue()
    assert len(draw_strip(tell())) == 31


def test_the_picture_is_the_screen_when_most_pods_worked() -> None:
    story = tell()
    assert (story.busiest, story.until(9).done) == (9.0, [])
    assert "2&#160;pods&#160;wanted,&#160;2&#160;ready,&#160;2&#160;busy" in picture(TITLES, story)


def test_the_graph_has_a_line_for_each_number_and_a_mark_for_each_export() -> None:
    graph = draw_graph(tell())
    assert graph.count("<path") == 3
    assert graph.count("<circle") == 2
    assert draw_graph(Story()).startswith("<svg")


def test_the_page_shows_what_lies_beside_it(tmp_path: Path) -> None:
    gif = Video("A <page>", tmp_path / "form.gif", "gif, 640x360", 20.0)
    mp4 = Video("Another", tmp_path / "animations.mp4", "h264", 45.0)
    page = build_page(
        tmp_path, tell(), {video: video.path.with_suffix(".storyboard.png") for video in (gif, mp4)}, "http://ui"
    )
    assert 'src="form.gif"' in page
    assert '<video src="animations.mp4" controls>' in page
    assert 'src="form.storyboard.png"' in page
    assert "A &lt;page&gt;" in page
    assert 'href="http://ui"' in page
    assert str(tmp_path) not in page


@pytest.mark.parametrize(
    ("programs", "user", "context", "choice"),
    [
        (("docker", "kind", "apt-get"), 0, "mine", "context"),
        (("docker", "kind", "k3d", "apt-get"), 0, "", "kind"),
        (("docker", "k3d", "apt-get"), 1000, "", "k3d"),
        (("kind", "apt-get"), 0, "", "node"),
        (("apt-get",), 1000, "", "none"),
        ((), 0, "", "none"),
    ],
)
def test_the_demo_uses_what_is_there(
    tmp_path: Path, programs: tuple[str, ...], user: int, context: str, choice: str
) -> None:
    for name, script in {**dict.fromkeys(programs, "exit 0"), "id": f"echo {user}"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if os.path.exists(f"/bin/{name}") else f"/usr/bin/{name}")
    environment = {"PATH": str(tmp_path), "KUBE_CONTEXT": context}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", str(ROOT / "dev" / "demo.sh"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run("--which").stdout.strip() == choice
    if choice == "none":
        told = run()
        assert told.returncode == 1
        assert len(told.stderr.splitlines()) == 1
        assert "KUBE_CONTEXT=name" in told.stderr


@pytest.mark.parametrize(("cores", "width"), [(2, "1280"), (4, "1280"), (16, "1920"), (None, "1920")])
def test_few_cores_get_a_smaller_long_export(cores: int | None, width: str) -> None:
    long, *short = list_submissions(cores)
    assert long.options[long.options.index("--width") + 1] == width
    assert {each.format for each in (long, *short)} == {"mp4", "gif", "webm"}


@pytest.mark.parametrize(("speed", "rate"), [(0.2, "25"), (1.0, "25"), (2.0, "50"), (9.0, "60")])
def test_on_two_cores_the_long_export_has_as_many_frames_as_they_are_fast(speed: float, rate: str) -> None:
    options = list_submissions(2, speed)[0].options
    assert options[options.index("--fps") + 1] == rate
    assert measure_core() > 0


def test_choosing_the_local_cluster_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is built is built by `prepare`, side by side: compiling Kubernetes first would cost minutes."""

    def refuse(names: object) -> Path:
        raise AssertionError(f"{names} are built too early")

    monkeypatch.setattr(cluster, "ensure_programs", refuse)
    assert choose_target().cores == os.cpu_count()
