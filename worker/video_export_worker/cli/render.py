"""`video-export render`: a recording becomes a video on this machine, without Temporal."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from video_export_worker.cli.progress import ExportProgress
from video_export_worker.cli.render_files import check_outputs, choose_outputs, find_recordings, formats_of, publish
from video_export_worker.cli.request_files import file_option, read_drafts
from video_export_worker.cli.request_options import build_request, format_option, request_options
from video_export_worker.contract import ExportPlan, Progress, Segment, VideoExportRequest, VideoFormat

if TYPE_CHECKING:
    from video_export_worker.contract import AssetCounts
    from video_export_worker.encoding import FinishedVideo
    from video_export_worker.part_runs import RenderedSegment


@click.command("render")
@click.argument("recording", nargs=-1)
@file_option
@click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="File to write; its suffix (.mp4, .webm, .gif) is the format. May be repeated: one capture serves all.",
)
@format_option
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@request_options
def render_command(
    recording: tuple[str, ...],
    request_file: Path | None,
    outputs: tuple[Path, ...],
    formats: tuple[str, ...],
    force: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Render RECORDING (or its parts, in order; - is the standard input) to a video on this machine.

    Nothing else is needed: no Temporal, no storage.

    \b
    video-export render session.json
    video-export render session.json -o short.mp4 -o short.gif --start 60 --end 90
    gunzip -c session.json.gz | video-export render - --format webm
    video-export render session.json --file request.yaml --fps 30
    """
    drafts = read_drafts(request_file, recording)
    if len(drafts) > 1:
        raise click.UsageError(f"{request_file} holds {len(drafts)} requests: render takes one, submit takes them all")
    (draft,) = drafts
    outputs = choose_outputs(draft.recordings, outputs, formats or (() if outputs else draft.formats))
    chosen = formats_of(outputs)
    check_outputs(draft.recordings, outputs, force)
    with tempfile.TemporaryDirectory(prefix="video-export-", ignore_cleanup_errors=True) as folder:
        parts = find_recordings(draft.recordings, Path(folder))
        with draft.placing_problems():
            uris = [path.absolute().as_uri() for path in parts]
            request = build_request(values, uris, chosen, fields=draft.fields)
        with ExportProgress(quiet=as_json) as progress:
            report = asyncio.run(_render(parts, outputs, request, Path(folder), progress, force=force))
    click.echo(json.dumps(report, indent=2) if as_json else _describe(report))


async def _render(
    recordings: list[Path],
    outputs: tuple[Path, ...],
    request: VideoExportRequest,
    workdir: Path,
    progress: ExportProgress,
    *,
    force: bool,
) -> dict[str, Any]:
    began = time.monotonic()
    _keep_driver_compiled()
    # Imported here: --help and usage errors must not wait for the renderer.
    from video_export_worker.driver import Driver

    async with Driver() as driver:  # starts meanwhile
        await asyncio.to_thread(importlib.import_module, "video_export_worker.rendering.ahead")
        from video_export_worker.rendering.ahead import BrowserAhead, guess_stage
        from video_export_worker.replay.settings import ChromiumSettings, count_browsers

        artefact = workdir / "recording"
        artefact.mkdir()
        try:
            settings = dataclasses.replace(ChromiumSettings.from_environment(os.environ), driver=driver)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        # It starts while the rest is imported, and the recording read.
        async with BrowserAhead(settings, guess_stage(request)) as ahead:
            await asyncio.to_thread(importlib.import_module, "video_export_worker.pipeline")
            from video_export_worker.cli.local_assets import gather_assets
            from video_export_worker.composing.visibility import merge_colours, warn_of_nothing
            from video_export_worker.pipeline import assemble, plan_export, render_segment
            from video_export_worker.recording import RecordingLimits

            progress.update(Progress(phase="planning"))
            plan = await plan_export(recordings, request, artefact, limits=RecordingLimits())
            targets = _name_outputs(outputs, plan)
            if plan.videos:  # only now it is known how many there are
                check_outputs([], [path for named in targets for path in named.values()], force)
            table = await gather_assets(artefact, request)
            browsers = count_browsers(os.environ, plan.width, plan.height)
            chromium = dataclasses.replace(settings, ahead=ahead, browsers=browsers)
            rendered: list[RenderedSegment] = []
            finished: list[_Finished] = []
            for number, name in enumerate(plan.names):
                # There are no pods to share the work with: one segment, and the browsers of this machine.
                whole = Segment(first=number * plan.frames, count=plan.frames)
                place = workdir / f"video-{number}"
                place.mkdir()
                tell = _tell_frames(progress, whole.first, len(plan.names) * plan.frames)
                segment = await render_segment(
                    artefact, request, plan, whole, place, chromium=chromium, on_progress=tell
                )
                rendered.append(segment)
                progress.update(Progress(phase="assembling"))
                for video in await assemble(request, plan.of_video(number), segment.parts, place):
                    finished.append(_Finished(video, targets[number][video.format], name))
        nothing = warn_of_nothing(merge_colours(one.colours for one in rendered), strict=request.strict)
        for finished_video in finished:
            publish(finished_video.video.path, finished_video.path)
    report = _report(finished, rendered, plan, table.counts, began)
    return {**report, "warnings": [*report["warnings"], *nothing]}


def _keep_driver_compiled() -> None:
    """Let Node keep Playwright's driver compiled in the user's cache: it starts a tenth of a second sooner."""
    home = os.environ.get("HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    if cache:
        os.environ.setdefault("NODE_COMPILE_CACHE", f"{cache}/video-export/node")


@dataclasses.dataclass(frozen=True)
class _Finished:
    """A video on its way to its place.

    Attributes:
        video: what was verified.
        path: where it goes.
        window: name of the window, where each has a video of its own.
    """

    video: FinishedVideo
    path: Path
    window: str | None


def _name_outputs(outputs: tuple[Path, ...], plan: ExportPlan) -> list[dict[VideoFormat, Path]]:
    """Where each of the plan's videos goes, by format: windows that have one each are counted from 1."""
    named = {VideoFormat(path.suffix.removeprefix(".").lower()): path for path in outputs}
    if not plan.videos:
        return [named]
    return [
        {name: path.with_stem(f"{path.stem}-{number}") for name, path in named.items()}
        for number in range(1, len(plan.videos) + 1)
    ]


def _tell_frames(progress: ExportProgress, before: int, frames: int) -> Callable[[int, int], None]:
    """What shows how many frames of a video are done, of which so many come before."""
    return lambda done, _: progress.update(Progress(phase="rendering", frames=frames, frames_done=before + done))


def _report(
    videos: list[_Finished], rendered: list[RenderedSegment], plan: ExportPlan, assets: AssetCounts, began: float
) -> dict[str, Any]:
    from video_export_worker.assets.gathering import warn_of_missing
    from video_export_worker.composing.masks import warn_of_unmatched
    from video_export_worker.part_runs import merge_runs

    segment = merge_runs(rendered)
    wall = time.monotonic() - began
    each_once = [finished.video for finished in videos[:: len(videos) // len(rendered)]]
    frames = sum(video.frames for video in each_once)
    return {
        "videos": [_report_video(video) for video in videos],
        "time_map": [span.model_dump() for span in plan.time_map],
        **count_frames(frames, segment.captured, segment.repeated),
        "steps": segment.steps,
        "browser_restarts": segment.restarts,
        "masked": dict(segment.masked),
        "assets": assets.model_dump(mode="json"),
        "warnings": [
            *plan.warnings,
            *warn_of_missing(assets),
            *segment.warnings,
            *warn_of_unmatched(segment.masked),
        ],
        "wall_seconds": round(wall, 3),
        "x_realtime": round(sum(video.duration for video in each_once) / wall, 2),
    }


def count_frames(frames: int, captures: int, repeated: int) -> dict[str, int]:
    """Where the frames of the videos came from; the numbers add up to all of them.

    Args:
        frames: of all videos.
        captures: that were made; one that shows what the frame before shows is no frame of its own, nor is one that
            another browser had to make again.
        repeated: frames that show the picture before them.
    """
    captured = min(captures, frames - repeated)
    return {"captured": captured, "pointer_drawn": frames - repeated - captured, "repeated": repeated}


def _report_video(finished: _Finished) -> dict[str, Any]:
    video = finished.video
    return {
        "path": str(finished.path),
        "format": video.format,
        "duration": video.duration,
        "frames": video.frames,
        "width": video.width,
        "height": video.height,
        "codec": video.codec,
        "size": video.size,
        "window": finished.window,
    }


def _describe(report: dict[str, Any]) -> str:
    lines = [
        f"{video['path']}: {video['width']}x{video['height']} {video['codec']}, {video['duration']:.2f} s, "
        f"{video['frames']} frames, {video['size'] / 1000:.0f} kB"
        for video in report["videos"]
    ]
    lines.append(f"{report['wall_seconds']:.1f} s, {report['x_realtime']:g}x real time ({_count_frames(report)})")
    return "\n".join(lines + [f"warning: {warning}" for warning in report["warnings"]])


def _count_frames(report: dict[str, Any]) -> str:
    """Say where the frames came from; the numbers add up to all of them."""
    captured, drawn = report["captured"], report["pointer_drawn"]
    again = f", {drawn} with the pointer drawn anew" if drawn else ""
    return f"{captured} frame{'' if captured == 1 else 's'} captured{again}, {report['repeated']} repeated"
