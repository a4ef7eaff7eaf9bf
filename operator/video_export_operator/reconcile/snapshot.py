"""What the cluster has for a resource at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from video_export_operator.controllers import own_pods
from video_export_operator.manifests import Ref
from video_export_operator.plan import deployment_ref, size_ref
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.sharing import take_share
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.resource.replica_sets import LiveReplicaSet
from video_export_operator.scaling import Observation


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the cluster has for a resource at one moment.

    Attributes:
        at: seconds of the monotonic clock.
        body: the resource as the API server has it, with its status.
        children: fingerprints of what is there beside the Deployment.
        scheduled: fewest pods that the schedule asks for.
        writers: who else has written what is beside the Deployment.
        shares: resources that follow the same queue, this one too, and their part of what waits there.
        sets: ReplicaSets of the Deployment.
        now: wall clock in seconds since the epoch.
    """

    resource: VideoExportWorker
    at: float
    body: Mapping[str, Any]
    deployment: LiveDeployment | None
    pods: tuple[LivePod, ...]
    children: Mapping[Ref, str]
    scheduled: int = 0
    shares: Mapping[Key, float] = field(default_factory=dict)
    sets: tuple[LiveReplicaSet, ...] = ()
    writers: Mapping[Ref, str] = field(default_factory=dict)
    now: float = 0.0

    @property
    def found(self) -> Mapping[Ref, str]:
        """Fingerprint of each object that is there."""
        if self.deployment is None:
            return self.children
        return {**self.children, deployment_ref(self.resource.name): self.deployment.fingerprint}

    @property
    def all_writers(self) -> Mapping[Ref, str]:
        """Who else has written each object."""
        name, live = self.resource.name, self.deployment
        own = {deployment_ref(name): live.writer, size_ref(name): live.writer} if live is not None else {}
        return {**self.writers, **own}

    def observation(self, memory: Memory) -> Observation:
        """Return what a decision takes."""
        live = self.deployment
        return Observation(
            at=self.at,
            present=self.present(memory.size),
            pods=self.pods,
            queue=take_share(memory.poll.queue, self.shares.get(self.resource.key, 1.0)),
            failures=memory.poll.failures,
            rolling=live is not None and live.rolling,
            open_executions=memory.poll.open_executions,
            count_refused=memory.poll.count_refused,
            scheduled=self.scheduled,
            size=live.size if live is not None else None,
            owned=own_pods(live, self.sets, self.pods) if live is not None and self.sets else None,
            now=self.now,
        )

    def present(self, size: tuple[str, int] | None) -> int:
        """Return the size last decided on, whatever somebody made of it since.

        A Deployment that somebody deleted comes back as it was. After a restart the larger of two sizes is taken where
        somebody else has changed it: that interrupts nothing.
        """
        told, live = int((self.body.get("status") or {}).get("desiredReplicas", 0)), self.deployment
        if live is None:
            return told
        if size is not None and size[0] == live.uid:
            return size[1]
        return live.size if live.size_is_ours else max(live.size, told)

    def is_at_zero(self, size: tuple[str, int] | None) -> bool:
        """Return whether there are no pods and none are asked for."""
        live = self.deployment
        return all(pod.is_lost(self.now) for pod in self.pods) and (
            live is None or not max(live.size, self.present(size))
        )
