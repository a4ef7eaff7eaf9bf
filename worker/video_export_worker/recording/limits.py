"""What a worker accepts of a recording, and the meters that count against it.

Counted once, where a recording is read. Whoever renders it later reads what was counted then, and counts nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass

from video_export_worker.errors import RecordingTooLarge


@dataclass(frozen=True)
class RecordingLimits:
    """What a worker accepts.

    Attributes:
        compressed_bytes: Of compressed files, all parts together.
        decompressed_bytes: Of all parts together, with what is compressed inside of events.
        values: JSON values of all parts together (see `count_values`). An eighth of the default bytes: real recordings
            have a value in every 12 to 15 bytes.
        event_bytes: Of one event. A larger one could not be handed to the browser in one message.
        event_values: JSON values of one event. A value takes up to 116 bytes in Python, so one event takes at most
            some 300 MB. A page of 150,000 elements has about a million.
        nesting: Elements around an element. Chromium's parser stops at 512.
        video_seconds: Of video. A long recording may well make a short video, so planning checks it, not reading.
    """

    compressed_bytes: int = 512 * 2**20
    decompressed_bytes: int = 2**30
    values: int = 2**27
    event_bytes: int = 64 * 2**20
    event_values: int = 2_000_000
    nesting: int = 400
    video_seconds: float = 8 * 3600


class Meter:
    """Counts against a limit.

    Args:
        limit: How many are allowed.
        name: What is counted, as the message calls it.
        setting: Field of `RecordingLimits` that raises the limit, with the worker's variable if there is one.
    """

    def __init__(self, limit: int, name: str, setting: str) -> None:
        self._limit = limit
        self._name = name
        self._setting = setting
        self.left = limit

    def add(self, count: int) -> None:
        """Count so many.

        Raises:
            RecordingTooLarge: if the limit is passed.
        """
        self.left -= count
        if self.left < 0:
            raise RecordingTooLarge(
                f"the recording is larger than {self._limit:,} {self._name}: "
                f"export a shorter recording, or raise the worker's limit {self._setting}"
            )


class Meters:
    """The limits of a recording, over all of its parts."""

    def __init__(self, limits: RecordingLimits) -> None:
        self.limits = limits
        self.compressed = Meter(
            limits.compressed_bytes, "bytes compressed", "`compressed_bytes` (VIDEO_EXPORT_MAX_RECORDING_BYTES)"
        )
        self.decompressed = Meter(
            limits.decompressed_bytes,
            "bytes decompressed",
            "`decompressed_bytes` (VIDEO_EXPORT_MAX_DECOMPRESSED_BYTES)",
        )
        self.values = Meter(limits.values, "JSON values", "`values`")

    def check_event(self, text: str | bytes, place: object = "") -> None:
        """Refuse the text of one event, or the beginning of one, that is too large to be decoded.

        Args:
            text: What is known of the event.
            place: Where it stands, for the message.

        Raises:
            RecordingTooLarge: if a limit of an event is passed.
        """
        where = f"the event at {place}" if place else "an event of the recording"
        if len(text) > self.limits.event_bytes:
            raise RecordingTooLarge(
                f"{where} is larger than {self.limits.event_bytes:,} bytes: no browser could replay it; "
                "record without inlined pictures, or in smaller pages"
            )
        if len(text) > self.limits.event_values and count_values(text) > self.limits.event_values:
            raise RecordingTooLarge(
                f"{where} holds more than {self.limits.event_values:,} JSON values: no browser could replay it; "
                "record smaller pages"
            )


def count_values(text: str | bytes) -> int:
    """Tell how many JSON values a text holds at most, without decoding it.

    Each value but the first follows a comma or opens a list or an object. Those inside of strings are counted as well.
    """
    if isinstance(text, str):
        return 1 + text.count(",") + text.count("[") + text.count("{")
    return 1 + len(text) - len(text.translate(None, b",[{"))  # less than half the time of three counts
