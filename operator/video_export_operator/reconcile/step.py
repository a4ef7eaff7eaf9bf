"""Decides on a snapshot and plans what to do about it. Nothing is read or written here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from video_export_operator.controllers import own_pods
from video_export_operator.manifests import Ref
from video_export_operator.plan import (
    NOTHING,
    Change,
    Due,
    Plan,
    Wanted,
    change_marks,
    change_protection,
    change_rollout,
    change_size,
    deployment_ref,
    dry_run_digests,
    find_due,
    plan_objects,
    rollout_ref,
    size_ref,
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
    changes = () if resource.dry_run else _find_changes(snapshot, decision)
    digests = dry_run_digests(wanted, resource.name) if resource.dry_run else wanted.digests
    due, left = find_due(
        memory.objects,
        {**digests, **{change.ref: change.wanted for change in changes}},
        {} if resource.dry_run else {**snapshot.found, **{change.ref: change.found for change in changes}},
        snapshot.at,
        snapshot.all_writers,
    )
    memory = replace(
        memory,
        scaling=remembered,
        count_wanted=decision.count_wanted,
        objects=left,
        size_waits=_size_waits(snapshot, decision, due),
    )
    step = Step(snapshot, decision, memory, due, NOTHING)
    return replace(step, plan=_plan(step, wanted, changes)) if due else step


def _find_changes(snapshot: Snapshot, decision: Decision) -> tuple[Change, ...]:
    """Return what is not as it is wanted, beside the objects, in the order in which it is mended."""
    resource, name, live = snapshot.resource, snapshot.resource.name, snapshot.deployment
    found = (
        change_protection(resource.spec, name, snapshot.pods, decision.workload),
        change_marks(name, live, snapshot.pods),
        change_size(name, decision, live),
        _change_rollout(snapshot, decision),
    )
    return tuple(change for change in found if change is not None)


def _change_rollout(snapshot: Snapshot, decision: Decision) -> Change | None:
    """Return which pods of an older template may go; none while the size has to change as well."""
    live, spec = snapshot.deployment, snapshot.resource.spec
    if live is None or live.size != decision.replicas or not snapshot.sets:
        return None
    owned = own_pods(live, snapshot.sets, snapshot.pods)
    return change_rollout(spec, snapshot.resource.name, owned, live.size, decision.workload.idle, snapshot.now)


def _size_waits(snapshot: Snapshot, decision: Decision, due: Mapping[Ref, Due]) -> bool:
    """Return whether a smaller size comes after the template: a rollout that begins now would change which pods go."""
    name, live = snapshot.resource.name, snapshot.deployment
    smaller = live is not None and decision.replicas < live.size
    return smaller and {size_ref(name), deployment_ref(name)} <= due.keys()


def _plan(step: Step, wanted: Wanted, changes: tuple[Change, ...]) -> Plan:
    """Return what to do about what is due."""
    snapshot, due, name = step.snapshot, step.due, step.snapshot.resource.name
    if snapshot.resource.dry_run:
        return Plan(check=wanted.build().workload)
    is_new = (snapshot.body.get("status") or {}).get("observedGeneration") != snapshot.resource.generation
    plan = plan_objects(wanted, due, step.memory.objects, step.decision.replicas, is_new)
    later = {size_ref(name)} if step.memory.size_waits else set()
    later |= {rollout_ref(name)} if deployment_ref(name) in due else set()
    return replace(plan, others=tuple((each.ref, each.action) for each in changes if each.ref in due.keys() - later))
