"""`python -m tests.histories`: record the histories of this release, `tests/histories/<version>/*.json`.

To be run when a release is made, and before that when a change of the workflow is meant to be none for anybody yet.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from tests.integration.worker.answers import Answers
from tests.servers import running_temporal
from video_export_worker.activities.attempt import as_application_error
from video_export_worker.contract import SegmentInput
from video_export_worker.errors import RecordingTooHeavy, RendererDiffers, VideoExportError

FOLDER = Path(__file__).parent


def refuse(error: VideoExportError) -> ApplicationError:
    """What an activity raises that is not to be tried again."""
    return as_application_error(error, try_again=False)


def fail(given: SegmentInput) -> int:
    """A segment that ends the export."""
    raise refuse(RecordingTooHeavy("too heavy"))


def differ_once(given: SegmentInput) -> int:
    """A renderer that knows the second plan only."""
    if given.plan.digest.endswith("1"):
        raise refuse(RendererDiffers("another renderer"))
    return given.segment.count


def without_stack(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out where an error was raised."""
    return {key: held for key, held in value.items() if key != "stackTrace"}


async def record(client: Client, folder: Path) -> None:
    """Run exports that take each of the workflow's ways, and write what Temporal has kept of them."""
    exports = {
        "completed": Answers(segments=1),
        "more-segments-than-a-window": Answers(segments=130),
        "segments-with-a-rest": Answers(segments=3, render=lambda given: min(given.segment.count, 400)),
        "failed": Answers(segments=3, render=fail),
        "planned-anew": Answers(segments=2, render=differ_once),
        "cancelled": Answers(segments=2, hold=asyncio.Event()),
    }
    for name, answers in exports.items():
        async with answers.export(client) as export:
            if answers.hold is not None:
                while not answers.running:  # noqa: ASYNC110 - a few moments
                    await asyncio.sleep(0.05)
                await export.cancel()
            try:
                await export.result()
            except WorkflowFailureError as error:
                print(f"{name}: {error.cause!r:.100}")
            # Stacks name places of the machine that recorded them.
            history = json.loads((await export.fetch_history()).to_json(), object_hook=without_stack)
            (folder / f"{name}.json").write_text(json.dumps(history, separators=(",", ":")) + "\n")


async def main() -> None:
    """Record with a server of one's own."""
    folder = FOLDER / version("video-export")
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, running_temporal(Path(name)) as server:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter, identity="worker")
        await record(client, folder)


if __name__ == "__main__":
    asyncio.run(main())
