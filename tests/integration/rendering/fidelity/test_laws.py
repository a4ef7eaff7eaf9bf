"""Laws of the renderer, on recordings that nobody thought of: no frame that differs is skipped, and none is otherwise.

By screenshots: whether frames read from memory are the same is a question of its own (`FIDELITY_CAPTURE=auto`).
A few examples, always the same ones; `FIDELITY_EXAMPLES=200 pytest .../test_laws.py` tries that many, other ones each
time, and shrinks what it finds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.rendering.fidelity.gallery import Feature, tour
from tests.integration.rendering.fidelity.generated import LENGTH_MS, build, pages
from tests.integration.rendering.fidelity.views import by_product, by_reference, lay_out, list_differences, look
from tests.snapshots import Page
from video_export_worker.contract import Mouse
from video_export_worker.recording import Recording
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings
from video_export_worker.replay.steps import StepPlanner

EXAMPLES = int(os.environ.get("FIDELITY_EXAMPLES", "0"))
CAPTURE = CaptureMode(os.environ.get("FIDELITY_CAPTURE", CaptureMode.SCREENSHOT))
Script = list[tuple[str, int, int, Any]]

pytestmark = pytest.mark.timeout(120 + 60 * EXAMPLES)


def record(scripts: list[Script]) -> Recording:
    """One recording of pages that follow each other: a browser is dear, a page is cheap."""

    def shown(number: int, script: Script) -> Feature:
        def page(blank: Page) -> None:
            build(blank, script)

        page.__name__ = f"page_{number}"
        return Feature(page, (0,), LENGTH_MS)

    return tour([shown(number, script) for number, script in enumerate(scripts)]).recording


async def check(scripts: list[Script], fps: float, chromium: ChromiumSettings) -> None:
    recording = record(scripts)
    timeline = lay_out(recording, fps=fps)
    options = look(recording, size=(320, 200), mouse=Mouse(cursor=True))
    planned = await by_product(recording, timeline, options, chromium)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StepPlanner, "must_step", lambda self, at_ms, previous: True)
        stepped = await by_product(recording, timeline, options, chromium)
    skipped = [index for index, pair in enumerate(zip(planned, stepped, strict=True)) if not np.array_equal(*pair)]
    assert not skipped, f"frames that differ were skipped: {skipped}\n{json.dumps(scripts)}"
    differences = list_differences(planned, await by_reference(recording, timeline, options, chromium), timeline)
    assert not differences, "\n".join([*differences, json.dumps(scripts)])


def test_no_frame_that_differs_is_skipped_and_each_is_that_of_the_reference(chromium: ChromiumSettings) -> None:
    many = settings(
        max_examples=EXAMPLES or 2,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @many
    @given(
        scripts=st.lists(pages, min_size=1 if EXAMPLES else 5, max_size=5),
        fps=st.sampled_from((25, 29.97) if EXAMPLES else (8, 12.5)),
    )
    def holds(scripts: list[Script], fps: float) -> None:
        asyncio.run(check(scripts, fps, dataclasses.replace(chromium, capture=CAPTURE)))

    holds()
