"""What the cluster has for a resource at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.manifests import Ref
from video_export_operator.plan import deployment_ref
from video_export_operator.reconcile.memory import Memory
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.scaling import Observation, Pod


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the cluster has for a resource at one moment.

    Attributes:
        at: seconds of the monotonic clock.
        body: the resource as the API server has it, with its status.
        children: fingerprints of what is there beside the Deployment.
        scheduled: fewest pods that the schedule asks for.
    """

    resource: VideoExportWorker
    at: float
    body: Mapping[str, Any]
    deployment: LiveDeployment | None
    pods: tuple[LivePod, ...]
    children: Mapping[Ref, str]
    scheduled: int = 0

    @property
    def is_at_zero(self) -> bool:
        """Whether there are no pods and none are asked for."""
        return not self.pods and (self.deployment is None or not self.deployment.decided)

    @property
    def found(self) -> Mapping[Ref, str]:
        """Fingerprint of each object that is there."""
        if self.deployment is None:
            return self.children
        return {**self.children, deployment_ref(self.resource.name): self.deployment.fingerprint}

    def observation(self, memory: Memory) -> Observation:
        """Return what a decision takes."""
        live = self.deployment
        return Observation(
            at=self.at,
            present=self.present(memory.size),
            pods=tuple(_pod(pod) for pod in self.pods),
            queue=memory.poll.queue,
            failures=memory.poll.failures,
            rolling=live is not None and live.rolling,
            open_executions=memory.poll.open_executions,
            count_refused=memory.poll.count_refused,
            scheduled=self.scheduled,
        )

    def present(self, size: tuple[str, int] | None) -> int:
        """Return the size last decided on: what was applied, whatever somebody made of it since.

        A Deployment that somebody deleted comes back as it was.
        """
        if self.deployment is None:
            return int((self.body.get("status") or {}).get("desiredReplicas", 0))
        return size[1] if size is not None and size[0] == self.deployment.uid else self.deployment.decided


def _pod(pod: LivePod) -> Pod:
    """Return what a decision needs of a pod."""
    return Pod(
        name=pod.name,
        started=pod.started,
        ready=pod.ready,
        assigned=pod.assigned,
        phase=pod.phase,
        terminating=pod.terminating,
        deletion_cost=pod.deletion_cost,
    )
