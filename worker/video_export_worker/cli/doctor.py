"""`video-export doctor`: what this machine is missing to render, to work and to submit, and how to get it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Final

import click

from video_export_worker.errors import RenderFailed, VideoExportError

# Scripts that recordings commonly show, as fontconfig asks for them, and the Debian package that has them.
FONTS: Final = {
    "Latin": (":lang=en", "fonts-noto-core"),
    "Chinese": (":lang=zh", "fonts-noto-cjk"),
    "Japanese": (":lang=ja", "fonts-noto-cjk"),
    "Korean": (":lang=ko", "fonts-noto-cjk"),
    "Arabic": (":lang=ar", "fonts-noto-core"),
    "Hebrew": (":lang=he", "fonts-noto-core"),
    "Hindi": (":lang=hi", "fonts-noto-core"),
    "Thai": (":lang=th", "fonts-noto-core"),
    "emoji": (":charset=1f600:color=true", "fonts-noto-color-emoji"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is as it should be.
        detail: what was found.
        advice: what to do if it is not ok.
        needed: whether nothing works without it; the others are worth a warning.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""
    needed: bool = True

    @property
    def mark(self) -> str:
        """`ok`, `missing` or `warning`."""
        return "ok" if self.ok else "missing" if self.needed else "warning"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor_command(as_json: bool) -> None:
    """Check Chromium, ffmpeg, fonts, Temporal and the storage.

    Temporal and the storage are needed as soon as TEMPORAL_ADDRESS and VIDEO_EXPORT_STORAGE_URI name them. Ends with
    1 if something needed is missing.
    """
    findings = asyncio.run(examine())
    if as_json:
        told = [{**asdict(finding), "mark": finding.mark} for finding in findings]
        click.echo(json.dumps({"findings": told}, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.mark:8}{finding.name}: {finding.detail}")
            if not finding.ok and finding.advice:
                click.echo(f"{'':8}-> {finding.advice}")
    if any(not finding.ok and finding.needed for finding in findings):
        raise click.exceptions.Exit(1)


async def examine() -> list[Finding]:
    """Look at everything, side by side."""
    checks: list[Callable[[], Awaitable[list[Finding]]]] = [
        examine_chromium,
        examine_ffmpeg,
        examine_fonts,
        examine_temporal,
        examine_storage,
    ]
    found = await asyncio.gather(*(check() for check in checks))
    return [finding for group in found for finding in group]


async def examine_chromium() -> list[Finding]:
    """Start the browser, load the replay page, and have it paint on demand; tell how its frames are captured."""
    from video_export_worker.capture.captures import MemoryCapture, open_capture
    from video_export_worker.replay.browser import open_page
    from video_export_worker.replay.page import Stage
    from video_export_worker.replay.protection import OFF, ON, is_sandboxed
    from video_export_worker.replay.settings import ChromiumSettings

    advice = "install Debian's chromium-headless-shell, or set VIDEO_EXPORT_CHROMIUM to one"
    if sys.platform != "linux":
        advice = "Chromium has begin-frame control on Linux only: use the worker's container image"

    async def paint() -> str:
        async with (
            open_page(settings, Stage(320, 240)) as page,
            open_capture(page, 320, 240, settings.capture) as capture,
        ):
            how = "read from its memory" if isinstance(capture, MemoryCapture) else "captured by screenshots (slower)"
            renderer = await page.devtools.find_process("renderer")
            await page.screenshot()  # a frame that is begun and painted, or an error
            sandbox = ON if renderer is not None and is_sandboxed(renderer) else OFF
            return f"frames on demand, {how}; {sandbox}"

    try:
        settings = ChromiumSettings.from_environment(os.environ)
    except ValueError as error:
        return [Finding("Chromium", False, str(error))]
    try:
        path = settings.find_executable()
        try:
            remark = await paint()
        except RenderFailed as error:  # a render starts another browser, too
            remark = await paint() + f", at the second try ({error})"
        version = (await _run(path, "--version")).strip().splitlines()[-1]
    except (VideoExportError, OSError) as error:
        return [Finding("Chromium", False, str(error), advice)]
    return [Finding("Chromium", True, f"{version} at {path}, {remark}", advice)]


async def examine_ffmpeg() -> list[Finding]:
    """Look for the encoders in PyAV, and for ffmpeg and ffprobe."""
    return [_examine_encoders(), await _examine_programs()]


def _examine_encoders() -> Finding:
    import av

    from video_export_worker.encoding import PARTS

    wanted = [part.encoder for part in PARTS.values()]
    lacking = [name for name in wanted if name not in av.codec.codecs_available]
    detail = f"PyAV {av.__version__} " + (f"lacks {', '.join(lacking)}" if lacking else f"with {', '.join(wanted)}")
    return Finding("encoders", not lacking, detail, "install PyAV's own wheel: pip install --only-binary :all: av")


async def _examine_programs() -> Finding:
    advice = "install Debian's ffmpeg"
    missing = [program for program in ("ffmpeg", "ffprobe") if shutil.which(program) is None]
    if missing:
        return Finding("ffmpeg", False, f"no {' and no '.join(missing)} on PATH", advice)
    return Finding("ffmpeg", True, (await _run("ffmpeg", "-version")).split(" Copyright")[0])


async def examine_fonts() -> list[Finding]:
    """Look for a font of each script; without one a video shows boxes."""
    if shutil.which("fc-list") is None:
        return [Finding("fonts", False, "no fc-list on PATH: cannot look", "install Debian's fontconfig", needed=False)]
    lacking = {name: package for name, (ask, package) in FONTS.items() if not await _run("fc-list", ask, "family")}
    if not lacking:
        return [Finding("fonts", True, ", ".join(FONTS))]
    advice = f"install Debian's {', '.join(sorted(set(lacking.values())))}"
    return [Finding("fonts", False, f"none for {', '.join(lacking)}: videos show boxes", advice, needed=False)]


async def examine_temporal() -> list[Finding]:
    """Connect as every other command does."""
    from video_export_worker.cli.connection import TemporalUnreachable, connect, read_temporal_settings
    from video_export_worker.cli.settings import InvalidSettings

    needed = "TEMPORAL_ADDRESS" in os.environ
    advice = "`temporal server start-dev` starts one here; `render` needs none"
    try:
        settings = read_temporal_settings(os.environ)
        await connect(settings)
    except (TemporalUnreachable, InvalidSettings) as error:
        return [Finding("Temporal", False, str(error), advice, needed=needed)]
    return [Finding("Temporal", True, f"{settings.address}, namespace {settings.namespace}")]


async def examine_storage() -> list[Finding]:
    """Write, read and delete an object, as a worker does."""
    from video_export_worker.storage import Storage, join_uri

    root = os.environ.get("VIDEO_EXPORT_STORAGE_URI")
    if not root:
        advice = "set it to the workers' storage, such as s3://bucket/prefix; `render` needs none"
        return [Finding("storage", False, "VIDEO_EXPORT_STORAGE_URI is not set", advice, needed=False)]
    prefix = join_uri(root, "doctor", uuid.uuid4().hex)
    try:
        storage = Storage(root)
        await storage.write(b"probe", join_uri(prefix, "probe"))
        read = await storage.read(join_uri(prefix, "probe"))
        await storage.delete(prefix)
    except VideoExportError as error:
        return [Finding("storage", False, f"{error.code}: {error}", "see the message")]
    return [Finding("storage", read == b"probe", f"{root} can be written, read and deleted")]


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace")
