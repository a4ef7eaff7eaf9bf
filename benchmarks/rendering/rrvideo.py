"""rrvideo itself, where it can be had: `RRVIDEO` names a command that takes a recording and the video's path.

It plays in real time, so only the begin of a recording is given to it.
`python -m benchmarks.rendering.rrvideo RECORDING OUTPUT`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.rendering.real_time import SECONDS
from video_export_worker.recording import parse_recording

COMMAND: Final = "RRVIDEO"
COUNT: Final = "ffprobe -v error -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0"


def record(source: Path, output: Path) -> dict[str, int]:
    """Have the first seconds made into a video; return how many frames it holds."""
    recording = parse_recording([source.read_bytes()])
    end = recording.events[0]["timestamp"] + SECONDS * 1000
    with tempfile.TemporaryDirectory() as folder:
        begin = Path(folder) / "recording.json"
        begin.write_text(json.dumps([event for event in recording.events if event["timestamp"] <= end]))
        subprocess.run([os.environ[COMMAND], str(begin), str(output)], check=True, stdout=sys.stderr)
    frames = int(subprocess.run([*COUNT.split(), str(output)], check=True, capture_output=True, text=True).stdout)
    return {"steps": frames, "captures": frames}


if __name__ == "__main__":
    print(json.dumps(record(Path(sys.argv[1]), Path(sys.argv[2]))))
