"""Runs reconciliations when they are due: one at a time for each resource, any number of resources at once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from video_export_operator.errors import NotLeading, OperatorError
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile.memory import Memory, begin_memory
from video_export_operator.reconcile.reconciler import Reconciler
from video_export_operator.reconcile.schedule import Schedule
from video_export_operator.resource import Key

log = logging.getLogger(__name__)

SETTLE = 0.2
"""Seconds between two reconciliations of a resource: a change comes as a burst of events."""
OUT = 30.0
"""Seconds out of office after which what was remembered is out of date, even if no other replica acted."""
BACKOFF = (1.0, 60.0)
"""Seconds of the first and the longest wait after an error that ended a reconciliation."""


class Loop:
    """The operator's own loop. It acts only while this replica leads.

    Args:
        metrics: for the lateness.
        is_leading: whether to act.
        term: the same number again means that no other replica acted meanwhile.
        random: numbers from 0 to 1.
    """

    def __init__(
        self,
        metrics: Metrics,
        is_leading: Callable[[], bool],
        term: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self._metrics = metrics
        self._is_leading = is_leading
        self._term = term
        self._random = random
        self._schedule = Schedule()
        self._memories: dict[Key, Memory] = {}
        self._failures: dict[Key, int] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._ran: dict[Key, float] = {}
        self._changed = asyncio.Event()
        self._turned = time.monotonic()

    def wake(self, key: Key) -> None:
        """Make a resource due now."""
        if key in self._running:
            self._again.add(key)
            return
        self._schedule.set(key, max(time.monotonic(), self._ran.get(key, 0.0) + SETTLE))
        self._changed.set()

    def stuck_for(self, at: float) -> float:
        """Return for how long something that is due has not been begun, in seconds; a standby is never stuck."""
        due = self._schedule.next_due
        late = at - due if due is not None and self._is_leading() else 0.0
        return max(late, 0.0, at - self._turned - 60.0)

    async def run(self, reconciler: Reconciler) -> None:
        """Reconcile until cancelled."""
        term, led_at = None, time.monotonic()
        try:
            while True:
                if self._is_leading():
                    if term != self._term() or time.monotonic() - led_at > OUT:
                        self._begin(reconciler)
                    term, led_at = self._term(), time.monotonic()
                self._start_due(reconciler)
                await self._wait()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _begin(self, reconciler: Reconciler) -> None:
        """Begin to lead: what was remembered from an earlier time is out of date."""
        self._memories.clear()
        self._failures.clear()
        self._schedule.clear()
        for key in reconciler.store.resources:
            self.wake(key)

    def _start_due(self, reconciler: Reconciler) -> None:
        """Start every reconciliation that is due."""
        self._turned = time.monotonic()
        if not self._is_leading():
            return
        while (found := self._schedule.pop(time.monotonic())) is not None:
            key, due = found
            self._metrics.lateness.observe(max(0.0, time.monotonic() - due))
            self._running[key] = asyncio.create_task(self._run_one(key, reconciler), name=f"reconcile {key}")

    async def _wait(self) -> None:
        """Wait until something is due or changed; look at leadership at least each second."""
        due = self._schedule.next_due
        pause = 1.0 if due is None or not self._is_leading() else min(1.0, max(0.0, due - time.monotonic()))
        self._changed.clear()
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()

    async def _run_one(self, key: Key, reconciler: Reconciler) -> None:
        """Reconcile one resource and schedule it again, whatever happens."""
        due: float | None = None
        try:
            self._memories[key], due = await reconciler.reconcile(key, self._memory(key, reconciler))
            self._failures.pop(key, None)
        except NotLeading:
            due = time.monotonic()  # for when this replica leads again without another in between
        except OperatorError as error:
            due = self._after_failure(key, error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled this: a future did that a library had cancelled. It is no reason to forget the resource.
            log.exception("%s: cancelled by nobody", key, extra={"about": {"resource": str(key)}})
            due = self._after_failure(key, error)
        except Exception as error:  # one resource's fault must not end the others' loop
            log.exception("%s: unexpected", key, extra={"about": {"resource": str(key)}})
            due = self._after_failure(key, error)
        finally:
            self._running.pop(key, None)
            self._ran[key] = time.monotonic()
        self._continue(key, due, reconciler)

    def _memory(self, key: Key, reconciler: Reconciler) -> Memory:
        """Return the past of a resource; a new one of the same name has none."""
        body = reconciler.store.resources.get(key)
        known = self._memories.get(key)
        uid = body["metadata"]["uid"] if body is not None else known.uid if known is not None else ""
        return known if known is not None and known.uid == uid else begin_memory(uid, body)

    def _continue(self, key: Key, due: float | None, reconciler: Reconciler) -> None:
        """Schedule a resource again, or forget it when it is gone."""
        if due is None and key not in reconciler.store.resources:
            for known in (self._memories, self._failures, self._ran):
                known.pop(key, None)
            self._schedule.remove(key)
            reconciler.forget(key)
        elif due is not None:
            self._schedule.set(key, max(due, self._ran[key] + SETTLE))
        if key in self._again:
            self._again.discard(key)
            self.wake(key)
        self._changed.set()

    def _after_failure(self, key: Key, error: BaseException) -> float:
        """Return when to try again: later each time, and not all at once."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        self._metrics.errors.labels(getattr(error, "reason", "Unexpected")).inc()
        first, longest = BACKOFF
        pause: float = min(longest, first * 2 ** min(count - 1, 10)) * (0.5 + self._random() / 2)
        if isinstance(error, OperatorError):
            about = {"resource": str(key), "reason": error.reason}
            log.warning("%s: %s: %s; again in %.1f s", key, error.reason, error, pause, extra={"about": about})
        return time.monotonic() + pause
