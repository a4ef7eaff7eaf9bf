"""What the page could not apply, as warnings that say where in the recording it stands."""

from __future__ import annotations

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording import RecordingIndex, name_code
from video_export_worker.recording.events import whole_text
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.page_state import Fault

MAX_REPORTED = 20  # of a recording with a million faults
MORE = f"more than {MAX_REPORTED} events could not be applied: only the first are listed"


def describe(index: RecordingIndex, fault: Fault) -> str:
    """Say where the event of a fault stands, of what kind it is, and why something of it was left out."""
    reason = whole_text(fault.reason)  # it may repeat what the recording says, or be cut inside of a character
    if not 0 <= fault.ordinal < len(index):
        return f"something of the recording could not be applied: {reason}"
    kind = name_code(int(index.kind[fault.ordinal]), int(index.source[fault.ordinal]))
    return f"not applied: {index.place_of(fault.ordinal)}: {kind}: {reason}"


def report(faults: list[Fault], left_out: int, index: RecordingIndex, counts: RenderCounts, *, strict: bool) -> None:
    """Take faults out of the list and into the warnings.

    Args:
        faults: what the page has told since the last time.
        left_out: how much could not be applied until now, told or not.
        index: of the recording.
        counts: have the warnings.
        strict: refuse the recording instead.

    Raises:
        RecordingInvalid: `strict`, and there is one.
    """
    told = [describe(index, fault) for fault in faults]
    faults.clear()
    if told and strict:
        raise RecordingInvalid(f"{told[0]}; repair the recording, or export it without `strict` to leave this out")
    fresh = [text for text in dict.fromkeys(told) if text not in counts.warnings]
    counts.warnings += fresh[: max(0, MAX_REPORTED - counts.reported)]
    counts.reported += len(fresh)
    if max(left_out, counts.reported) > MAX_REPORTED and MORE not in counts.warnings:
        counts.warnings.append(MORE)
