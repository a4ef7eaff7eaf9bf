"""The plan of an export: which frames there are, what each shows, how large they are, and where the work is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from video_export_worker.contract import (
    EACH_WINDOW,
    FOLLOW_WINDOWS,
    ExportPlan,
    PlannedVideo,
    Segment,
    ShownWindow,
    TimeSpan,
    VideoExportRequest,
    VideoFormat,
)
from video_export_worker.errors import RecordingTooLarge
from video_export_worker.planning.segments import MAX_SEGMENTS, cut_segments
from video_export_worker.planning.size import ShownViewport, choose_size, choose_viewport, list_viewports
from video_export_worker.planning.timeline import Timeline, build_timeline
from video_export_worker.planning.windows import (
    Schedule,
    WindowStretch,
    find_window,
    follow_user,
    name_spans,
    show_only,
    stretches_between,
)
from video_export_worker.planning.work_estimate import estimate_session
from video_export_worker.recording.index import RecordingIndex, find_idle
from video_export_worker.recording.limits import RecordingLimits

# A GIF is encoded in one piece from all of its lossless parts: in a quarter of an hour they take some GiB of the disk.
MAX_GIF_SECONDS: Final = 900.0
# Changes between windows; a person needs an hour for so many.
MAX_TURNS: Final = 5000
# The result lists the stretches of the video as JSON, and Temporal takes 2 MiB.
MAX_TIME_MAP_BYTES: Final = 2**20
SPAN_BYTES: Final = 80  # of one, beside the name of its window


def build_plan(recording: RecordingIndex, request: VideoExportRequest, limits: RecordingLimits) -> ExportPlan:
    """Lay out the videos of a recording.

    Raises:
        InvalidRequest: there is no window of the name that is asked for, or the video would be too large.
        NothingToRender: the range holds no frame.
        RecordingTooLarge: the videos would be too long.
    """
    windows = _choose_windows(recording, request)
    timeline = _lay_timeline(windows, request, limits)
    schedules = _schedule(windows, request)
    videos = [_plan_video(recording, schedule, request, timeline) for schedule in schedules]
    pieces = _cut(recording, schedules, timeline)
    first = videos[0]
    seconds = timeline.frames / float(timeline.fps)
    is_each = request.windows == EACH_WINDOW
    spans = list(timeline.spans)
    time_map = spans if is_each else name_spans(spans, schedules[0], recording, seconds)
    _check_time_map(time_map)
    return ExportPlan(
        width=first.width,
        height=first.height,
        page=first.page,
        fps=request.fps,
        frames=timeline.frames,
        time_map=time_map,
        end=timeline.end_ms / 1000,
        shows_end=timeline.shows_end,
        windows=[ShownWindow(begin_ms=stretch.begin_ms, window=stretch.window) for stretch in schedules[0]],
        videos=videos if is_each else [],
        nodes=max(_count_nodes(recording, schedule) for schedule in schedules),
        segments=[Segment(first=piece.start, count=len(piece)) for piece in pieces],
        warnings=[*recording.warnings, *_warn_of_cut(request, timeline)],
    )


def read_schedule(plan: ExportPlan, index: RecordingIndex) -> Schedule:
    """Which window the video of a stored plan shows when."""
    stored = tuple(WindowStretch(shown.begin_ms, shown.window) for shown in plan.windows)
    return stored or show_only(index)


def _count_nodes(recording: RecordingIndex, schedule: Schedule) -> int:
    """Nodes of all windows that a video shows, which one browser may hold at once."""
    shown = {stretch.window for stretch in schedule}
    return sum(index.most_nodes for index in recording.session if index.number in shown)


def _choose_windows(recording: RecordingIndex, request: VideoExportRequest) -> Sequence[RecordingIndex]:
    if request.windows in (FOLLOW_WINDOWS, EACH_WINDOW):
        return recording.session
    return [find_window(recording, request.windows)]


def _schedule(windows: Sequence[RecordingIndex], request: VideoExportRequest) -> list[Schedule]:
    """One for each video."""
    if request.windows == EACH_WINDOW:
        return [show_only(window) for window in windows]
    schedule = follow_user(windows)
    if len(schedule) > MAX_TURNS:
        raise RecordingTooLarge(
            f"the user changes between windows {len(schedule):,} times, at most {MAX_TURNS:,} are followed: "
            "name one window with `windows`, or export `each`"
        )
    return [schedule]


def _lay_timeline(windows: Sequence[RecordingIndex], request: VideoExportRequest, limits: RecordingLimits) -> Timeline:
    idle = find_idle(windows, request.skip_inactivity.threshold) if request.skip_inactivity else []
    begin_ms = min(window.begin_ms for window in windows)
    end_ms = max(window.duration_ms for window in windows)
    timeline = build_timeline(request, end_ms, idle, limits.video_seconds, begin_ms)
    videos = len(windows) if request.windows == EACH_WINDOW else 1
    seconds = timeline.frames / float(timeline.fps)
    if videos > 1 and videos * seconds > limits.video_seconds:
        raise RecordingTooLarge(
            f"{videos} windows make videos of {videos * seconds / 3600:.1f} h together, the limit is "
            f"{limits.video_seconds / 3600:g} h: name one window, or choose a range"
        )
    if VideoFormat.GIF in request.format and seconds > MAX_GIF_SECONDS:
        raise RecordingTooLarge(
            f"the GIF would be {seconds / 60:.0f} minutes long, the limit is {MAX_GIF_SECONDS / 60:g} minutes: "
            "choose MP4 or WebM, a range, a higher speed or skip_inactivity"
        )
    return timeline


def _warn_of_cut(request: VideoExportRequest, timeline: Timeline) -> list[str]:
    """A line where all of a range was cut out for its inactivity."""
    range_s = timeline.end_ms / 1000 - timeline.spans[0].recording
    if request.skip_inactivity is None or timeline.frames > 1 or range_s * timeline.fps <= 1:
        return []
    return [
        f"the user does nothing in these {range_s:.1f} s, so skip_inactivity has cut all of them and one frame is "
        "left: choose another range, a larger `threshold`, or its mode `speed`"
    ]


def _check_time_map(spans: Sequence[TimeSpan]) -> None:
    if sum(SPAN_BYTES + len((span.window or "").encode()) for span in spans) > MAX_TIME_MAP_BYTES:
        raise RecordingTooLarge(
            f"the video has {len(spans):,} stretches of the recording, which is more than a result can list: "
            "choose a range, or a larger `threshold` of skip_inactivity"
        )


def _plan_video(
    recording: RecordingIndex, schedule: Schedule, request: VideoExportRequest, timeline: Timeline
) -> PlannedVideo:
    indexes = {index.number: index for index in recording.session}
    shown: list[ShownViewport] = []
    for number, begin_ms, end_ms in stretches_between(schedule, schedule[0].begin_ms, timeline.end_ms):
        shown += list_viewports(indexes[number], begin_ms, end_ms if end_ms > begin_ms else math.inf)
    page = choose_viewport(request, shown, timeline)
    width, height = choose_size(request, page)
    window = schedule[0].window
    name, opens_ms = recording.windows[window].name, schedule[0].begin_ms
    return PlannedVideo(window=window, name=name, width=width, height=height, page=page, begin_ms=opens_ms)


def _cut(recording: RecordingIndex, schedules: Sequence[Schedule], timeline: Timeline) -> list[range]:
    """The segments of all videos, whose frames are numbered through."""
    indexes = {index.number: index for index in recording.session}
    frames = range(timeline.frames)
    pieces: list[range] = []
    for number, schedule in enumerate(schedules):
        work = estimate_session(indexes, schedule, timeline)
        most = max(1, MAX_SEGMENTS // len(schedules))
        cut = cut_segments(work, frames, most=most)
        before = number * timeline.frames
        pieces += [range(before + piece.start, before + piece.stop) for piece in cut]
    return pieces
