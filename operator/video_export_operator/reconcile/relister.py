"""Lists the resources once in a while: a watch that was away does not show which of them were deleted meanwhile."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from video_export_operator.cluster import Cluster
from video_export_operator.errors import OperatorError
from video_export_operator.reconcile.store import Store

log = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two lists; each has names alone."""


@dataclass(frozen=True)
class Relister:
    """Drops resources that are not there any more.

    Attributes:
        namespaces: those that are served; none means all.
        label_selector: of the resources that are served.
    """

    cluster: Cluster
    store: Store
    namespaces: Sequence[str]
    label_selector: str

    async def run(self) -> None:
        """List until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self.relist()
            except OperatorError as error:
                log.warning("the resources could not be listed, which is tried again: %s", error)

    async def relist(self) -> None:
        """List once."""
        before = self.store.known()  # what comes while the list is made is not in it
        lists = [await self.cluster.list_resources(each, self.label_selector) for each in self.namespaces or (None,)]
        self.store.drop_all(before - set().union(*lists))
