"""The product's main job, shown: recordings are submitted, pods come, videos are made, pods go.

Every step says what it does and how long it took. It fails if what it shows is not true: several pods, a scale-down
while one was busy, no attempt interrupted, a queue that ends empty, playable files.
"""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.demo_target import NAME, Target
from dev.errors import DevError
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
    Submission("animations", "mp4", ("--fps", "50", "--width", "1280", "--height", "720")),
    Submission("form", "gif", ("--fps", "10", "--width", "640", "--height", "360")),
    Submission("text", "webm", ("--width", "640", "--height", "360")),
    Submission("shadow-dom", "mp4", ("--width", "640", "--height", "360")),
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
    with ThreadPoolExecutor(len(SUBMISSIONS)) as pool:
        submitted = pool.map(lambda submission: _submit(target, submission), SUBMISSIONS)
        exports = dict(zip(SUBMISSIONS, submitted, strict=True))
    with step(f"{len(exports)} exports, one slot a pod"):
        seen = _follow(target, exports)
    say(f"After:\n{target.table()}")
    _check(seen, target, exports)
    videos = [_download(target, export, folder) for export in exports.values()]
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


def _follow(target: Target, exports: dict[Submission, str]) -> Seen:
    """Show the resource whenever it changes until all exports are done and the Deployment is at zero again."""
    seen, pending, shown = Seen(), dict(exports), ""
    deadline = time.monotonic() + TIMEOUT
    before = 0
    while True:
        replicas, ready = target.size()
        table = target.table()
        now_pending = {submission: export for submission, export in pending.items() if not _finished(target, export)}
        for submission in pending.keys() - now_pending.keys():
            say(f"done: {submission.title}")
        if replicas < before and now_pending:
            seen.shrank_while_busy.append(f"from {before} to {replicas} pods")
            say(f"scaled down from {before} to {replicas} while {len(now_pending)} still ran")
        pending, before = now_pending, replicas
        seen.most_pods = max(seen.most_pods, ready)
        row = f"{_without_age(table)} {replicas} {ready}"
        if row != shown:
            shown = row
            say(f"Deployment {replicas} wanted, {ready} ready\n{table}")
        if not pending and replicas == 0 and not target.pods():
            return seen
        if time.monotonic() > deadline:
            raise DevError(f"not done within {TIMEOUT:g} s: {[s.title for s in pending]}\n{target.diagnosis()}")
        time.sleep(LOOK)


def _finished(target: Target, export: str) -> bool:
    """Whether the export completed; one that failed ends the demo."""
    described = json.loads(target.temporal_cli("workflow", "describe", "--workflow-id", export, "--output", "json"))
    status = str(described["workflowExecutionInfo"]["status"]).removeprefix("WORKFLOW_EXECUTION_STATUS_")
    if status not in ("RUNNING", "COMPLETED"):
        shown = target.temporal_cli("workflow", "show", "--workflow-id", export)
        raise DevError(f"export {export} ended as {status}:\n{shown}\n{target.diagnosis()}")
    return status == "COMPLETED"


def _check(seen: Seen, target: Target, exports: dict[Submission, str]) -> None:
    """Hold what was shown to what was promised."""
    problems = []
    if seen.most_pods < 2:
        problems.append(f"only {seen.most_pods} pod was ready at once, several were needed")
    if not seen.shrank_while_busy:
        problems.append("no scale-down happened while an export still ran")
    for submission, export in exports.items():
        problems += [f"{submission.title}: {what}" for what in _interruptions(target, export)]
    if problems:
        raise DevError("The demo did not show what it should:\n" + "\n".join(problems))
    say(
        f"{seen.most_pods} pods at once; scaled down {'; '.join(seen.shrank_while_busy)} while work went on; "
        "every attempt was the first and the last"
    )


def _interruptions(target: Target, export: str) -> list[str]:
    """Return the activities of an export that needed more than one attempt."""
    history = json.loads(target.temporal_cli("workflow", "show", "--workflow-id", export, "--output", "json"))
    started = (event.get("activityTaskStartedEventAttributes") for event in history["events"])
    return [f"attempt {one['attempt']} after {one.get('lastFailure')}" for one in started if one and one["attempt"] > 1]


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
