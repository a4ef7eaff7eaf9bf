"""What a worker pod is told: arguments, environment and the certificates that it mounts."""

from dataclasses import dataclass
from typing import Any

from video_export_operator.resource import Spec, VideoExportWorker
from video_export_operator.resource.assets import AssetMode
from video_export_operator.resource.spec import SeccompType

CA_FOLDER = "/var/run/secrets/videoexport.dev/temporal-ca"
CLIENT_FOLDER = "/var/run/secrets/videoexport.dev/temporal-client"
SHUTDOWN_MARGIN = 15
"""Seconds between the worker's own deadline and the kubelet's."""

Json = dict[str, Any]


@dataclass(frozen=True)
class CertificateMount:
    """A Secret of certificates, as a volume of the pod."""

    volume: str
    secret: str
    folder: str


def build_args(spec: Spec) -> list[str]:
    """Return the container's arguments; a command of the user's own gets just the user's own."""
    if spec.args or spec.command:
        return list(spec.args)
    return ["worker", "--task-queue", spec.temporal.task_queue, "--metrics-port", str(spec.metrics_port)]


def build_environment(resource: VideoExportWorker) -> list[Json]:
    """Return the container's environment variables."""
    spec = resource.spec
    plain = {
        "TEMPORAL_ADDRESS": spec.temporal.address,
        "TEMPORAL_NAMESPACE": spec.temporal.namespace,
        **_tls_variables(spec),
        **_storage_variables(spec),
        **_asset_variables(spec),
        "VIDEO_EXPORT_SLOTS": str(spec.slots),
        "VIDEO_EXPORT_HEALTH_PORT": str(spec.health_port),
        "VIDEO_EXPORT_GRACEFUL_SHUTDOWN": str(max(1, spec.termination_grace_period_seconds - SHUTDOWN_MARGIN)),
        # RuntimeDefault seccomp and no capabilities leave Chromium no sandbox of its own; the pod is the sandbox.
        "VIDEO_EXPORT_CHROMIUM_SANDBOX": str(spec.seccomp_profile.type is SeccompType.LOCALHOST).lower(),
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
    }
    variables: list[Json] = [{"name": name, "value": value} for name, value in plain.items()]
    variables.append({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    key = spec.temporal.api_key_secret_ref
    if key is not None:
        reference = {"secretKeyRef": {"name": key.name, "key": key.key}}
        variables.append({"name": "TEMPORAL_API_KEY", "valueFrom": reference})
    headers = spec.assets.headers_secret_ref
    if headers is not None:
        reference = {"secretKeyRef": {"name": headers.name, "key": headers.key}}
        variables.append({"name": "VIDEO_EXPORT_ASSET_HEADERS_SECRET", "valueFrom": reference})
    return variables


def _asset_variables(spec: Spec) -> dict[str, str]:
    """Return how linked assets are fetched, where that is not by default."""
    assets = spec.assets
    values = {
        "VIDEO_EXPORT_ASSETS": "none" if assets.mode is AssetMode.NONE else "",
        "VIDEO_EXPORT_ASSET_HOSTS": ",".join(assets.hosts),
        "VIDEO_EXPORT_ASSET_HOSTS_DENIED": ",".join(assets.denied_hosts),
        "VIDEO_EXPORT_ASSET_PROXY_URL": assets.proxy_url or "",
        "VIDEO_EXPORT_ASSET_PREFIXES": ",".join(f"{each.prefix}={each.place}" for each in assets.prefixes),
    }
    return {name: value for name, value in values.items() if value}


def _storage_variables(spec: Spec) -> dict[str, str]:
    """Return where results go, and what requests may name where that is more than the same."""
    storage = spec.storage
    if storage is None:
        return {}
    places = {"VIDEO_EXPORT_SOURCES": storage.sources, "VIDEO_EXPORT_OUTPUTS": storage.outputs}
    more = {name: ",".join(prefixes) for name, prefixes in places.items() if prefixes}
    return {"VIDEO_EXPORT_STORAGE_URI": storage.uri, **more}


def certificate_mounts(spec: Spec) -> tuple[CertificateMount, ...]:
    """Return the Secrets of certificates that the pod mounts."""
    tls = spec.temporal.tls
    if tls is None:
        return ()
    mounts = []
    if tls.ca_secret_ref is not None:
        mounts.append(CertificateMount("temporal-ca", tls.ca_secret_ref.name, CA_FOLDER))
    if tls.client_cert_secret_ref is not None:
        mounts.append(CertificateMount("temporal-client", tls.client_cert_secret_ref.name, CLIENT_FOLDER))
    return tuple(mounts)


def _tls_variables(spec: Spec) -> dict[str, str]:
    """Return the variables of temporalio.envconfig for TLS; an API key is never sent in the clear."""
    temporal = spec.temporal
    if temporal.tls is None:
        return {"TEMPORAL_TLS": "true"} if temporal.api_key_secret_ref else {}
    variables = {"TEMPORAL_TLS": "true"}
    if temporal.tls.server_name:
        variables["TEMPORAL_TLS_SERVER_NAME"] = temporal.tls.server_name
    if temporal.tls.ca_secret_ref:
        variables["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] = f"{CA_FOLDER}/ca.crt"
    if temporal.tls.client_cert_secret_ref:
        variables["TEMPORAL_TLS_CLIENT_CERT_PATH"] = f"{CLIENT_FOLDER}/tls.crt"
        variables["TEMPORAL_TLS_CLIENT_KEY_PATH"] = f"{CLIENT_FOLDER}/tls.key"
    return variables
