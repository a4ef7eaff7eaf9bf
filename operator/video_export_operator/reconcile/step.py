"""Decides on a snapshot and plans what to do about it. Nothing is read or written here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from video_export_operator.manifests import Ref
from video_export_operator.plan import NOTHING, Due, Plan, Wanted, dry_run_digests, find_due, plan_objects
from video_export_operator.reconcile.caches import Caches
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.snapshot import Snapshot
from video_export_operator.scaling import Decision, decide


@dataclass(frozen=True)
class Step:
    """What was decided on a snapshot, and what to do about it.

    Attributes:
        memory: with what the decision remembers.
        due: the objects that the plan is about.
    """

    snapshot: Snapshot
    decision: Decision
    memory: Memory
    due: Mapping[Ref, Due]
    plan: Plan

    @property
    def present(self) -> int | None:
        """The size there was; None without a Deployment."""
        return self.snapshot.present(self.memory.size) if self.snapshot.deployment is not None else None

    @property
    def takes_pods(self) -> bool:
        """Whether there will be fewer pods."""
        live = self.snapshot.deployment
        return live is not None and self.decision.replicas < live.decided

    @property
    def is_applied(self) -> bool:
        """Whether the Deployment has the size that was decided on."""
        live = self.snapshot.deployment
        return live is not None and not self.snapshot.resource.dry_run and live.decided == self.decision.replicas


def take_step(snapshot: Snapshot, memory: Memory, caches: Caches) -> Step:
    """Return what to do about what is known of a resource."""
    resource, live, known = snapshot.resource, snapshot.deployment, memory.poll.secrets
    decision, remembered = decide(resource.spec, snapshot.observation(memory), memory.scaling)
    # While the Secrets cannot be read, pods keep what they were given.
    secrets = known if known is not None else live.secrets if live is not None else ""
    wanted = caches.wanted(resource, decision.replicas, secrets)
    digests, found = wanted.digests, snapshot.found
    if resource.dry_run:
        digests, found = dry_run_digests(wanted, resource.name), {}
    due, left = find_due(memory.objects, digests, found, snapshot.at)
    memory = replace(memory, scaling=remembered, count_wanted=decision.count_wanted, objects=left)
    step = Step(snapshot, decision, memory, due, NOTHING)
    return replace(step, plan=_plan(step, wanted)) if due else step


def _plan(step: Step, wanted: Wanted) -> Plan:
    """Return what to do about the objects that are due."""
    snapshot, decision = step.snapshot, step.decision
    if snapshot.resource.dry_run:
        return Plan(check=wanted.build().workload)
    is_new = (snapshot.body.get("status") or {}).get("observedGeneration") != snapshot.resource.generation
    return plan_objects(wanted, step.due, step.memory.objects, decision, step.present, snapshot.pods, is_new)
