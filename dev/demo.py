"""The product's main job, shown: recordings are submitted, pods come, videos are made, pods go.

Every step says what it does and how long it took. It fails if what it shows is not true: several pods, a scale-down
while one was busy, no attempt interrupted, a queue that ends empty, playable files.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from dev.demo_target import NAME, Target
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
        return f"{self.recording} as {self.format.upper()}"


# The first is much longer than the others: they end, pods become idle and go, while it goes on.
SUBMISSIONS = (
    Submission("animations", "mp4", ("--fps", "60", "--speed", "0.4", "--width", "1280", "--height", "720")),
    Submission("form", "gif", ("--fps", "5", "--end", "20", "--width", "640", "--height", "360")),
    Submission("text", "webm", ("--end", "10", "--width", "640", "--height", "360")),
    Submission("shadow-dom", "mp4", ("--end", "10", "--width", "640", "--height", "360")),
)


@dataclass
class Seen:
    """What was observed while the exports ran."""

    most_pods: int = 0
    shrank_while_busy: list[str] = field(default_factory=list)


def demonstrate(target: Target, folder: Path) -> list[Path]:
    """Run the demo; return the videos.

    Args:
        target: the cluster.
        folder: where the videos go; what a former run left there is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    target.prepare()
    with step("The operator by its Helm chart"):
        target.install_operator()
    with step("kubectl apply -f examples/videoexportworker.yaml"):
        say(target.apply_example().strip().replace("\n", ", "))
        wait_for(lambda: target.condition("Ready") == "True", "the resource is Ready", 60)
    say(f"Before:\n{target.table()}")
    with ThreadPoolExecutor(len(SUBMISSIONS)) as pool, target.exports() as exports:
        names = pool.map(lambda submission: _submit(target, submission), SUBMISSIONS)
        submitted = dict(zip(SUBMISSIONS, names, strict=True))
        with step(f"{len(submitted)} exports, one slot a pod"):
            seen = _follow(target, exports, submitted)
        say(f"After:\n{target.table()}")
        _check(seen, exports, submitted)
        videos = list(pool.map(lambda export: _download(target, export, folder), submitted.values()))
    for video in videos:
        say(f"{_describe(video)}  {video}")
    return videos


def _submit(target: Target, submission: Submission) -> str:
    """Start an export with the command line; return its id."""
    recording = RECORDINGS / f"{submission.recording}.json.gz"
    command = ["video-export", "submit", str(recording), "--format", submission.format, *submission.options]
    export = run(command, environment=target.client_environment).strip()
    say(f"submitted {submission.title}: {export}")
    return export


def _follow(target: Target, exports: Exports, submitted: Mapping[Submission, str]) -> Seen:
    """Show the resource whenever it changes until all exports are done and the Deployment is at zero again."""
    seen, running, shown, before = Seen(), dict(submitted), "", 0
    deadline = time.monotonic() + TIMEOUT
    while True:
        table = target.table()
        replicas, ready = target.size()
        for submission in [each for each, export in running.items() if _finished(target, exports, export)]:
            del running[submission]
            say(f"done: {submission.title}")
        if replicas < before and running:
            seen.shrank_while_busy.append(f"from {before} to {replicas}")
            say(f"scaled down from {before} to {replicas} while {len(running)} still ran")
        seen.most_pods, before = max(seen.most_pods, ready), replicas
        row = f"{_without_age(table)} {replicas} {ready}"
        if row != shown:
            shown = row
            say(f"Deployment: {replicas} wanted, {ready} ready\n{table}")
        if not running and replicas == 0 and not target.pods():
            return seen
        if time.monotonic() > deadline:
            raise DevError(f"not done within {TIMEOUT:g} s: {[s.title for s in running]}\n{target.diagnosis()}")
        time.sleep(LOOK)


def _finished(target: Target, exports: Exports, export: str) -> bool:
    """Whether the export completed; one that failed ends the demo."""
    status = exports.status(export)
    if status not in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
        raise DevError(f"export {export} ended as {status and status.name}:\n{target.diagnosis()}")
    return status is WorkflowExecutionStatus.COMPLETED


def _check(seen: Seen, exports: Exports, submitted: Mapping[Submission, str]) -> None:
    """Hold what was shown to what was promised."""
    problems = []
    if seen.most_pods < 2:
        problems.append(f"only {seen.most_pods} pod was ready at once, several were needed")
    if not seen.shrank_while_busy:
        problems.append("no scale-down happened while an export still ran")
    for submission, export in submitted.items():
        attempts = exports.attempts(export)
        if max(attempts) > 1:
            problems.append(f"{submission.title}: activities needed several attempts: {attempts}")
    if problems:
        raise DevError("The demo did not show what it should:\n" + "\n".join(problems))
    shrank = ", ".join(seen.shrank_while_busy)
    say(f"{seen.most_pods} pods at once; scaled down {shrank} while work went on; no attempt was interrupted")


def _download(target: Target, export: str, folder: Path) -> Path:
    """Fetch the video with the command line."""
    goal = folder / export
    run(["video-export", "result", export, "--download", str(goal)], environment=target.client_environment)
    videos = [file for file in goal.rglob("*") if file.suffix in (".mp4", ".webm", ".gif")]
    if len(videos) != 1:
        raise DevError(f"export {export} gave {len(videos)} videos: {list(goal.rglob('*'))}")
    return videos[0]


def _describe(video: Path) -> str:
    """Return codec, size and length as ffprobe reads them: a file that cannot be played ends the demo."""
    entries = "stream=codec_name,width,height:format=duration,size"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", str(video)]
    found: dict[str, Any] = json.loads(run(command))
    stream, container = found["streams"][0], found["format"]
    length, size = float(container["duration"]), int(container["size"]) / 1e6
    return f"{stream['codec_name']:5} {stream['width']}x{stream['height']} {length:5.1f} s {size:5.2f} MB"


def _without_age(table: str) -> str:
    return "\n".join(line.rsplit(maxsplit=1)[0] for line in table.splitlines() if NAME in line)
