"""Recordings that end the processes which read them: remembered in the storage, and refused for a day.

An attempt's process may die by the recording (it fills the memory, hangs the parser, crashes a codec) or by something
else. The same recording at the same place twice is no coincidence: it is not tried again, by nobody, for a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ValidationError

from video_export_worker.capacity.limits import expect_segment, memory_for
from video_export_worker.contract import ExportPlan
from video_export_worker.errors import RecordingTooHeavy
from video_export_worker.storage import Storage, join_uri

REMEMBERED: Final = timedelta(days=1)
DEATHS: Final = 2
ADVICE: Final = (
    "give the workers more memory (spec.resources.limits.memory), export a shorter range or a smaller size, "
    "or have the recording looked at"
)


LARGE_PAGE: Final = 20_000  # nodes from which on a page decides how much memory a segment needs


def advise(plan: ExportPlan) -> str:
    """What to do about a segment of a plan that takes too much: with numbers, where the page is what is large."""
    if plan.nodes < LARGE_PAGE:
        return ADVICE
    needed = memory_for(expect_segment(plan.width, plan.height, 1, plan.nodes)) / 2**30
    return f"its page has {plan.nodes:,} nodes, for which a worker should have {needed:.1f} GiB: {ADVICE}"


class Seen(BaseModel):
    """One death.

    Attributes:
        at: when.
        what: it was, with numbers.
    """

    at: datetime
    what: str


class Record(BaseModel):
    """What is remembered of a recording at one place."""

    deaths: list[Seen] = []

    def since(self, moment: datetime) -> Record:
        """Without what is older."""
        return Record(deaths=[death for death in self.deaths if death.at > moment])


@dataclass(frozen=True)
class Place:
    """Where a recording is read.

    Attributes:
        digest: of the recording.
        stage: as a message names it, such as `rendering of frames 0 to 249`.
        key: what else decides how it is read there: a hash, or nothing.
        advice: what to do about it.
    """

    digest: str
    stage: str
    key: str = ""
    advice: str = ADVICE

    @property
    def object_name(self) -> str:
        """Name of the object that remembers."""
        return hashlib.sha256(f"{self.stage}\n{self.key}".encode()).hexdigest()[:32] + ".json"


class HeavyRecordings:
    """The memory of a storage.

    Args:
        storage: where it is kept.
        root: URI below which.
        now: the time.
    """

    def __init__(self, storage: Storage, root: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._storage = storage
        self._root = root
        self._now = now

    async def refuse(self, place: Place) -> None:
        """Raises RecordingTooHeavy if the recording has ended too many processes there in the last day."""
        record = await self._read(place)
        if len(record.deaths) >= DEATHS:
            raise self._too_heavy(place, record)

    async def remember(self, place: Place, what: str) -> None:
        """Keep that the recording has ended a process. Raises RecordingTooHeavy if it was not the first time."""
        record = await self._read(place)
        record.deaths.append(Seen(at=self._now(), what=what))
        await self._storage.write(record.model_dump_json().encode(), self._uri(place))
        if len(record.deaths) >= DEATHS:
            raise self._too_heavy(place, record)

    async def _read(self, place: Place) -> Record:
        stored = await self._storage.read(self._uri(place))
        try:
            record = Record() if stored is None else Record.model_validate_json(stored)
        except ValidationError:
            record = Record()
        return record.since(self._now() - REMEMBERED)

    def _too_heavy(self, place: Place, record: Record) -> RecordingTooHeavy:
        until = max(death.at for death in record.deaths) + REMEMBERED
        whats = "; before that ".join(death.what for death in reversed(record.deaths[-DEATHS:]))
        return RecordingTooHeavy(
            f"{place.stage}: {whats}. It is refused until {until:%Y-%m-%d %H:%M} UTC; {place.advice}"
        )

    def _uri(self, place: Place) -> str:
        return join_uri(self._root, "too-heavy", place.digest, place.object_name)
