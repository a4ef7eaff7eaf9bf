"""Decides on a snapshot and plans what to do about it. Nothing is read or written here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from video_export_operator.controllers import own_pods
from video_export_operator.manifests import Ref
from video_export_operator.plan import (
    NOTHING,
    Due,
    Plan,
    Protect,
    Replace,
    Wanted,
    deployment_ref,
    dry_run_digests,
    find_due,
    find_replaceable,
    find_unprotected,
    plan_marks,
    plan_objects,
    plan_protection,
    plan_rollout,
    plan_size,
    size_ref,
    wanted_of_marks,
    wanted_of_protection,
    wanted_of_rollout,
    wanted_of_size,
)
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
    def is_applied(self) -> bool:
        """Whether the Deployment has the size that was decided on."""
        live = self.snapshot.deployment
        return live is not None and not self.snapshot.resource.dry_run and live.size == self.decision.replicas


def take_step(snapshot: Snapshot, memory: Memory, caches: Caches) -> Step:
    """Return what to do about what is known of a resource."""
    resource, live, known = snapshot.resource, snapshot.deployment, memory.turn.secrets
    decision, remembered = decide(resource.spec, snapshot.observation(memory), memory.scaling)
    # While the Secrets cannot be read, pods keep what they were given.
    secrets = known if known is not None else live.secrets if live is not None else ""
    wanted = caches.wanted(resource, secrets)
    digests, found = _compare(snapshot, decision, wanted)
    due, left = find_due(memory.objects, digests, found, snapshot.at, snapshot.all_writers)
    memory = replace(
        memory,
        scaling=remembered,
        count_wanted=decision.count_wanted,
        objects=left,
        size_waits=_size_waits(snapshot, decision, due),
    )
    step = Step(snapshot, decision, memory, due, NOTHING)
    return replace(step, plan=_plan(step, wanted)) if due else step


def _compare(snapshot: Snapshot, decision: Decision, wanted: Wanted) -> tuple[Mapping[Ref, str], Mapping[Ref, str]]:
    """Return what is wanted of each object, and what is there."""
    name, live = snapshot.resource.name, snapshot.deployment
    if snapshot.resource.dry_run:
        return dry_run_digests(wanted, name), {}
    size, size_found = wanted_of_size(name, decision, live)
    marks, marks_found = wanted_of_marks(name, live, snapshot.pods)
    protection, protection_found = wanted_of_protection(name, _find_unprotected(snapshot, decision))
    rollout, rollout_found = wanted_of_rollout(name, _find_replaceable(snapshot, decision))
    return (
        {**wanted.digests, **size, **marks, **protection, **rollout},
        {**snapshot.found, **size_found, **marks_found, **protection_found, **rollout_found},
    )


def _find_replaceable(snapshot: Snapshot, decision: Decision) -> Replace | None:
    """Return which pods of an older template may go; none while the size has to change as well."""
    live = snapshot.deployment
    if live is None or live.size != decision.replicas or not snapshot.sets:
        return None
    owned = own_pods(live, snapshot.sets, snapshot.pods)
    return find_replaceable(snapshot.resource.spec, owned, live.size, decision.workload.idle, snapshot.now)


def _find_unprotected(snapshot: Snapshot, decision: Decision) -> Protect | None:
    """Return which pods node autoscalers have to be told about."""
    return find_unprotected(snapshot.resource.spec, snapshot.pods, decision.workload)


def _size_waits(snapshot: Snapshot, decision: Decision, due: Mapping[Ref, Due]) -> bool:
    """Return whether a smaller size comes after the template: a rollout that begins now would change which pods go."""
    name, live = snapshot.resource.name, snapshot.deployment
    smaller = live is not None and decision.replicas < live.size
    return smaller and {size_ref(name), deployment_ref(name)} <= due.keys()


def _plan(step: Step, wanted: Wanted) -> Plan:
    """Return what to do about the objects that are due."""
    snapshot, decision, due = step.snapshot, step.decision, step.due
    name, live, left = snapshot.resource.name, snapshot.deployment, step.memory.objects
    if snapshot.resource.dry_run:
        return Plan(check=wanted.build().workload)
    is_new = (snapshot.body.get("status") or {}).get("observedGeneration") != snapshot.resource.generation
    plan = plan_objects(wanted, due, left, decision.replicas, is_new)
    others = (*plan_protection(name, _find_unprotected(snapshot, decision), due), *plan_marks(name, due))
    if live is not None and size_ref(name) in due and not step.memory.size_waits:
        others += plan_size(name, decision, live)
    if deployment_ref(name) not in due:
        others += plan_rollout(name, _find_replaceable(snapshot, decision), due)
    return replace(plan, others=others)
