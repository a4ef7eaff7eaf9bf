"""The product's main job, shown: recordings are submitted, pods come, videos are made, pods go.

It fails if what it shows is not true: several pods, a scale-down while one was busy, no attempt interrupted, a queue
that ends empty, playable files.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from dev.demo_page import write_page
from dev.demo_story import Look, Story, Video
from dev.demo_target import Target
from dev.demo_view import View, picture
from dev.errors import DevError
from dev.exports import Exports
from dev.places import CHECKOUT
from dev.steps import run, say, step
from dev.waiting import wait_for

RECORDINGS = CHECKOUT / "tests" / "recordings"
TIMEOUT = 600.0  # seconds for all exports and the way back to zero
LOOK = 1.0  # seconds between two looks at the resource


@dataclass(frozen=True)
class Submission:
    """One export: which recording, which format, and options that make it long or short."""

    recording: str
    format: str
    options: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """As it is shown."""
        return f"{SHOWN[self.recording]}, as {self.format.upper()}"

    @property
    def file(self) -> str:
        """Name of the video."""
        return f"{self.recording}.{self.format}"


SHOWN = {
    "animations": "A page that moves all the time",
    "form": "Somebody books a journey",
    "text": "Writing of many languages",
    "shadow-dom": "Web components",
}
# One is much longer than the others, and larger where there are many cores, which costs time and no more segments. More
# pods run than it has segments. So the others end, pods become idle and go, while it goes on.
FEW_CORES = 4
LONG = ("--fps", "60", "--speed", "0.3", "--width", "1920", "--height", "1080")
LONG_ON_FEW_CORES = ("--fps", "50", "--speed", "0.3", "--width", "1280", "--height", "720")
SHORT = (
    Submission("form", "gif", ("--fps", "5", "--end", "12", "--width", "640", "--height", "360")),
    Submission("text", "webm", ("--end", "6", "--width", "640", "--height", "360")),
    Submission("shadow-dom", "mp4", ("--end", "6", "--width", "640", "--height", "360")),
)


def list_submissions(cores: int | None) -> tuple[Submission, ...]:
    """Return what is exported by so many cores; None where nobody knows, as in somebody's cluster."""
    few = cores is not None and cores <= FEW_CORES
    return (Submission("animations", "mp4", LONG_ON_FEW_CORES if few else LONG), *SHORT)


def demonstrate(target: Target, folder: Path) -> Path:
    """Run the demo; return the page with its videos.

    Args:
        target: the cluster.
        folder: where the page and the videos go; what a former run left there is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    target.prepare()
    submissions = list_submissions(target.cores)
    with ThreadPoolExecutor(len(submissions)) as pool, target.exports() as exports:
        installed = pool.submit(_install, target)
        if target.cores is None:
            installed.result()  # what goes wrong in somebody's cluster leaves no exports in somebody's Temporal
        names = pool.map(lambda submission: _submit(target, submission), submissions)
        submitted = dict(zip(submissions, names, strict=True))
        installed.result()
        if target.temporal_ui:
            say(f"the exports in the Temporal UI: {target.temporal_ui}")
        with step(f"{len(submitted)} exports, one slot a pod"):
            story = _follow(target, exports, submitted)
        _check(story, exports, submitted)
        videos = list(pool.map(lambda each: _download(target, each[0], each[1], folder), submitted.items()))
    say(f"{story.most_pods} pods at once; scaled down {', '.join(story.shrank_while_busy)} while work went on")
    (folder / "terminal.svg").write_text(picture([each.title for each in submitted], story), encoding="utf-8")
    return write_page(folder, story, videos, target.temporal_ui)


def _install(target: Target) -> None:
    """Install the operator and apply the example."""
    with step("The operator by its Helm chart"):
        target.install_operator()
    with step("kubectl apply -f examples/videoexportworker.yaml"):
        say(target.apply_example().strip().replace("\n", ", "))
        wait_for(lambda: target.condition("Ready") == "True", "the resource is Ready", 60)


def _submit(target: Target, submission: Submission) -> str:
    """Start an export with the command line; return its id."""
    recording = RECORDINGS / f"{submission.recording}.json.gz"
    command = ["video-export", "submit", str(recording), "--format", submission.format, *submission.options]
    export = run(command, environment=target.client_environment).strip()
    say(f"submitted {submission.title}: {export}")
    return export


def _follow(target: Target, exports: Exports, submitted: Mapping[Submission, str]) -> Story:
    """Show the resource whenever it changes until all exports are done and the Deployment is at zero again."""
    story, running, began = Story(), dict(submitted), time.monotonic()
    view = View([submission.title for submission in submitted])
    with view.following():
        while True:
            at = time.monotonic() - began
            ended = [each for each, export in running.items() if _finished(target, exports, export)]
            for submission in ended:
                del running[submission]
                story.done.append((submission.title, at))
            status = target.look()
            news = story.add(Look(at, *target.size(), status.busy, status.backlog, len(running)))
            view.show(story, news, [submission.title for submission in ended])
            if not running and story.looks[-1].wanted == 0 and not target.pods():
                return story
            if at > TIMEOUT:
                left = [submission.title for submission in running]
                raise DevError(f"not done within {TIMEOUT:g} s: {left}\n{target.diagnosis()}")
            time.sleep(LOOK)


def _finished(target: Target, exports: Exports, export: str) -> bool:
    """Whether the export completed; one that failed ends the demo."""
    status = exports.status(export)
    if status not in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
        raise DevError(f"export {export} ended as {status and status.name}:\n{target.diagnosis()}")
    return status is WorkflowExecutionStatus.COMPLETED


def _check(story: Story, exports: Exports, submitted: Mapping[Submission, str]) -> None:
    """Hold what was shown to what was promised."""
    problems = []
    if story.most_pods < 2:
        problems.append(f"only {story.most_pods} pod was ready at once, several were needed")
    if not story.shrank_while_busy:
        problems.append("no scale-down happened while an export still ran")
    for submission, export in submitted.items():
        attempts = exports.attempts(export)
        if max(attempts) > 1:
            problems.append(f"{submission.title}: activities needed several attempts: {attempts}")
    if problems:
        raise DevError("The demo did not show what it should:\n" + "\n".join(problems))
    say("no attempt was interrupted")


def _download(target: Target, submission: Submission, export: str, folder: Path) -> Video:
    """Fetch the video with the command line, and name it by what it shows."""
    goal = folder / export
    run(["video-export", "result", export, "--download", str(goal)], environment=target.client_environment)
    videos = [file for file in goal.rglob("*") if file.suffix in (".mp4", ".webm", ".gif")]
    if len(videos) != 1:
        raise DevError(f"export {export} gave {len(videos)} videos: {list(goal.rglob('*'))}")
    path = videos[0].rename(folder / submission.file)
    shutil.rmtree(goal)
    return Video(submission.title, path, *_describe(path))


def _describe(video: Path) -> tuple[str, float]:
    """Return codec, size and length as ffprobe reads them, and the seconds; what cannot be played ends the demo."""
    entries = "stream=codec_name,width,height:format=duration,size"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", str(video)]
    found: dict[str, Any] = json.loads(run(command))
    stream, container = found["streams"][0], found["format"]
    length, size = float(container["duration"]), int(container["size"]) / 1e6
    return f"{stream['codec_name']}, {stream['width']}x{stream['height']}, {length:.1f} s, {size:.2f} MB", length
