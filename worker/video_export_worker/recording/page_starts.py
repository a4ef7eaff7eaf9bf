"""Which full snapshots are of a page that was loaded, where the recorder notes no loads: it was started after them.

Such a recorder counts the nodes of each page from 1, in the order in which they stand in it. One that goes on and takes
another snapshot of its page gives the nodes the numbers that they had: what was removed is missing among them, and what
was added has a larger one than what follows. A page that was loaded mostly has another address, too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.events import Event, EventType, is_full_snapshot, list_objects

COUNTED: Final = 1


def tell_page(event: Event) -> int:
    """What an event tells of the page.

    Returns:
        Of a Meta event a hash of the page's address, which holds in this process; of a full snapshot `COUNTED` if its
        nodes are counted from 1 in their order; 0 for what tells nothing.
    """
    if is_full_snapshot(event):
        return COUNTED if _counts_from_one(event) else 0
    if event["type"] != EventType.META:
        return 0
    href = event["data"].get("href")
    address = href.partition("#")[0] if isinstance(href, str) else ""
    return hash(address) if address else 0


def _counts_from_one(event: Event) -> bool:
    waiting = [event["data"]["node"]]
    number = 0
    while waiting:
        node = waiting.pop()
        number += 1
        if node.get("id") != number:
            return False
        waiting += reversed(list_objects(node.get("childNodes")))
    return True


def find_starts(kind: NDArray[np.int8], page: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each full snapshot whether its page was loaded since the one before, as far as this can tell.

    Args:
        kind: Type of each event, in order of time; the first is a Meta event.
        page: What each event tells of the page.
    """
    snapshots = np.flatnonzero(kind == EventType.FULL_SNAPSHOT)
    metas = np.flatnonzero(kind == EventType.META)
    address = page[metas[np.searchsorted(metas, snapshots) - 1]]
    is_known = (address[1:] != 0) & (address[:-1] != 0)
    is_other = np.concatenate([[False], is_known & (address[1:] != address[:-1])])
    starts: NDArray[np.bool_] = is_other & (page[snapshots] == COUNTED)
    return starts
