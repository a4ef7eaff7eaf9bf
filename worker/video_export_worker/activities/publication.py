"""Results of an export appear together: whole under another name first, then under their own, and a manifest last."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

from video_export_worker.activities import naming
from video_export_worker.contract import Manifest, ManifestObject, VideoExportResult
from video_export_worker.storage import Storage, StoredObject, join_uri


class Publication:
    """The objects of one export on their way to its output.

    What was there before stays until all of them have arrived in the storage; then each takes its name, which takes
    the storage a moment.

    Args:
        storage: where they go.
        output: URI prefix of the results.
    """

    def __init__(self, storage: Storage, output: str) -> None:
        self._storage = storage
        self._output = output
        self._staging = join_uri(output, f"{naming.STAGING_PREFIX}{uuid.uuid4().hex}")

    async def publish(self, files: Mapping[str, Path]) -> dict[str, StoredObject]:
        """Put files under their names below the output.

        Returns:
            The object of each name.
        """
        try:
            staged = {
                name: await self._storage.publish(path, join_uri(self._staging, name)) for name, path in files.items()
            }
            return {
                name: await self._storage.copy(stored, join_uri(self._output, name)) for name, stored in staged.items()
            }
        finally:
            await self._storage.delete(self._staging)

    async def finish(self, export_id: str, result: VideoExportResult, objects: Mapping[str, StoredObject]) -> None:
        """Write the manifest, which says that all objects are there."""
        listed = [ManifestObject(name=name, size=stored.size, sha256=stored.sha256) for name, stored in objects.items()]
        manifest = Manifest(export_id=export_id, objects=listed, result=result)
        await self._storage.write(manifest.model_dump_json().encode(), join_uri(self._output, naming.MANIFEST_NAME))
