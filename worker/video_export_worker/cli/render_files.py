"""The files of `render`: which recordings it reads, which videos it writes, checked before any work begins."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from video_export_worker.contract import VideoFormat

STDIN = "-"


def choose_outputs(recordings: Sequence[str], outputs: Sequence[Path], formats: Sequence[str]) -> tuple[Path, ...]:
    """Return the files to write: those that were named, or the recording's name with a suffix for each format.

    Raises:
        click.UsageError: names and formats do not fit together.
    """
    if outputs and formats:
        raise click.UsageError("give either --output, whose suffix names the format, or --format, not both")
    if outputs:
        return tuple(outputs)
    stem = "recording" if recordings[0] == STDIN else Path(recordings[0]).name.split(".")[0] or "recording"
    return tuple(Path(f"{stem}.{name}") for name in formats or [VideoFormat.MP4.value])


def formats_of(outputs: Sequence[Path]) -> list[VideoFormat]:
    """Return the formats that the files' suffixes name. Raises click.UsageError for any other suffix."""
    known = ", ".join(f".{name}" for name in VideoFormat)
    formats = []
    for path in outputs:
        suffix = path.suffix.removeprefix(".").lower()
        if suffix not in list(VideoFormat):
            raise click.UsageError(f"{path}: the suffix names the format and must be one of {known}")
        formats.append(VideoFormat(suffix))
    return formats


def check_outputs(recordings: Sequence[str], outputs: Sequence[Path], force: bool) -> None:
    """Refuse files that could not be written at the end.

    Raises:
        click.UsageError: one exists, is a folder, is a recording, is named twice, or its folder cannot be written.
    """
    sources = {Path(name).resolve() for name in recordings if name != STDIN}
    for number, path in enumerate(outputs):
        if path.resolve() in sources:
            raise click.UsageError(f"{path} is the recording itself: choose another name")
        if path in outputs[:number]:
            raise click.UsageError(f"{path} is named twice")
        if path.is_dir():
            raise click.UsageError(f"{path} is a folder: name a file in it, such as {path / 'video.mp4'}")
        if path.exists() and not force:
            raise click.UsageError(f"{path} exists: choose another name or give --force")
        _check_folder(path)


def _check_folder(path: Path) -> None:
    """Refuse a folder in which nothing can be written; one that does not exist is made at the end."""
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise click.UsageError(f"{path} cannot be written: {folder} is no folder")
    # A file system such as /proc calls its folders writable, and is not.
    if not os.access(folder, os.W_OK | os.X_OK) or os.statvfs(folder).f_blocks == 0:
        raise click.UsageError(f"{path} cannot be written: this user may not write to {folder}")


def find_recordings(recordings: Sequence[str], folder: Path) -> list[Path]:
    """Return the recordings' files; the standard input is copied into the folder first.

    Raises:
        click.UsageError: there is no such file, or the standard input is named twice.
    """
    if recordings.count(STDIN) > 1:
        raise click.UsageError("- is the standard input, which can be read once")
    missing = [name for name in recordings if name != STDIN and not Path(name).exists()]
    if missing:
        raise click.UsageError(explain_missing(missing[0]))
    folders = [name for name in recordings if name != STDIN and Path(name).is_dir()]
    if folders:
        raise click.UsageError(f"{folders[0]} is a folder: name the recording's files, in order")
    return [_keep_stdin(folder / "stdin") if name == STDIN else Path(name) for name in recordings]


def explain_missing(name: str) -> str:
    """Return what to do about a recording that is no file of this machine."""
    if "://" in name:
        return f"{name} is no file of this machine: download it, or export it where it is: video-export submit {name}"
    return f"there is no file {name}: give a recording's path, or - for the standard input"


def _keep_stdin(target: Path) -> Path:
    with target.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return target


def publish(source: Path, target: Path) -> None:
    """Move a finished file to its place; under the final name it is never half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
