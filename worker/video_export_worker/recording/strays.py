"""Which events of a recording are none of it: those that were delivered again, and those of another time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.events import EventType
from video_export_worker.recording.spool import Spool

LONGEST_PAUSE_MS: Final = 30 * 86_400_000.0  # no session pauses for so long


def find_repeated(spool: Spool) -> NDArray[np.bool_]:
    """Tell which events are there before, to the byte: pipelines deliver twice, and parts of a recording overlap.

    A page may well do the same thing twice in one millisecond, and a recorder notes it twice, one after the other. So
    an event is certain to be delivered again where others of another time lie between, or where it brings nodes. Where
    events that bring nodes come again, all that come again are deliveries.
    """
    order = np.lexsort((np.arange(len(spool)), spool.hash, spool.stamp, spool.window))
    keys = [column[order] for column in (spool.window, spool.stamp, spool.hash)]
    again = np.concatenate([[False], np.all([key[1:] == key[:-1] for key in keys], axis=0)])
    firsts = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))]
    moments = np.cumsum(np.concatenate([[0], spool.stamp[1:] != spool.stamp[:-1]]))
    is_apart = (moments[order] != moments[firsts]) | (spool.part[order] != spool.part[firsts])
    is_double = bool((again & spool.brings[order]).any())
    repeated = np.zeros(len(order), bool)
    repeated[order] = again & (is_double | is_apart)
    return repeated


def find_strays(spool: Spool) -> NDArray[np.bool_]:
    """Tell which events are of another time than the recording: a clock was wrong, or was set meanwhile.

    The recording is what has a full snapshot and the most events, between pauses of `LONGEST_PAUSE_MS`.
    """
    order = np.argsort(spool.stamp, kind="stable")
    times = np.concatenate([[0], np.cumsum(np.diff(spool.stamp[order]) > LONGEST_PAUSE_MS)])
    events = np.bincount(times)
    snapshots = np.bincount(times, weights=spool.kind[order] == EventType.FULL_SNAPSHOT)
    events[(snapshots == 0) | (events < 2)] = 0
    strays = np.zeros(len(order), bool)
    if events.any():
        strays[order] = times != np.argmax(events)
    return strays
