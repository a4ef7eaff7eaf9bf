"""The activities one by one, with real storage and a real browser: what a retry finds, what a refusal becomes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import ActivityEnvironment

from benchmarks.rendering.huge import huge_recording
from dev.waiting import find_free_port
from tests.asset_hosts import serving_assets
from tests.event_loop import longest_callback
from tests.frozen_jobs import frozen_jobs
from tests.integration.worker.conftest import RECORDINGS
from tests.servers import S3Server
from tests.snapshots import Page
from tests.waiting import AT_ONCE, wait_for
from video_export_worker.activities import ExportActivities
from video_export_worker.assets.addresses import HostPolicy, HostRule
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.contract import (
    AssembleInput,
    DiscardInput,
    Manifest,
    PlanInput,
    PlannedExport,
    Progress,
    Segment,
    SegmentInput,
    VideoExportRequest,
    VideoFormat,
    parse_request,
)
from video_export_worker.errors import StorageUnavailable
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.storage import Storage, StoredObject

LIMITS = RecordingLimits()


@pytest.fixture(scope="module")
async def isolated() -> AsyncIterator[IsolatedPipeline]:
    """The children of a worker; none waits before the first export."""
    async with IsolatedPipeline(read_capacity(1), ChromiumSettings(), os.environ, wait=False) as pipeline:
        yield pipeline


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated: IsolatedPipeline) -> AsyncIterator[Path]:
    """The storage, as a folder; the temporary files of activities must be gone after each test."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "form.json.gz").write_bytes((RECORDINGS / "form.json.gz").read_bytes())
    yield stored
    isolated.runner.rest()
    await wait_for(lambda: list(temporary.iterdir()) == [], "attempts and children have left nothing")


@pytest.fixture
def activities(folder: Path, isolated: IsolatedPipeline) -> ExportActivities:
    return ExportActivities(Storage(f"file://{folder}"), LIMITS, isolated)


@pytest.fixture
def request_(folder: Path) -> VideoExportRequest:
    return parse_request({"recording": f"file://{folder}/form.json.gz", "end": 1})


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _remove_last_part(folder: Path) -> None:
    max(folder.glob("parts/default/one/*/*/mp4-0.mp4")).unlink()


def _remove_result(folder: Path) -> None:
    (path,) = folder.glob("parts/default/one/*/*/result.json")
    path.unlink()


async def _plan(activities: ExportActivities, request: VideoExportRequest) -> PlannedExport:
    return await ActivityEnvironment().run(activities.plan_export, PlanInput(export_id="one", request=request))


def _first_segment(planned: PlannedExport) -> SegmentInput:
    return SegmentInput(plan=planned.plan, segment=Segment(first=0, count=planned.segments[0]))


async def test_a_retry_finds_the_parts_of_the_attempt_before(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path
) -> None:
    planned = await _plan(activities, request_)
    assert await _plan(activities, request_) == planned
    given = _first_segment(planned)
    first = await ActivityEnvironment().run(activities.render_segment, given)
    stored = _files(folder)
    second = await ActivityEnvironment().run(activities.render_segment, given)
    assert (first.reused, second.reused) == (False, True)
    assert second.model_copy(update={"reused": False}) == first
    assert _files(folder) == stored


async def test_parts_without_their_result_are_rendered_again(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path
) -> None:
    planned = await _plan(activities, request_)
    given = _first_segment(planned)
    await ActivityEnvironment().run(activities.render_segment, given)
    _remove_result(folder)
    again = await ActivityEnvironment().run(activities.render_segment, given)
    assert not again.reused


async def test_assembling_twice_gives_the_same_and_discarding_takes_only_the_parts(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path
) -> None:
    planned = await _plan(activities, request_)
    given = _first_segment(planned)
    segment = await ActivityEnvironment().run(activities.render_segment, given)
    joined = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, segment.count)])
    first = await ActivityEnvironment().run(activities.assemble, joined)
    assert await ActivityEnvironment().run(activities.assemble, joined) == first
    removed = await ActivityEnvironment().run(activities.discard_parts, DiscardInput(export_id="one"))
    assert removed == 5  # the plan, the index, a chunk, the part and its result
    kept = [f"exports/default/one/{name}" for name in ("manifest.json", "poster.png", "video.mp4")]
    assert _files(folder) == [*kept, "form.json.gz"]
    assert await ActivityEnvironment().run(activities.discard_parts, DiscardInput(export_id="one")) == 0


async def test_segments_are_joined_from_the_storage_as_a_stream(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path
) -> None:
    request = request_.model_copy(update={"format": list(VideoFormat)})
    planned = await _plan(activities, request)
    frames = planned.segments[0]
    cuts = [(first, min(4, frames - first)) for first in range(0, frames, 4)]
    for first, count in cuts:
        given = SegmentInput(plan=planned.plan, segment=Segment(first=first, count=count))
        await ActivityEnvironment().run(activities.render_segment, given)
    joined = AssembleInput(export_id="one", plan=planned.plan, segments=cuts)
    result = await ActivityEnvironment().run(activities.assemble, joined)
    assert [(video.format, video.frames) for video in result.videos] == [(name, frames) for name in VideoFormat]
    manifest = Manifest.model_validate_json((folder / "exports/default/one/manifest.json").read_bytes())
    assert manifest.result == result
    for stored in manifest.objects:
        data = (folder / "exports/default/one" / stored.name).read_bytes()
        assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert {stored.name for stored in manifest.objects} == {"poster.png", "video.mp4", "video.webm", "video.gif"}


async def test_joining_ends_at_once_when_it_is_cancelled(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path, isolated: IsolatedPipeline
) -> None:
    planned = await _plan(activities, request_)
    segment = await ActivityEnvironment().run(activities.render_segment, _first_segment(planned))
    environment = ActivityEnvironment()
    given = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, segment.count)])
    with frozen_jobs():
        joining = asyncio.ensure_future(environment.run(activities.assemble, given))
        await wait_for(lambda: isolated.runner.running, "a child joins")
        environment.cancel()
        with pytest.raises((asyncio.CancelledError, CancelledError)):
            async with asyncio.timeout(AT_ONCE):
                await joining
    assert not [name for name in _files(folder) if name.startswith("exports/")], "something was published"


async def test_a_clip_of_a_recording_of_many_chunks_is_rendered_and_holds_no_event_loop(
    activities: ExportActivities, folder: Path
) -> None:
    (folder / "many.json").write_bytes(b"".join(huge_recording(12 * 2**20)))
    uri = f"file://{folder}/many.json"
    request = parse_request({"recording": uri, "start": 110, "end": 111, "fps": 2})
    with longest_callback() as held:
        planned = await _plan(activities, request)
        result = await ActivityEnvironment().run(activities.render_segment, _first_segment(planned))
        joined = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, result.count)])
        assert (await ActivityEnvironment().run(activities.assemble, joined)).videos
    stored = len(_files(folder / "parts/default/one/recording"))
    assert stored == 4, "the index, and three chunks from the snapshot to the clip's end; what follows is not stored"
    assert (result.count, result.captured > 0) == (2, True)
    assert held.seconds < 0.05, f"the worker was held for {held.seconds:.3f} s: {held.callback}"


async def test_a_part_that_is_gone_ends_the_join(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path
) -> None:
    planned = await _plan(activities, request_)
    cuts = [(0, 10), (10, planned.segments[0] - 10)]
    for first, count in cuts:
        given = SegmentInput(plan=planned.plan, segment=Segment(first=first, count=count))
        await ActivityEnvironment().run(activities.render_segment, given)
    _remove_last_part(folder)
    joined = AssembleInput(export_id="one", plan=planned.plan, segments=cuts)
    with pytest.raises(ApplicationError, match="there is no such object"):
        await ActivityEnvironment().run(activities.assemble, joined)
    assert not (folder / "exports").exists()


async def test_the_former_results_stay_until_all_new_ones_have_arrived(
    activities: ExportActivities, request_: VideoExportRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = folder / "exports/default/one"
    output.mkdir(parents=True)
    for name in ("manifest.json", "poster.png", "video.mp4"):
        (output / name).write_text("the former one")
    planned = await _plan(activities, request_)
    segment = _first_segment(planned)
    await ActivityEnvironment().run(activities.render_segment, segment)
    joined = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, segment.segment.count)])
    publish = Storage.publish

    async def refuse_videos(self: Storage, source: Path, uri: str) -> StoredObject:
        if uri.endswith(".mp4"):
            raise StorageUnavailable("away in the middle")
        return await publish(self, source, uri)

    monkeypatch.setattr(Storage, "publish", refuse_videos)
    with pytest.raises(ApplicationError, match="away in the middle"):
        await ActivityEnvironment().run(activities.assemble, joined)
    assert {path.name: path.read_text() for path in output.iterdir() if path.is_file()} == dict.fromkeys(
        ("manifest.json", "poster.png", "video.mp4"), "the former one"
    )


async def test_a_plan_of_another_renderer_is_refused_for_now(
    activities: ExportActivities, request_: VideoExportRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = await _plan(activities, request_)
    monkeypatch.setattr("video_export_worker.activities.exports.name_renderer", lambda chromium: "another")
    with pytest.raises(ApplicationError, match=r"planned for the renderer .*, this worker has another") as failure:
        await ActivityEnvironment().run(activities.render_segment, _first_segment(planned))
    assert (failure.value.type, failure.value.non_retryable) == ("RendererDiffers", False)
    assert failure.value.next_retry_delay is not None


async def test_a_message_of_a_newer_worker_is_understood(
    activities: ExportActivities, request_: VideoExportRequest
) -> None:
    planned = await _plan(activities, request_)
    newer = {**_first_segment(planned).model_dump(), "hint": 1}
    assert SegmentInput.model_validate(newer) == _first_segment(planned)


async def test_heartbeats_say_how_far_it_is(activities: ExportActivities, request_: VideoExportRequest) -> None:
    planned = await _plan(activities, request_)
    environment = ActivityEnvironment()
    beats: list[Progress] = []
    environment.on_heartbeat = lambda progress, failures: beats.append(progress)
    given = _first_segment(planned)
    await environment.run(activities.render_segment, given)
    assert {beat.phase for beat in beats} == {"rendering"}
    assert all(beat.frames == planned.segments[0] for beat in beats)


async def test_a_storage_that_is_away_is_tried_again_later(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, isolated: IsolatedPipeline
) -> None:
    for name, value in {**s3_server.credentials, "AWS_ENDPOINT": f"http://127.0.0.1:{find_free_port()}"}.items():
        monkeypatch.setenv(name, value)
    activities = ExportActivities(Storage("s3://exports"), LIMITS, isolated)
    with pytest.raises(ApplicationError) as failure:
        await _plan(activities, parse_request({"recording": "s3://exports/form.json.gz"}))
    assert (failure.value.type, failure.value.non_retryable) == ("StorageUnavailable", False)
    assert failure.value.next_retry_delay is not None


async def test_a_storage_that_refuses_is_not_tried_again(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, isolated: IsolatedPipeline
) -> None:
    for name, value in {**s3_server.credentials, "AWS_SECRET_ACCESS_KEY": "wrong"}.items():
        monkeypatch.setenv(name, value)
    activities = ExportActivities(Storage(s3_server.uri), LIMITS, isolated)
    with pytest.raises(ApplicationError, match="does not accept the credentials") as failure:
        await _plan(activities, parse_request({"recording": f"{s3_server.uri}/form.json.gz"}))
    assert (failure.value.type, failure.value.non_retryable) == ("StorageDenied", True)


async def test_a_missing_browser_is_named(folder: Path, request_: VideoExportRequest) -> None:
    missing = ChromiumSettings(executable="/none/chromium")
    async with IsolatedPipeline(read_capacity(1), missing, os.environ, wait=False) as pipeline:
        activities = ExportActivities(Storage(f"file://{folder}"), LIMITS, pipeline)
        planned = await _plan(activities, request_)
        given = _first_segment(planned)
        with pytest.raises(ApplicationError, match="chromium-headless-shell") as failure:
            await ActivityEnvironment().run(activities.render_segment, given)
    assert failure.value.type == "RenderFailed"


async def test_each_window_becomes_a_video_of_its_own(activities: ExportActivities, folder: Path) -> None:
    first, second = Page(320, 200), Page(200, 100)
    box = first.element("div", style="height:200px;background:teal")
    first.show(first.document([box]), 100).move(300, 9, 9, box).move(320, 10, 9, box).end(600)
    line = second.element("p", "second", style="background:crimson")
    second.show(second.document([line])).move(400, 9, 9, line).end(500)
    lines = [json.dumps([name, event]) for name, page in {"a": first, "b": second}.items() for event in page.events]
    (folder / "windows.jsonl").write_text("\n".join(lines))
    raw = {"recording": f"file://{folder}/windows.jsonl", "windows": "each", "format": ["mp4", "webm"]}
    planned = await _plan(activities, parse_request(raw))
    assert planned.segments == [16, 16]
    for at in (0, 16):
        given = SegmentInput(plan=planned.plan, segment=Segment(first=at, count=16))
        rendered = await ActivityEnvironment().run(activities.render_segment, given)
        assert (rendered.count, rendered.rest) == (16, [])
    joined = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, 16), (16, 16)])
    result = await ActivityEnvironment().run(activities.assemble, joined)
    assert [(video.uri.rpartition("/")[2], video.window, video.width, video.frames) for video in result.videos] == [
        ("video-1.mp4", "a", 320, 16),
        ("video-1.webm", "a", 320, 16),
        ("video-2.mp4", "b", 200, 16),
        ("video-2.webm", "b", 200, 16),
    ]
    names = {path.rpartition("/")[2] for path in _files(folder) if path.startswith("exports/")}
    assert names == {"manifest.json", "poster.png", "video-1.mp4", "video-1.webm", "video-2.mp4", "video-2.webm"}
    (poster_uri,) = [path for path in _files(folder) if path.endswith("poster.png")]
    with av.open(str(folder / poster_uri)) as poster:
        assert next(poster.decode(video=0)).width == 200, "of the window that is there when the videos begin"


async def test_linked_assets_pass_from_the_worker_to_its_children(folder: Path, isolated: IsolatedPipeline) -> None:
    red = b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="9" height="9"/></svg>'
    settings = AssetSettings(policy=HostPolicy([HostRule.parse("127.0.0.1@127.0.0.0/8")]))
    activities = ExportActivities(Storage(f"file://{folder}"), LIMITS, isolated, settings)
    with serving_assets() as hosts:
        image, gone = hosts.put("/red.svg", red, host="127.0.0.1"), hosts.url("/gone.png", "127.0.0.1")
        page = Page()
        page.show(page.document([page.element("img", src=url) for url in (image, gone)])).end(300)
        (folder / "linked.json").write_text(json.dumps(page.events))
        request = parse_request({"recording": f"file://{folder}/linked.json"})
        planned = await _plan(activities, request)
        assert await _plan(activities, request) == planned, "the same assets make the same plan"
        assert hosts.asked == {"/red.svg": 1, "/gone.png": 1}
    segment = await ActivityEnvironment().run(activities.render_segment, _first_segment(planned))
    given = AssembleInput(export_id="one", plan=planned.plan, segments=[(0, segment.count)])
    result = await ActivityEnvironment().run(activities.assemble, given)
    assert [(group.host, group.reason, group.count) for group in result.assets.missing] == [
        ("127.0.0.1", "NotFound", 1)
    ]
    assert result.warnings == ["1 of 2 linked images, fonts and style sheets are missing: 1 of 127.0.0.1 (NotFound)"]
