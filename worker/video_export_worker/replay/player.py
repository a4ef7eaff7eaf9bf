"""The protocol between the renderer and the replay page, `window.videoExportPlayer` (worker/player/src/player.js).

Theory of operation
===================

A session has one browser window or several. Each is a replay of its own in the page (replayed-window.js), addressed by
its number, and one of them is shown at a time: the one that was sought last. What a window shows does not depend on
the others, so it may be opened when it is shown first, and left behind while another is shown.

The page never reads a clock. Two things move a window: `seek` applies the recording up to a time, and a begun frame
(`ReplayPage.begin_frame`) paints what is there. Nothing changes between the two, and time never goes back.

1. `open(scene)` says how the page is shown, `open_window(...)` where the replay of a window begins and what a page has
   kept from the time before each of its full snapshots. `append(text)` hands over events, a JSON array at a time and in
   order, before a seek needs them (`feeding.ChunkFeed`). The page takes out what would act by itself before rrweb sees
   an event.
2. `load()` builds the first full snapshot, hidden, and waits for its images and fonts. A page that loads needs frames,
   so the renderer begins them meanwhile (`pump_until`). The first seek builds it again: its animations begin there.
   Only the first window of a run is loaded: once there are frames of the video, none may be begun besides them.
   **Every full snapshot gets a replayer, a document and a window of its own** (replayed-page.js). So what is shown
   after one does not depend on what was replayed before, and a replay may begin at any (`beginnings.choose_beginning`).
3. `seek(t)` applies each event up to and including `t` at the event's own time, moves every animation, transition, SMIL
   document and clip to its age at `t`, waits for what it shows, and answers with a `PageState`. So what a seek shows
   depends on the recording and on `t` alone, not on the seeks before it.
   `replay(t)` does the same without showing anything: the page is hidden, and some seconds go by in one call. What
   lies before the first frame is replayed so. A frame is begun after each call (`pass_unseen`): without any, Blink
   keeps every animation that ever was pending, and looks through all of them at each event. The frame must not show the
   page: a layer remembers at which scale it was painted first. A restless page (see 4) must be seen instead, frame by
   frame: what Blink moves by itself begins when it is painted first. Where nothing but transitions can move, events
   long before the first frame are applied some at a time (joining.js): what they began is over by then.
4. `paint(t)` begins the frame that shows it. An idle renderer process asks for frames by a message of its own, and a
   frame that begins before this message arrives passes without the page: it shows no damage. So where a frame shows
   none although the page has changed, `paint` asks the page whether it took part (`isPainted`), and begins the frame
   again if it did not. A `restless` page (marquees, animated pictures, clips that are not presented yet) is always
   asked: the damage may have come from such a picture alone. Before such a page changes, a frame is begun for what
   Blink moves (`ReplayPage.move_pictures`): one in which an animated picture moves and disappears at once never ends.
5. A step that shows damage, an event or an animation is followed by another step: what settles late (scrolling, layout
   far out of sight) settles in the frame after. `steps.StepPlanner` decides that.
6. `seek_next(t)` seeks ahead: the page waits until it took part in the frame that was begun last and then seeks, while
   that frame is still rastered, composited and read. It must not be used where the page is still asked about the
   frame before (origins, a restless page, a capture that needs a frame of the page).
7. `masks()` tells where the masked elements are, as `seek` does: what settles in the frame after a seek is seen by one
   of them. Both are asked before the page goes on, so a video with masks never seeks ahead.
8. `origins(nodes)` tells where the iframes that hold these nodes begin, for positions of the pointer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from video_export_worker.errors import InvalidRequest, RecordingInvalid, RenderFailed
from video_export_worker.recording.beginnings import Beginning
from video_export_worker.replay.page import ReplayPage
from video_export_worker.replay.page_state import Fault, Masked, Origin, PageState, Replayed

MAX_REPAINTS: Final = 50
BETWEEN_FRAMES_MS: Final = 0.01  # a frame that stands between two of the video: there may be a hundred of them
UNSEEN_BEFORE_MS: Final = 1.0  # a frame that shows the page at the very time of one that did not show it never ends
BETWEEN_REPAINTS_MS: Final = 0.5  # begun again at the same time, a frame with an animated picture may never end


@dataclass(frozen=True)
class Scene:
    """How the replayed page is shown.

    Attributes:
        width: of the stage in CSS pixels.
        height: of the stage in CSS pixels.
        max_scale: how much a smaller page is enlarged at most.
        background: CSS colour around the page.
        start_ms: timestamp of the recording's start, which times count from.
        page: size of the page that the video is made for, in CSS pixels.
        mask_selectors: elements that are hidden.
        assets: what the page has to know of the assets that its requests are answered with.
    """

    width: int
    height: int
    max_scale: float
    background: str
    start_ms: float
    page: tuple[int, int]
    mask_selectors: tuple[str, ...] = ()
    assets: Mapping[str, Any] = field(default_factory=dict)


class Player:
    """The replay page's side of the protocol, for one of its windows.

    Every method raises RenderFailed if the page fails or does not answer.

    Args:
        page: the replay page.
        window: number of the window.

    Attributes:
        faults: what could not be applied, as the page has told it until now; of many only the first.
    """

    def __init__(self, page: ReplayPage, window: int = 0) -> None:
        self._page = page
        self.window = window
        self.faults: list[Fault] = []

    def of(self, window: int) -> Player:
        """The same page's side for another window."""
        return Player(self._page, window)

    async def open(self, scene: Scene) -> None:
        """Say how the page is shown; once, whatever windows there are.

        Raises:
            InvalidRequest: a mask selector is no CSS selector.
        """
        options = {
            "width": scene.width,
            "height": scene.height,
            "maxScale": scene.max_scale,
            "background": scene.background,
            "maskSelectors": list(scene.mask_selectors),
            "start": scene.start_ms,
            "page": {"width": scene.page[0], "height": scene.page[1]},
            "assets": dict(scene.assets),
        }
        try:
            await self._page.evaluate(f"videoExportPlayer.open({json.dumps(options)})", "load")
        except RenderFailed as error:
            if "InvalidSelector: " in str(error):
                selector = str(error).split("InvalidSelector: ")[1].splitlines()[0]
                raise InvalidRequest(
                    f"mask_selectors: {selector!r} is no CSS selector of elements, as a page would match it"
                ) from error
            raise

    async def open_window(self, beginning: Beginning, *, canvas: bool, canvas_recorded: bool) -> None:
        """Open the window, in place of what was opened before under its number.

        Args:
            beginning: where its replay begins.
            canvas: it has a canvas, which is painted only where scripts are allowed.
            canvas_recorded: what was drawn on canvases is in the recording.
        """
        width, height = beginning.viewport
        options = {
            "viewport": {"width": width, "height": height},
            "snapshots": [asdict(context) for context in beginning.contexts],
            "canvas": canvas,
            "canvasRecorded": canvas_recorded,
        }
        await self._page.evaluate(f"videoExportPlayer.openWindow({self.window}, {json.dumps(options)})", "load")

    async def close_window(self) -> None:
        """Leave nothing of the window."""
        await self._page.evaluate(f"videoExportPlayer.closeWindow({self.window})", "load")

    async def append(self, text: str, first: int) -> None:
        """Hand over events: the text of a JSON array, of which the first event has that ordinal."""
        await self._call(f"append({json.dumps(text)}, {first})", "load")

    async def keep_fonts(self, text: str, since_ms: float, until_ms: float) -> None:
        """Take only the fonts out of a JSON array of events, those that were added between the two times."""
        await self._call(f"keepFonts({json.dumps(text)}, {since_ms!r}, {until_ms!r})", "load")

    async def load(self) -> None:
        """Build the page of the first full snapshot, which was appended.

        Raises:
            RecordingInvalid: it cannot be built.
        """
        try:
            await self._page.pump_until(self._call("load()", "load"), "load")
        except RenderFailed as error:
            if "SnapshotFailed: " in str(error):
                reason = str(error).split("SnapshotFailed: ")[1].splitlines()[0]
                raise RecordingInvalid(f"the first full snapshot cannot be built: {reason}") from error
            raise

    async def replay(self, until_ms: float, most: int, joined_ms: float) -> Replayed:
        """Apply the recording up to and including `until_ms` unseen, `most` moments of it at most.

        What happens up to `joined_ms` is applied together where that comes to the same.
        """
        answer = await self._call(f"replay({until_ms!r}, {most}, {joined_ms!r})", "replay")
        return Replayed(answer["reached"], answer["restless"], answer["brought"])

    async def pass_unseen(self, at_ms: float) -> None:
        """Begin a frame that shows nothing, so that nothing piles up in Blink."""
        if self._page.set_time(at_ms - UNSEEN_BEFORE_MS):
            await self._page.begin_frame()

    async def pass_between(self) -> None:
        """Begin a frame right after the one of the video that was begun last; nothing of the window is to be shown."""
        self._page.advance_time(BETWEEN_FRAMES_MS)
        await self._page.begin_frame()

    async def seek(self, at_ms: float, *, is_quiet: bool = False) -> PageState:
        """Apply the recording up to and including `at_ms`; `is_quiet` where that changes nothing but what Blink moves.

        Raises:
            InvalidRequest: something that is masked cannot be hidden.
        """
        if self._page.restless and not is_quiet:
            await self._page.move_pictures(at_ms)
        try:
            return self._read(await self._call(f"seek({at_ms!r})", "seek"))
        except RenderFailed as error:
            if "MaskFailed: " in str(error):
                reason = str(error).split("MaskFailed: ")[1].splitlines()[0]
                raise InvalidRequest(f"mask_selectors: what is masked would be seen: {reason}") from error
            raise

    def seek_next(self, at_ms: float) -> asyncio.Task[PageState]:
        """Seek to `at_ms` as soon as the page took part in the frame that is about to be begun.

        It is sent when the caller waits next: right after that frame was begun, which nothing is to delay.
        """

        async def seek() -> PageState:
            return self._read(await self._call(f"seekNext({at_ms!r})", "seek"))

        return asyncio.create_task(seek())

    async def paint(self, at_ms: float, *, changed: bool, restless: bool) -> bool:
        """Begin the frame that shows `at_ms`, which was sought; True if any pixel may have changed."""
        self._page.set_time(at_ms)
        damaged, damaged_before = False, self._page.take_damage()
        for _ in range(MAX_REPAINTS):
            damaged |= await self._page.begin_frame()
            if damaged and not restless:
                return True
            if not changed or await self._call(f"isPainted({at_ms!r})", "frame"):
                return damaged or damaged_before
            self._page.advance_time(BETWEEN_REPAINTS_MS if restless else 0)
        raise RenderFailed(f"frame: the page took part in none of {MAX_REPAINTS} frames")

    async def masks(self) -> Masked:
        """What is masked, as the frame shows that was painted last."""
        return Masked.read(await self._call("masks()", "masks"))

    async def origins(self, nodes: Sequence[int]) -> list[Origin]:
        """For each of rrweb's node ids where the frame that holds the node begins, in the top document's viewport."""
        answers = await self._call(f"origins({json.dumps(nodes)})", "pointer")
        return [Origin(answer["x"], answer["y"], answer["scale"]) for answer in answers]

    def _read(self, answer: dict[str, Any]) -> PageState:
        self.faults += (Fault(fault["ordinal"], fault["reason"]) for fault in answer["faults"])
        state = PageState.read(answer)
        self._page.restless = state.restless
        return state

    async def _call(self, call: str, stage: str) -> Any:
        return await self._page.evaluate(f"videoExportPlayer.of({self.window}).{call}", stage)
