"""What is remembered of one resource between two reconciliations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from video_export_operator.errors import OperatorError
from video_export_operator.manifests import Ref
from video_export_operator.plan import Applied, Wanted, build_wanted
from video_export_operator.resource import VideoExportWorker, parse_resource
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.scaling import Memory, QueueState
from video_export_operator.status import REFRESH
from video_export_operator.temporal_queue import Endpoint

NEVER = float("-inf")
REPORT_GRACE = 75.0
"""Seconds that a ready pod may be without a heartbeat before that is told; the SDK's default interval is 60 s."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is to do for a resource, and what there is to do it to.

    Attributes:
        replicas: the size decided on.
        secrets: hash of what the Secrets of the resource hold.
        children: fingerprints of what is there beside the Deployment.
    """

    generation: int
    dry_run: bool
    replicas: int
    secrets: str
    deployment: LiveDeployment | None
    children: Mapping[Ref, str]


@dataclass
class Record:
    """The mutable past of one resource; times are seconds of the monotonic clock.

    Attributes:
        queue: the newest answer of Temporal.
        failures: attempts that failed since.
        silence: the last of them.
        secrets: hash of what the Secrets of the resource hold; None until all of them could be read.
        asked_at: when Temporal was last asked, and `asked_all_at` when for everything.
        interval: the effective one, in seconds.
        resynced_at: when everything was last read from the API server.
        problem: what the last actions failed with, and `attempts` how often in a row.
        retry_at: when to act again after a failure; sooner if `tried` (what was to be done) changes.
        told_at: when the status was last written.
        in_place: what was decided when there was nothing left to do about it.
        told: what the last report was made of, and when; None if it did not arrive.
        completed_at: time of the last answer of Temporal that was completed by asking pods.
        by_metrics: pods that have no heartbeat and said on their metrics port what they do.
    """

    uid: str
    memory: Memory = field(default_factory=Memory)
    applied: Applied = field(default_factory=Applied)
    endpoint: Endpoint | None = None
    queue: QueueState | None = None
    failures: int = 0
    silence: OperatorError | None = None
    secret_problem: OperatorError | None = None
    secrets: str | None = None
    asked_all_at: float = NEVER
    asked_at: float = NEVER
    interval: float = 0.0
    resynced_at: float = NEVER
    problem: OperatorError | None = None
    attempts: int = 0
    retry_at: float = NEVER
    tried: Situation | None = None
    told_at: float = NEVER
    in_place: Situation | None = None
    told: tuple[object, float] | None = None
    completed_at: float = NEVER
    by_metrics: frozenset[str] = frozenset()
    ready_since: dict[str, float] = field(default_factory=dict)
    _parsed: tuple[object, VideoExportWorker] | None = None
    _wanted: tuple[object, Wanted] | None = None

    def parse(self, body: Mapping[str, Any]) -> VideoExportWorker:
        """Return the resource as typed values, parsed once for each version of its spec."""
        metadata = body["metadata"]
        version = (metadata["uid"], metadata.get("generation"), metadata.get("annotations"))
        if self._parsed is None or self._parsed[0] != version:
            self._parsed = (version, parse_resource(body))
        return self._parsed[1]

    def wanted(self, resource: VideoExportWorker, replicas: int, secrets: str) -> Wanted:
        """Return what should be there, built once for each version of the spec, size and Secrets."""
        which = (resource.uid, resource.generation, replicas, secrets)
        if self._wanted is None or self._wanted[0] != which:
            self._wanted = (which, build_wanted(resource, replicas, secrets))
        return self._wanted[1]

    def present(self, live: LiveDeployment) -> int:
        """Return the size last decided on: what was applied, whatever somebody made of it since."""
        size = self.applied.size
        return size[1] if size is not None and size[0] == live.uid else live.decided

    def rest(self, decided: Situation) -> None:
        """Remember that nothing is left to do; what was wanted can be built again."""
        self.problem, self.attempts, self.in_place = None, 0, decided
        self._wanted = None

    def is_news(self, news: object, at: float) -> bool:
        """Return whether there may be something to tell: something differs, or numbers have waited for their time."""
        if self.told is not None and self.told[0] == news and at - self.told[1] < REFRESH:
            return False
        self.told = (news, at)
        return True

    def silent_pods(self, pods: Iterable[LivePod], at: float) -> tuple[str, ...]:
        """Return the pods that have been ready for long and of whose worker Temporal has never heard."""
        heard = self.memory.pods.keys() - self.by_metrics
        mute = {pod.name for pod in pods if pod.ready and not pod.terminating and pod.name not in heard}
        self.ready_since = {name: self.ready_since.get(name, at) for name in mute}
        return tuple(name for name, since in self.ready_since.items() if at - since >= REPORT_GRACE)
