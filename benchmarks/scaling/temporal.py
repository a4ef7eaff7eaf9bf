"""A model of one Temporal task queue and its workers, as far as scaling can tell."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.traces import Export, Step
from video_export_operator.scaling import Backlog, WorkerReport

STATISTICS_AGE = 5.01
"""Seconds for which DescribeTaskQueue answers what it answered before."""
HEARTBEAT = 10.0
"""Seconds between two heartbeats of a worker; the first comes after one of these."""
GHOST = 300.0
"""Seconds for which a worker that has ended is still listed."""
HEARTBEAT_TIMEOUT = 30.0
"""Seconds after which the activity of a killed worker is tried again."""
VISIBILITY_DELAY = 2.0
"""Seconds until a workflow that has begun or ended is counted so; two to four are usual."""
DEAD_TASK = 0.005
"""Seconds to find out that a polled task belongs to a workflow that is gone."""
RATE_WINDOW = 30.0
"""Seconds over which Temporal's rates are means."""
FAILS_AFTER = 2.0
"""Seconds that an attempt takes which fails."""


class Unreachable(Exception):
    """Temporal does not answer."""


class Refused(Exception):
    """Temporal does not say what the workers do."""


@dataclass(eq=False)
class Run:
    """One execution: the stage it is in and what is left of it."""

    export: Export
    stage: int = -1
    left: int = 0
    closed: bool = False
    closed_at: float | None = None


@dataclass(eq=False)
class Task:
    """An activity; `runnable` is when the workflow, or its retry, could have gone on with it."""

    run: Run
    step: Step
    runnable: float
    attempt: int = 0
    began: float = 0.0


@dataclass(eq=False)
class Worker:
    """The worker of one pod, from its first poll on; `taken` is when somebody decided that the pod goes."""

    name: str
    slots: int
    polling: bool = True
    running: list[Task] = field(default_factory=list)
    processed: int = 0
    taken: float | None = None

    @property
    def free(self) -> int:
        return self.slots - len(self.running) if self.polling else 0


class TaskQueue:
    """Workflow tasks are done at once by any worker that polls; activities take slots, fairly between tenants.

    Args:
        clock: the time.
        random: which of the free slots gets a task.
        outages: from when to when the scalers, not the workers, cannot reach it.
        refusals: from when to when it does not list the workers.
        rate_limit: activities a second that the queue hands out at most.
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        outages: Iterable[tuple[float, float]] = (),
        refusals: Iterable[tuple[float, float]] = (),
        rate_limit: float | None = None,
    ) -> None:
        self.clock = clock
        self.random = random
        self.outages = tuple(outages)
        self.refusals = tuple(refusals)
        self.rate_limit = rate_limit
        self.runs: list[Run] = []
        self.waits: list[float] = []
        self.interrupted = 0
        self.raced = 0
        self.first_poll: float | None = None
        self._workflows: deque[tuple[Run, float]] = deque()
        self._activities: list[tuple[int, int, Task]] = []
        self._stuck: list[float] = []
        self._dispatched: deque[float] = deque()
        self._next_dispatch = 0.0
        self._order = itertools.count()
        self._passes: dict[str, int] = defaultdict(int)
        self._pass = 0
        self._open = 0
        self._workers: dict[str, Worker] = {}
        self._reports: dict[str, WorkerReport] = {}
        self._statistics: dict[str, tuple[float, Backlog]] = {}
        self._last_poll: float | None = None
        self._matching = False

    # What clients do

    def start(self, export: Export) -> None:
        run = Run(export)
        self.runs.append(run)
        self._count(1)
        self._workflows.append((run, self.clock.now))
        if export.terminated_at is not None:
            self.clock.at(export.terminated_at, lambda: self._close(run))
        self._match()

    # What workers do

    def join(self, worker: Worker) -> None:
        """A worker begins to poll."""
        if self.first_poll is None:
            self.first_poll = self.clock.now
        self._workers[worker.name] = worker
        self._last_poll = self.clock.now
        self.clock.after(HEARTBEAT, lambda: self._beat(worker))
        self._match()

    def leave(self, worker: Worker) -> None:
        """A worker has ended; what it ran is tried again when its heartbeats have been missing for long enough."""
        del self._workers[worker.name]
        self.clock.after(GHOST, lambda: self._forget(worker))
        for task in worker.running:
            self.interrupted += 1
            self.raced += worker.taken is not None and task.began >= worker.taken
            self._retry(task, HEARTBEAT_TIMEOUT)
        worker.running.clear()

    def _forget(self, worker: Worker) -> None:
        self._reports.pop(worker.name, None)

    # What scalers see

    def describe(self, kind: str) -> int:
        """The number of waiting tasks, as the server knew it a few seconds ago.

        Raises:
            Unreachable: there is no answer.
        """
        return self.statistics(kind).tasks

    def statistics(self, kind: str) -> Backlog:
        """What waits, as the server knew it a few seconds ago.

        Raises:
            Unreachable: there is no answer.
        """
        self._reach()
        known = self._statistics.get(kind)
        if known is None or self.clock.now - known[0] >= STATISTICS_AGE:
            found = self._workflow_backlog() if kind == "workflow" else self._activity_backlog()
            known = self._statistics[kind] = (self.clock.now, found)
        return known[1]

    def list_workers(self) -> Mapping[str, WorkerReport]:
        """What the workers said in their heartbeats.

        Raises:
            Refused: it does not say.
        """
        self._reach()
        if any(begin <= self.clock.now < end for begin, end in self.refusals):
            raise Refused
        return dict(self._reports)

    def last_poll(self) -> float | None:
        """When anybody last polled; who waits for work does all the time."""
        self._reach()
        if any(worker.polling for worker in self._workers.values()):
            return self.clock.now
        return self._last_poll

    def count_open(self) -> int:
        self._reach()
        return self._open

    @property
    def waiting_workflows(self) -> int:
        return len(self._workflows)

    @property
    def waiting_activities(self) -> int:
        return len(self._activities) + len(self._stuck)

    def _workflow_backlog(self) -> Backlog:
        since = min((since for _, since in self._workflows), default=self.clock.now)
        return Backlog(len(self._workflows), self.clock.now - since)

    def _activity_backlog(self) -> Backlog:
        since = min([*self._stuck, *(task.runnable for _, _, task in self._activities)], default=self.clock.now)
        while self._dispatched and self._dispatched[0] < self.clock.now - RATE_WINDOW:
            self._dispatched.popleft()
        return Backlog(
            self.waiting_activities,
            self.clock.now - since,
            dispatch_rate=len(self._dispatched) / RATE_WINDOW,
            rate_limit=self.rate_limit,
        )

    def _reach(self) -> None:
        if any(begin <= self.clock.now < end for begin, end in self.outages):
            raise Unreachable

    def ask_workers(self) -> Mapping[str, int]:
        """What the workers run at this moment, as their pods' metrics tell, whether Temporal can be reached or not."""
        return {name: len(worker.running) for name, worker in self._workers.items()}

    # How it works

    def _beat(self, worker: Worker) -> None:
        if worker.name not in self._workers:
            return
        self._reports[worker.name] = WorkerReport(len(worker.running), worker.processed, self.clock.now)
        self.clock.after(HEARTBEAT, lambda: self._beat(worker))

    def _match(self) -> None:
        """Give tasks to those who poll. What belongs to a closed workflow costs a moment and goes."""
        if self._matching:
            return
        pollers = [worker for worker in self._workers.values() if worker.polling]
        if not pollers:
            return
        self._last_poll = self.clock.now
        dead = self._match_workflows() or self._match_activities(pollers)
        if dead:
            self._matching = True
            self.clock.after(DEAD_TASK, self._go_on)

    def _go_on(self) -> None:
        self._matching = False
        self._match()

    def _match_workflows(self) -> bool:
        """Return whether a dead task was met."""
        while self._workflows:
            run, since = self._workflows.popleft()
            if run.closed:
                return True
            self._advance(run, since)
        return False

    def _match_activities(self, pollers: list[Worker]) -> bool:
        free = [worker for worker in pollers for _ in range(worker.free)]
        while self._activities and free and self._may_dispatch():
            turn, _, task = heapq.heappop(self._activities)
            if task.run.closed:
                return True
            self._pass = turn
            self._begin(task, free.pop(self.random.randrange(len(free))))
        return False

    def _may_dispatch(self) -> bool:
        """Return whether the rate limit lets one more go; if not, matching goes on when it does."""
        if self.rate_limit is None:
            return True
        if self.clock.now < self._next_dispatch:
            self.clock.at(self._next_dispatch, self._match)
            return False
        self._next_dispatch = self.clock.now + 1.0 / self.rate_limit
        return True

    def _advance(self, run: Run, since: float) -> None:
        """Do a workflow task: go on to the next stage when this one is complete."""
        if run.left:
            return
        run.stage += 1
        if run.stage == len(run.export.stages):
            self._close(run)
            return
        steps = run.export.stages[run.stage]
        run.left = len(steps)
        if run.stage == run.export.pinned_stage:
            self._stuck += [since] * len(steps)
            return
        for step in steps:
            self._queue(Task(run, step, since))

    def _close(self, run: Run) -> None:
        if not run.closed:
            run.closed, run.closed_at = True, self.clock.now
            self._count(-1)

    def _count(self, change: int) -> None:
        def count() -> None:
            self._open += change

        self.clock.after(VISIBILITY_DELAY, count)

    def _queue(self, task: Task) -> None:
        """Put an activity behind as many of its tenant as others have had their turn (fairness keys)."""
        tenant = task.run.export.tenant
        turn = self._passes[tenant] = max(self._pass, self._passes[tenant]) + 1
        heapq.heappush(self._activities, (turn, next(self._order), task))

    def _begin(self, task: Task, worker: Worker) -> None:
        self.waits.append(self.clock.now - task.runnable)
        self._dispatched.append(self.clock.now)
        task.began = self.clock.now
        worker.running.append(task)
        fails = task.attempt < len(task.step.retries)
        self.clock.after(FAILS_AFTER if fails else task.step.seconds, lambda: self._end(task, worker, fails))

    def _end(self, task: Task, worker: Worker, failed: bool) -> None:
        if task not in worker.running:
            return  # its pod was killed
        worker.running.remove(task)
        worker.processed += 1
        if failed:
            task.attempt += 1
            self._retry(task, task.step.retries[task.attempt - 1])
        else:
            task.run.left -= 1
            if not task.run.left:
                self._workflows.append((task.run, self.clock.now))
        self._match()

    def _retry(self, task: Task, pause: float) -> None:
        again = Task(task.run, task.step, self.clock.now + pause, task.attempt)

        def queue() -> None:
            self._queue(again)
            self._match()

        self.clock.after(pause, queue)
