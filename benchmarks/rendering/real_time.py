"""What screen recorders do: play the recording in real time and take what Chromium's screencast delivers.

Its speed is known before: real time, less the start. So only the begin of a recording is recorded.
`python -m benchmarks.rendering.real_time RECORDING OUTPUT`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from playwright.async_api import CDPSession, Route, async_playwright

from benchmarks.rendering.processes import feed
from video_export_worker.contract import parse_request
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.recording import RecordingLimits, parse_recording
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.replay.browser import PAGE_URL, PlayerFiles
from video_export_worker.replay.settings import ChromiumSettings

SECONDS: Final = 15.0
PLAY: Final = """(async () => {
  const began = performance.now();
  for (let at = 0; at < %f; at = performance.now() - began) {
    await videoExportPlayer.of(0).seek(at);
    await new Promise(requestAnimationFrame);
  }
})()"""
COMMAND: Final = "ffmpeg -loglevel error -y -use_wallclock_as_timestamps 1 -f mjpeg -i pipe:0 -c:v libx264"
ENCODER: Final = "-preset veryfast -crf 23 -pix_fmt yuv420p -r 25"


async def _serve(route: Route) -> None:
    answer = PlayerFiles().find(route.request.url, route.request.resource_type.capitalize(), {})
    if answer is None:
        await route.abort()
    else:
        await route.fulfill(body=answer.body, headers=dict(answer.headers))


async def record(source: Path, output: Path) -> dict[str, int]:
    """Play and record the first seconds; return how many frames came."""
    recording = await asyncio.to_thread(lambda: parse_recording([source.read_bytes()]))
    seconds = min(SECONDS, recording.duration_ms / 1000)
    request = parse_request({"recording": "file:///recording", "end": seconds})
    plan = build_plan(recording.index, request, RecordingLimits())
    command = [*COMMAND.split(), *ENCODER.split(), str(output)]
    frames = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=ChromiumSettings.from_environment(os.environ).find_executable()
        )
        page = await browser.new_page(viewport={"width": plan.width, "height": plan.height})
        await page.route("**/*", _serve)
        await page.goto(PAGE_URL)
        session = await page.context.new_cdp_session(page)
        options: dict[str, Any] = {"width": plan.width, "height": plan.height, "maxScale": 1, "background": "#ffffff"}
        options |= {"start": recording.start_ms, "maskSelectors": []}
        options["page"] = dict(zip(("width", "height"), recording.viewport, strict=True))
        await _evaluate(session, f"videoExportPlayer.open({json.dumps(options)})")
        width, height = recording.viewport
        contexts = [asdict(context) for context in choose_beginning(recording.index, 0).contexts]
        window = {
            "viewport": {"width": width, "height": height},
            "canvas": recording.has_canvas,
            "canvasRecorded": True,
            "snapshots": contexts,
        }
        await _evaluate(session, f"videoExportPlayer.openWindow(0, {json.dumps(window)})")
        await _evaluate(session, f"videoExportPlayer.of(0).append({json.dumps(json.dumps(recording.events))})")
        await _evaluate(session, "videoExportPlayer.of(0).load()")
        with feed(command) as sink:

            def take(frame: dict[str, Any]) -> None:
                nonlocal frames
                frames += 1
                sink.write(base64.b64decode(frame["data"]))
                acknowledged.append(
                    asyncio.ensure_future(session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]}))
                )

            acknowledged: list[asyncio.Future[Any]] = []
            session.on("Page.screencastFrame", take)
            await session.send("Page.startScreencast", {"format": "jpeg", "quality": 90})
            await _evaluate(session, PLAY % (seconds * 1000))
            await session.send("Page.stopScreencast")
            session.remove_listener("Page.screencastFrame", take)  # some are still on their way
            await asyncio.gather(*acknowledged)
        await browser.close()
    return {"steps": frames, "captures": frames}


async def _evaluate(session: CDPSession, expression: str) -> None:
    answer = await session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True})
    if "exceptionDetails" in answer:
        raise SystemExit(f"the page failed: {answer['exceptionDetails']}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(record(Path(sys.argv[1]), Path(sys.argv[2])))))
