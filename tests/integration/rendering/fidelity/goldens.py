"""Pictures that were looked at, and with what they were made.

Another Chromium, other fonts or another distribution draw a little differently: there they are compared loosely, and
with the very same ones to the pixel.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from video_export_worker.replay.settings import ChromiumSettings

Picture = NDArray[np.uint8]  # height x width x 4, BGRA
FOLDER = Path(__file__).parent / "goldens"
MADE_WITH = FOLDER / "made-with.json"
GAP = 4  # pixels between the frames of a golden
# Elsewhere at most this share of the pixels may differ by more than this much, of 255, in any channel.
LOOSE_SHARE, LOOSE_LEVELS = 0.10, 64


def strip(frames: list[Picture]) -> Picture:
    """Frames side by side, grey between them."""
    gap = np.full((frames[0].shape[0], GAP, frames[0].shape[2]), 128, np.uint8)
    parts = [part for frame in frames for part in (gap, frame)][1:]
    return np.concatenate(parts, axis=1)


def find_difference(made: Picture, golden: Picture, *, exact: bool) -> str | None:
    """Say how the two differ, or None if they are the same as far as they can be."""
    if made.shape != golden.shape:
        return f"{made.shape[1]}x{made.shape[0]} pixels instead of {golden.shape[1]}x{golden.shape[0]}"
    levels = np.abs(made[..., :3].astype(int) - golden[..., :3]).max(axis=2)
    off = levels > (0 if exact else LOOSE_LEVELS)
    if off.mean() <= (0 if exact else LOOSE_SHARE):
        return None
    rows, columns = np.nonzero(off)
    return f"{off.sum()} pixels differ, in x {columns.min()}-{columns.max()}, y {rows.min()}-{rows.max()}"


def environment(chromium: ChromiumSettings) -> dict[str, str]:
    """What pictures depend on besides the project."""
    fonts = {family: _run("fc-match", family) for family in ("sans-serif", "serif", "monospace", "emoji")}
    every = sorted(_run("fc-list", "--format", "%{family}|%{style}|%{fontversion}\n").splitlines())
    return {
        "chromium": _run(chromium.find_executable(), "--version"),
        "distribution": platform.freedesktop_os_release()["PRETTY_NAME"],
        "machine": platform.machine(),
        **{f"font {family}": font for family, font in fonts.items()},
        "fonts": f"{len(every)}, sha256 {hashlib.sha256(chr(10).join(every).encode()).hexdigest()[:16]}",
    }


def recorded_environment() -> dict[str, str]:
    made: dict[str, str] = json.loads(MADE_WITH.read_text())
    return made


def write_environment(chromium: ChromiumSettings) -> None:
    FOLDER.mkdir(exist_ok=True)
    MADE_WITH.write_text(json.dumps(environment(chromium), indent=2) + "\n")


def path_of(feature: str) -> Path:
    return FOLDER / f"{feature.replace(' ', '-')}.png"


def read_picture(path: Path) -> Picture:
    with av.open(str(path)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="bgra"), np.uint8)


def write_picture(path: Path, picture: Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgra").reformat(format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
