"""Which pods a smaller size takes, computed, and taken by the real controllers of Kubernetes."""

from __future__ import annotations

import os
import time

from dev.control_plane import ControlPlane
from tests.integration.operator.cluster import Namespace
from tests.integration.operator.situations import Api, Cluster, Situation
from video_export_operator.controllers import VICTIM_COST, Taken, plan_shrink, pods_taken

FIRST = int(os.environ.get("VIDEO_EXPORT_FIRST_SITUATION", "0"))
SITUATIONS = int(os.environ.get("VIDEO_EXPORT_SITUATIONS", "40"))
"""How many; a hundred more take about a minute more."""


def test_the_pods_that_go_are_the_computed_ones_and_planned_shrinks_take_idle_ones_alone(
    control_plane: ControlPlane, namespace: Namespace
) -> None:
    drawn = [Situation.of(FIRST + number) for number in range(SITUATIONS)]
    cluster = Cluster(Api.of(control_plane), namespace.name, {each.name: each for each in drawn})
    cluster.prepare()
    scaled = [Scaled(cluster, each) for each in drawn[::2]]
    shrunk = [Shrunk(cluster, each) for each in drawn[1::2]]
    cluster.set_costs({pod: cost for each in shrunk for pod, cost in each.costs.items()})
    cluster.settle("the controllers have seen the costs")
    for each in (*scaled, *shrunk):
        each.compute(time.time())
    cluster.each(lambda each: each.act(), [*scaled, *shrunk])
    cluster.settle("every size is reached")
    wrong = [problem for each in (*scaled, *shrunk) if (problem := each.problem())]
    exact = sum(each.taken.certain == each.taken.possible for each in scaled)
    several = sum(sum(bool(owned.pods) for owned in each.owned.sets) > 1 for each in scaled)
    planned = [each.plan for each in shrunk if each.plan is not None]
    pods = sum(len(each.victims) for each in planned)
    print(f"{len(scaled)} sizes, {several} with pods of several ReplicaSets, {exact} that leave no choice", end="; ")
    print(f"{len(planned)} of {len(shrunk)} shrinks of {pods} pods; {len(wrong)} wrong")
    assert not wrong, "\n\n".join(wrong)
    assert planned


class Scaled:
    """A situation whose size is changed, whoever has to go."""

    def __init__(self, cluster: Cluster, situation: Situation) -> None:
        self.cluster, self.situation = cluster, situation
        self.owned, self.before = cluster.owned(situation), cluster.names(situation)
        self.taken = self.at_rest = Taken(frozenset(), frozenset())

    def compute(self, now: float) -> None:
        """Compute which pods go."""
        self.owned, self.before = self.cluster.owned(self.situation), self.cluster.names(self.situation)
        self.taken = pods_taken(self.owned, self.situation.wanted, now)
        self.at_rest = pods_taken(self.owned, self.situation.size, now)

    def act(self) -> None:
        """Change the size."""
        self.cluster.scale(self.situation, self.situation.wanted)

    @property
    def gone(self) -> frozenset[str]:
        """Pods that went."""
        return self.before - self.cluster.names(self.situation)

    def problem(self) -> str:
        """What was computed wrongly; empty where nothing was."""
        if self.taken.certain <= self.gone <= self.taken.possible and not self.at_rest.possible:
            return ""
        return f"{self.situation}\n{self.owned}\n{self.taken}\nat rest: {self.at_rest}\ngone: {sorted(self.gone)}"


class Shrunk(Scaled):
    """A situation in which some pods are idle, and only they may go."""

    def __init__(self, cluster: Cluster, situation: Situation) -> None:
        super().__init__(cluster, situation)
        chance, unassigned = situation.chance, {pod.name for pod in self.owned.pods if not pod.assigned}
        self.idle = {name for name in sorted(self.before) if chance.random() < 0.6} | unassigned
        self.plan = plan_shrink(self.owned, situation.wanted, situation.size, self.idle, time.time())

    @property
    def costs(self) -> dict[str, int]:
        """The costs to write before the size."""
        victims = self.plan.victims if self.plan is not None else ()
        return {**dict.fromkeys(self.before, 0), **dict.fromkeys(victims, VICTIM_COST)}

    def act(self) -> None:
        """Change the size as it was planned."""
        if self.plan is not None:
            self.cluster.scale(self.situation, self.plan.size)

    def problem(self) -> str:
        """What was planned wrongly."""
        if self.gone <= self.idle and (self.plan is not None or not self.gone):
            return ""
        return f"{self.situation}\n{self.owned}\n{self.plan}\nbusy and gone: {sorted(self.gone - self.idle)}"
