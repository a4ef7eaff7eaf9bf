"""The spool: events' texts in the order in which they came, in a file, with a row of columns for each.

Which window is shown and in what order events happened is known only when all have been read. Until then they wait
here, and not in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.events import whole_text
from video_export_worker.recording.formats import WindowEvent
from video_export_worker.recording.limits import Meters, count_values

LARGEST_CODE: Final = 127  # types and sources that rrweb does not have are kept, and are all the same to us
MAX_WINDOWS: Final = 1000
LONGEST_WINDOW_NAME: Final = 200
_FRAME_SIGNS: Final = (b"iframe", b"\\u00")  # a name may be written with escapes


class Spool:
    """Events on their way from the files to the chunks.

    Columns grow as the standard library's arrays do, which numpy reads without a copy.

    Args:
        file: An empty file, open for reading and writing.
        meters: Count the events' values.
    """

    def __init__(self, file: BinaryIO, meters: Meters) -> None:
        self._file = file
        self._meters = meters
        self._at = 0
        self._windows: dict[str | None, int] = {}
        self._stamps = array("d")
        self._window = array("h")
        self._kinds, self._sources = array("b"), array("b")
        self._sizes, self._values = array("I"), array("I")
        self._parts, self._lines, self._bytes = array("i"), array("q"), array("q")
        self._hashes = array("q")
        self._brings = array("b")
        self._brings_frames = array("b")
        self._pages = array("q")

    def add(self, found: WindowEvent, part: int = 1) -> None:
        """Write an event of the part of that number.

        Raises:
            RecordingTooLarge: if it has, or with it the recording has, too many values.
            RecordingInvalid: if there are too many windows.
        """
        self._meters.check_event(found.text)
        values = count_values(found.text)
        self._meters.values.add(values)
        self._file.write(found.text)
        self._stamps.append(found.stamp)
        self._window.append(self._number(found.window))
        self._kinds.append(min(found.kind, LARGEST_CODE))
        source = found.source
        self._sources.append(-1 if source is None else source if 0 <= source < LARGEST_CODE else LARGEST_CODE)
        self._sizes.append(len(found.text))
        self._values.append(values)
        self._parts.append(part)
        self._lines.append(found.place.line)
        self._bytes.append(found.place.byte)
        self._pages.append(found.page)
        self._brings.append(found.brings)
        self._brings_frames.append(found.brings and any(sign in found.text for sign in _FRAME_SIGNS))
        # Python's own hash of bytes, SipHash with a secret key: nobody can make two events of one hash, and it takes a
        # fifth of the time of a cryptographic one.
        self._hashes.append(hash(found.text))

    def __len__(self) -> int:
        """How many events there are."""
        return len(self._sizes)

    @property
    def windows(self) -> list[str | None]:
        """Names of the windows, by number."""
        return list(self._windows)

    @property
    def stamp(self) -> NDArray[np.float64]:
        """Timestamp of each event, in milliseconds since 1970."""
        return np.frombuffer(self._stamps, np.float64)

    @property
    def window(self) -> NDArray[np.int16]:
        """Number of each event's window."""
        return np.frombuffer(self._window, np.int16)

    @property
    def kind(self) -> NDArray[np.int8]:
        """Type of each event."""
        return np.frombuffer(self._kinds, np.int8)

    @property
    def source(self) -> NDArray[np.int8]:
        """Source of each event, -1 if it has none."""
        return np.frombuffer(self._sources, np.int8)

    @property
    def size(self) -> NDArray[np.uint32]:
        """Bytes of each event's text."""
        return np.frombuffer(self._sizes, np.uint32)

    @property
    def values(self) -> NDArray[np.uint32]:
        """JSON values of each event, at most."""
        return np.frombuffer(self._values, np.uint32)

    @property
    def part(self) -> NDArray[np.int32]:
        """Number of the part, from 1, that each event stands in."""
        return np.frombuffer(self._parts, np.int32)

    @property
    def line(self) -> NDArray[np.int64]:
        """Line of its part, from 1, in which each event begins."""
        return np.frombuffer(self._lines, np.int64)

    @property
    def byte(self) -> NDArray[np.int64]:
        """Byte of its part, from 0, at which each event begins."""
        return np.frombuffer(self._bytes, np.int64)

    @property
    def hash(self) -> NDArray[np.int64]:
        """Hash of each event's text, which holds in this process: events of one hash are taken for the same."""
        return np.frombuffer(self._hashes, np.int64)

    @property
    def brings(self) -> NDArray[np.bool_]:
        """Whether each event brings nodes into the page."""
        return np.frombuffer(self._brings, np.bool_)

    @property
    def page(self) -> NDArray[np.int64]:
        """What each event tells of the page (`tell_page`)."""
        return np.frombuffer(self._pages, np.int64)

    @property
    def brings_frames(self) -> NDArray[np.bool_]:
        """Whether there may be a frame among the nodes that each event brings."""
        return np.frombuffer(self._brings_frames, np.bool_)

    def read(self, rows: Iterable[Any]) -> Iterator[bytes]:
        """Yield the texts of these events."""
        ends, sizes = self._ends, self._sizes
        for row in rows:
            end = int(ends[row])
            begin = end - sizes[row]
            if self._at != begin:
                self._file.seek(begin)
            text = self._file.read(end - begin)
            self._at = end
            yield text

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """Where each event's text ends in the file. Called when all are there."""
        self._file.seek(0)
        return np.cumsum(self.size, dtype=np.int64)

    def _number(self, window: str | None) -> int:
        name = window if window is None else whole_text(window[:LONGEST_WINDOW_NAME])
        if name not in self._windows and len(self._windows) == MAX_WINDOWS:
            raise RecordingInvalid(f"the recording names more than {MAX_WINDOWS:,} windows: give one session")
        return self._windows.setdefault(name, len(self._windows))
