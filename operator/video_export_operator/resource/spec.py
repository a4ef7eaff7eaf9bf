"""The resource as typed values.

Defaults and bounds are those of crds/videoexportworkers.yaml; a test holds the two together.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from video_export_operator.resource.assets import Assets
from video_export_operator.resource.durations import Duration, parse_duration
from video_export_operator.resource.fields import (
    ADDRESS,
    CIDR,
    IMAGE,
    PROFILE,
    STORAGE_URI,
    Labels,
    Part,
    Port,
    Prefixes,
    Replicas,
    SecretKey,
    SecretName,
)
from video_export_operator.resource.schedule import check_cron, check_time_zone, is_within


class Tls(Part):
    """How the connection to Temporal is encrypted."""

    server_name: str | None = None
    ca_secret_ref: SecretName | None = None
    client_cert_secret_ref: SecretName | None = None


class Temporal(Part):
    """Where the queue is and how to get there."""

    address: Annotated[str, Field(max_length=300), AfterValidator(ADDRESS)]
    namespace: Annotated[str, Field(min_length=1, max_length=255)] = "default"
    task_queue: Annotated[str, Field(min_length=1, max_length=200)] = "video-export-task-queue"
    tls: Tls | None = None
    api_key_secret_ref: SecretKey | None = None

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> Self:
        if self.api_key_secret_ref and self.tls and self.tls.client_cert_secret_ref:
            raise ValueError("use one way to authenticate; remove either apiKeySecretRef or tls.clientCertSecretRef")
        return self


class Storage(Part):
    """Where results go."""

    uri: Annotated[str, Field(max_length=1024), AfterValidator(STORAGE_URI)]
    sources: Prefixes = ()
    outputs: Prefixes = ()
    secret_ref: SecretName | None = None


class Mode(StrEnum):
    """Who decides on the size."""

    AUTO = "Auto"
    MANUAL = "Manual"


class ScaleDown(Part):
    """When pods are taken away; seconds."""

    stabilization_window: Annotated[Duration, Field(le=3600)] = parse_duration("120s")
    min_idle: Annotated[Duration, Field(le=3600)] = parse_duration("30s")


class WhenUnreachable(Part):
    """The floor while Temporal does not answer; `after` in seconds."""

    after: Annotated[Duration, Field(le=86400)] = parse_duration("5m")
    replicas: Replicas = 0


class ScheduledMinimum(Part):
    """A minimum that holds for a while from each time of a cron expression on; `duration` in seconds."""

    cron: Annotated[str, Field(max_length=100), AfterValidator(check_cron)]
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(check_time_zone)] = "UTC"
    duration: Annotated[Duration, Field(ge=60, le=7 * 86400)]
    min_replicas: Replicas

    def holds(self, now: datetime) -> bool:
        """Return whether the minimum holds now."""
        return is_within(self.cron, self.time_zone, self.duration, now)


class Scaling(Part):
    """How the size follows the work; durations in seconds."""

    mode: Mode = Mode.AUTO
    min_replicas: Replicas = 0
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 10
    poll_interval: Annotated[Duration, Field(ge=6, le=600)] = parse_duration("10s")
    poll_interval_at_zero: Annotated[Duration, Field(ge=1, le=600)] = parse_duration("1s")
    target_wait: Annotated[Duration, Field(le=86400)] | None = None
    cold_start_step: Annotated[int, Field(ge=1, le=1000)] = 2
    scale_down: ScaleDown = ScaleDown()
    when_unreachable: WhenUnreachable = WhenUnreachable()
    spare_slots: Annotated[int, Field(ge=0, le=10000)] = 0
    schedule: Annotated[tuple[ScheduledMinimum, ...], Field(max_length=20)] = ()
    pause_scale_down: bool = False
    paused: bool = False

    def scheduled_minimum(self, now: datetime) -> int:
        """Return the largest minimum that the schedule asks for now; 0 where it asks for none."""
        return max((each.min_replicas for each in self.schedule if each.holds(now)), default=0)

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError("minReplicas must not be greater than maxReplicas; lower minReplicas or raise maxReplicas")
        if self.when_unreachable.replicas > self.max_replicas:
            raise ValueError(
                "whenUnreachable.replicas must not be greater than maxReplicas; lower one or raise the other"
            )
        return self


class RolloutMode(StrEnum):
    """When a pod of an older template is replaced."""

    WHEN_READY = "WhenReady"
    WHEN_IDLE = "WhenIdle"


class Rollout(Part):
    """How pods of another image, template or Secret come in; `max_wait` in seconds."""

    mode: RolloutMode = RolloutMode.WHEN_READY
    max_wait: Annotated[Duration, Field(ge=60, le=7 * 86400)] = parse_duration("24h")


class ServiceAccount(Part):
    """The identity of the pods. With a name it is somebody else's and only used."""

    name: str | None = None
    annotations: Labels = Field(default_factory=dict)


class Resources(Part):
    """Requests and limits as the API takes them."""

    requests: dict[str, str | int] = Field(default_factory=dict)
    limits: dict[str, str | int] = Field(default_factory=dict)


class DisruptionBudget(Part):
    """A limit of voluntary disruptions."""

    enabled: bool = False
    max_unavailable: int | str = 1


class Switch(Part):
    """A child that can be switched off."""

    enabled: bool = True


class Egress(Part):
    """Where the pods may connect to, beside name servers; UDP goes nowhere else."""

    ports: Annotated[tuple[Port, ...], Field(max_length=50)] | None = None
    cidrs: Annotated[tuple[Annotated[str, AfterValidator(CIDR)], ...], Field(max_length=50)] = ()


class NetworkPolicy(Switch):
    """What the pods may be reached by, and what they may reach."""

    egress: Egress = Egress()


class SeccompType(StrEnum):
    """Which system calls the pods may make."""

    RUNTIME_DEFAULT = "RuntimeDefault"
    LOCALHOST = "Localhost"


class SeccompProfile(Part):
    """The seccomp profile of the pods, as a pod's own securityContext has it."""

    type: SeccompType = SeccompType.RUNTIME_DEFAULT
    localhost_profile: Annotated[str, Field(max_length=253), AfterValidator(PROFILE)] = (
        "profiles/video-export-worker.json"
    )


class ServiceMonitor(Switch):
    """How a Prometheus operator reads the workers' metrics."""

    interval: str = "30s"
    labels: Labels = Field(default_factory=dict)


class Spec(Part):
    """What a VideoExportWorker asks for."""

    temporal: Temporal
    image: Annotated[str, Field(max_length=512), AfterValidator(IMAGE)]
    image_pull_secrets: tuple[SecretName, ...] = ()
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    slots: Annotated[int, Field(ge=1, le=100)] = 2
    storage: Storage | None = None
    assets: Assets = Assets()
    replicas: Replicas = 0
    scaling: Scaling = Scaling()
    metrics_port: Port = 8007
    health_port: Port = 8008
    service_account: ServiceAccount = ServiceAccount()
    resources: Resources = Resources(requests={"cpu": "250m", "memory": "512Mi"}, limits={"memory": "2Gi"})
    termination_grace_period_seconds: Annotated[int, Field(ge=1, le=86400)] = 300
    protect_from_eviction: bool = True
    pod_disruption_budget: DisruptionBudget = DisruptionBudget()
    network_policy: NetworkPolicy = NetworkPolicy()
    seccomp_profile: SeccompProfile = SeccompProfile()
    service_monitor: ServiceMonitor = ServiceMonitor()
    rollout: Rollout = Rollout()
    template: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.metrics_port == self.health_port:
            raise ValueError("metricsPort and healthPort must differ; change one of them")
        return self

    @model_validator(mode="after")
    def _worker_has_storage(self) -> Self:
        if self.storage is None and self.runs_own_worker:
            raise ValueError(
                "storage is required by this project's worker; set it, or set command or args for an image of your own "
                "that needs none"
            )
        return self

    @property
    def runs_own_worker(self) -> bool:
        """Whether the container runs this project's worker command, whose probes and metrics are known."""
        return not self.command and (not self.args or self.args[0] == "worker")
