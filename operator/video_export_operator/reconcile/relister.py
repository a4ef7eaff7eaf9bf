"""Lists what there is, by name: a watch that was away does not show what was deleted meanwhile."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from video_export_operator.cluster import Cluster
from video_export_operator.errors import OperatorError
from video_export_operator.reconcile.store import Store

log = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two lists; each has names alone."""
SOON = 2.0
"""Seconds after which there is a list when a watch has begun anew: the other watches mostly do so at the same time."""
MADE = (("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("v1", "Pod"))
"""What is made for a resource and decides about its size. What stands beside that is read again anyway."""


@dataclass(frozen=True)
class Relister:
    """Drops what is not there any more.

    Attributes:
        namespaces: those that are served; none means all.
        label_selector: of the resources that are served.
    """

    cluster: Cluster
    store: Store
    namespaces: Sequence[str]
    label_selector: str
    _noticed: asyncio.Event = field(default_factory=asyncio.Event)

    def notice(self) -> None:
        """List soon: a watch has begun anew."""
        self._noticed.set()

    async def run(self) -> None:
        """List until cancelled."""
        while True:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._noticed.wait()
                await asyncio.sleep(SOON)
            self._noticed.clear()
            try:
                await self.relist()
            except OperatorError as error:
                log.warning("what there is could not be listed, which is tried again: %s", error)

    async def relist(self) -> None:
        """List once."""
        known, made = self.store.known(), self.store.made()  # what comes while the lists are made is not in them
        namespaces: Sequence[str | None] = self.namespaces or (None,)
        lists = [await self.cluster.list_resources(each, self.label_selector) for each in namespaces]
        self.store.drop_all(known - set().union(*lists))
        there = [await self.cluster.list_made(*kind, each) for each in namespaces for kind in MADE]
        self.store.drop_made(made - set().union(*there))
