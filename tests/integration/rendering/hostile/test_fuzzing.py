"""Mutated and generated recordings: each becomes a video or ends with a typed error, within its time."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rendering.hostile.exporting import export
from tests.integration.rendering.hostile.kinds import generate
from tests.integration.rendering.hostile.mutations import mutate
from video_export_worker.errors import Internal, VideoExportError
from video_export_worker.replay.settings import ChromiumSettings

RECORDINGS = Path(__file__).parents[3] / "recordings"
SECONDS = float(os.environ.get("FUZZING_SECONDS", "60"))
FIRST_SEED = int(os.environ.get("FUZZING_SEED", "0"))
LIMIT = 120.0  # seconds of one export, of which most take one
NAMES = ("shadow-dom", "canvas", "animations", "resize", "text", "iframe")


@pytest.fixture(scope="module")
def recordings() -> list[list[dict[str, Any]]]:
    """The beginnings of real recordings."""
    return [json.loads(gzip.decompress((RECORDINGS / f"{name}.json.gz").read_bytes()))[:60] for name in NAMES]


@pytest.mark.timeout(SECONDS + 3 * LIMIT)
async def test_every_recording_ends_in_a_video_or_a_typed_error(
    recordings: list[list[dict[str, Any]]], chromium: ChromiumSettings, tmp_path: Path
) -> None:
    until = time.monotonic() + SECONDS
    endings: dict[int, str] = {}
    seed = FIRST_SEED
    while time.monotonic() < until:
        is_mutated = seed % 2 == 0
        events = mutate(recordings[seed // 2 % len(recordings)], seed) if is_mutated else generate(seed)
        text = json.dumps(events).encode()
        print(f"seed {seed}")  # shown if what follows fails
        try:
            async with asyncio.timeout(LIMIT):
                endings[seed] = f"{await export(text, tmp_path / str(seed), chromium, end=0.6, fps=10)} frames"
        except Internal as error:
            pytest.fail(f"seed {seed}: {error}")
        except VideoExportError as error:
            endings[seed] = f"{error.code}: {error}"
        seed += 1
    print(*(f"{seed}: {ending}" for seed, ending in endings.items()), sep="\n")
    assert any(ending.endswith("frames") for ending in endings.values()), endings
    # A fault of one event costs no export, so nothing of a page may end one with an error that is tried again.
    assert not [ending for ending in endings.values() if ending.startswith("RenderFailed")], endings
