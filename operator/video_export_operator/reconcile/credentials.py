"""What the Secrets of a resource hold: a changed one is used here, and brings new pods."""

import hashlib
from collections.abc import Mapping

from video_export_operator.errors import OperatorError, SecretMissing
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.resource import VideoExportWorker
from video_export_operator.temporal_queue import Endpoint


class SecretReader:
    """Reads the Secrets of one resource.

    Args:
        secrets: to read from.
        namespace: where.
        fresh: as they are now, because what was read before may be what is wrong.
    """

    def __init__(self, secrets: SecretCache, namespace: str, fresh: bool) -> None:
        self._secrets = secrets
        self._namespace = namespace
        self._fresh = fresh
        self._read: dict[str, Mapping[str, bytes]] = {}

    async def read(self, name: str) -> Mapping[str, bytes]:
        """Return the data of a Secret.

        Raises:
            SecretMissing: it is not there.
        """
        if name not in self._read:
            self._read[name] = await self._secrets.read(self._namespace, name, self._fresh)
        return self._read[name]

    async def read_key(self, name: str, key: str) -> bytes:
        """Return one value of a Secret.

        Raises:
            SecretMissing: the Secret or the key is not there.
        """
        data = await self.read(name)
        if key not in data:
            raise SecretMissing(f"Secret {self._namespace}/{name} has no key {key}; add it")
        return data[key]

    @property
    def digest(self) -> str:
        """A hash of everything that was read; empty if nothing was."""
        if not self._read:
            return ""
        whole = hashlib.sha256()
        for name, data in sorted(self._read.items()):
            for key, value in sorted(data.items()):
                for part in (name.encode(), key.encode(), value):
                    whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()[:16]


def secret_names(resource: VideoExportWorker) -> frozenset[str]:
    """Return the Secrets whose change brings new pods."""
    spec = resource.spec
    tls, storage = spec.temporal.tls, spec.storage
    references = (
        storage.secret_ref if storage is not None else None,
        spec.temporal.api_key_secret_ref,
        spec.assets.headers_secret_ref,
        tls.ca_secret_ref if tls is not None else None,
        tls.client_cert_secret_ref if tls is not None else None,
    )
    return frozenset(reference.name for reference in references if reference is not None)


async def find_storage_problem(resource: VideoExportWorker, reader: SecretReader) -> OperatorError | None:
    """Return what is wrong with the storage's Secret: the pods use it, the operator looks whether it is there."""
    storage = resource.spec.storage
    reference = storage.secret_ref if storage is not None else None
    if reference is None:
        return None
    try:
        await reader.read(reference.name)
    except SecretMissing as error:
        return error
    return None


async def build_endpoint(resource: VideoExportWorker, reader: SecretReader) -> Endpoint:
    """Return where Temporal is, with the credentials as the Secrets have them now.

    Raises:
        SecretMissing: a Secret, or a key of it, is not there.
    """
    temporal = resource.spec.temporal
    key = temporal.api_key_secret_ref
    raw = await reader.read_key(key.name, key.key) if key else None
    tls = temporal.tls
    ca = tls.ca_secret_ref if tls else None
    client = tls.client_cert_secret_ref if tls else None
    return Endpoint(
        address=temporal.address,
        namespace=temporal.namespace,
        tls=tls is not None or key is not None,
        server_name=tls.server_name if tls else None,
        ca=await reader.read_key(ca.name, "ca.crt") if ca else None,
        certificate=await reader.read_key(client.name, "tls.crt") if client else None,
        private_key=await reader.read_key(client.name, "tls.key") if client else None,
        api_key=raw.decode(errors="replace").strip() if raw is not None else None,
    )
