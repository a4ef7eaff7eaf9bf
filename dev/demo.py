"""The product's main job, shown: recordings are submitted, pods come, videos are made, pods go.

It fails if what it shows is not true: several pods, a scale-down while one was busy, no attempt interrupted, a queue
that ends empty, playable files.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from dev.demo_page import make_storyboard, write_page
from dev.demo_story import Look, Story, Video
from dev.demo_target import Target
from dev.demo_view import View, picture
from dev.errors import DevError, NotReadyError
from dev.exports import Exports
from dev.places import CHECKOUT
from dev.steps import run, say, step
from dev.waiting import wait_for

RECORDINGS = CHECKOUT / "tests" / "recordings"
INSTALL_TIMEOUT = 180.0  # seconds until the operator has been pulled, started and has seen the resource
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
# One is much longer than the others, and larger where there are many cores, which costs time and no more segments. So
# the others end, pods become idle and go, while it goes on. That takes the time of a heartbeat and a poll, however fast
# the machine is: on two cores, where this export is most of the demo, it has as many frames as the cores are fast.
FEW_CORES = 4
TWO_CORES = 2
LONG = ("--fps", "60", "--speed", "0.3", "--width", "1920", "--height", "1080")
LONG_ON_FEW_CORES = ("--fps", "50", "--speed", "0.3", "--width", "1280", "--height", "720")
LONG_ON_TWO_CORES = ("--speed", "0.5", "--width", "1280", "--height", "720")
FRAME_RATE, MOST_FRAMES = 25, 60  # a second on a core of speed 1.0, and on any
STEPS, STEPS_TAKE = 500_000, 0.05  # seconds on the core that is 1.0
SHORT = (
    Submission("form", "gif", ("--fps", "5", "--end", "12", "--width", "640", "--height", "360")),
    Submission("text", "webm", ("--end", "6", "--width", "640", "--height", "360")),
    Submission("shadow-dom", "mp4", ("--end", "6", "--width", "640", "--height", "360")),
)


def list_submissions(cores: int | None, speed: float = 1.0) -> tuple[Submission, ...]:
    """Return what is exported by so many cores of this speed; None where nobody knows, as in somebody's cluster."""
    long = LONG
    if cores is not None and cores <= TWO_CORES:
        long = ("--fps", str(min(MOST_FRAMES, max(FRAME_RATE, round(FRAME_RATE * speed)))), *LONG_ON_TWO_CORES)
    elif cores is not None and cores <= FEW_CORES:
        long = LONG_ON_FEW_CORES
    return (Submission("animations", "mp4", long), *SHORT)


def measure_core() -> float:
    """Return how fast a core is, whatever else runs on it."""
    began = time.process_time()
    sum(number * number for number in range(STEPS))
    return STEPS_TAKE / (time.process_time() - began)


def demonstrate(target: Target, folder: Path) -> Path:
    """Run the demo; return the page with its videos.

    Args:
        target: the cluster.
        folder: where the page and the videos go; what a former run left there is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    submissions = list_submissions(target.cores, measure_core())
    with ThreadPoolExecutor(len(submissions) + 1) as pool:
        with target.starting():
            installed = pool.submit(_install, target)
            if target.cores is None:
                installed.result()  # what goes wrong in somebody's cluster leaves no exports in somebody's Temporal
                _wait_until_ready(target)
            names = pool.map(lambda submission: _submit(target, submission), submissions)
        submitted = dict(zip(submissions, names, strict=True))
        installed.result()
        _wait_until_ready(target)
        if target.temporal_ui:
            say(f"the exports in the Temporal UI: {target.temporal_ui}")
        downloads: dict[Submission, Future[tuple[Video, Path]]] = {}

        def download(submission: Submission) -> None:
            downloads[submission] = pool.submit(_download, target, submission, submitted[submission], folder)

        with target.exports() as exports:
            with step(f"{len(submitted)} exports, one slot a pod"):
                story = _follow(target, exports, submitted, download)
            _check(story, exports, submitted)
        boards = dict(downloads[submission].result() for submission in submitted)
    say(f"{story.most_pods} pods at once; scaled down {', '.join(story.shrank_while_busy)} while work went on")
    (folder / "terminal.svg").write_text(picture([each.title for each in submitted], story), encoding="utf-8")
    return write_page(folder, story, boards, target.temporal_ui)


def _install(target: Target) -> None:
    """Install the operator, and apply the example, which the operator finds when it has started."""
    with step("The operator by its Helm chart"):
        target.install_operator()
    with step("kubectl apply -f examples/videoexportworker.yaml"):
        say(target.apply_example().strip().replace("\n", ", "))


def _wait_until_ready(target: Target) -> None:
    """Wait until the operator works and has found nothing wrong with the example."""
    with step("The resource is Ready"):
        try:
            wait_for(lambda: target.condition("Ready") == "True", "the resource is Ready", INSTALL_TIMEOUT, LOOK / 2)
        except NotReadyError as error:
            raise DevError(f"{error}\n{target.diagnosis()}") from error


def _submit(target: Target, submission: Submission) -> str:
    """Start an export with the command line; return its id."""
    recording = RECORDINGS / f"{submission.recording}.json.gz"
    command = ["video-export", "submit", str(recording), "--format", submission.format, *submission.options]
    export = run(command, environment=target.client_environment).strip()
    say(f"submitted {submission.title}: {export}")
    return export


def _follow(
    target: Target, exports: Exports, submitted: Mapping[Submission, str], ended_one: Callable[[Submission], None]
) -> Story:
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
                ended_one(submission)
            seen = target.look()
            news = story.add(Look(at, seen.wanted, seen.ready, seen.busy, seen.backlog, len(running)))
            view.show(story, news, [submission.title for submission in ended])
            if not running and (seen.wanted, seen.ready) == (0, 0):
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


def _download(target: Target, submission: Submission, export: str, folder: Path) -> tuple[Video, Path]:
    """Fetch the video with the command line, name it by what it shows, and return it with its storyboard."""
    goal = folder / export
    run(["video-export", "result", export, "--download", str(goal)], environment=target.client_environment)
    videos = [file for file in goal.rglob("*") if file.suffix in (".mp4", ".webm", ".gif")]
    if len(videos) != 1:
        raise DevError(f"export {export} gave {len(videos)} videos: {list(goal.rglob('*'))}")
    path = videos[0].rename(folder / submission.file)
    shutil.rmtree(goal)
    video = Video(submission.title, path, *_describe(path))
    return video, make_storyboard(video)


def _describe(video: Path) -> tuple[str, float]:
    """Return codec, size and length as ffprobe reads them, and the seconds; what cannot be played ends the demo."""
    entries = "stream=codec_name,width,height:format=duration,size"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", str(video)]
    found: dict[str, Any] = json.loads(run(command))
    stream, container = found["streams"][0], found["format"]
    length, size = float(container["duration"]), int(container["size"]) / 1e6
    return f"{stream['codec_name']}, {stream['width']}x{stream['height']}, {length:.1f} s, {size:.2f} MB", length
