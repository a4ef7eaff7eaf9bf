"""What planning a huge recording takes: memory, time and disk. `python -m benchmarks.rendering.planning [MiB]`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rendering.huge import write_huge
from video_export_worker.contract import parse_request
from video_export_worker.pipeline import plan_export
from video_export_worker.recording import INDEX_NAME, RecordingLimits, load_index

MIB = 2**20


def measure(mebibytes: int) -> dict[str, Any]:
    """Plan a recording of so many MiB of JSON."""
    with tempfile.TemporaryDirectory() as name:
        source, artefact = Path(name) / "recording.json.zst", Path(name) / "artefact"
        artefact.mkdir()
        write_huge(source, mebibytes * MIB)
        before = _peak()
        began, cpu = time.monotonic(), time.process_time()
        limits = RecordingLimits(decompressed_bytes=2 * mebibytes * MIB)
        request = parse_request({"recording": "file:///a", "skip_inactivity": {}})
        plan = asyncio.run(plan_export([source], request, artefact, limits=limits))
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        index = load_index(artefact / INDEX_NAME)
        return {
            "MiB": mebibytes,
            "hours": round(index.duration_ms / 3.6e6, 2),
            "events": len(index),
            "chunks": index.chunks,
            "segments": len(plan.segments),
            "seconds": round(seconds, 1),
            "CPU seconds": round(cpu, 1),
            "peak MiB": round(_peak()),
            "peak MiB before": round(before),
            "index MiB": round((artefact / INDEX_NAME).stat().st_size / MIB, 2),
        }


def _peak() -> float:
    """MiB of this process, at most until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1024), indent=2))
