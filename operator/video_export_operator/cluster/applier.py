"""Brings single objects into the wanted state by server-side apply, and leaves those of others alone."""

import time
from collections.abc import Mapping
from typing import Any

from video_export_operator.cluster.paths import path_of
from video_export_operator.cluster.ports import build_port_patch
from video_export_operator.cluster.transport import APPLY, MERGE, STRATEGIC, KindNotInstalled, NotFound, Transport
from video_export_operator.errors import Conflict, NameTaken, ResourceGone
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.resource import Key
from video_export_operator.resource.identity import (
    ADOPT_ANNOTATION,
    API_VERSION,
    KIND,
    MANAGER,
    is_controlled_by,
    may_be_adopted,
)
from video_export_operator.resource.live import take_fingerprint

JUST_SEEN = 2.0
"""Seconds for which a resource that was seen is believed to be there: all its objects are made at once."""
UNKNOWN_KIND = 30.0
"""Seconds for which a kind that the API server does not know is not asked for again."""

Json = dict[str, Any]


class Applier:
    """Objects of resources.

    Args:
        transport: to the API server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._not_installed: dict[tuple[str, str], float] = {}
        self._resources_seen: dict[str, float] = {}

    async def fetch_resource(self, key: Key) -> Json | None:
        """Return a VideoExportWorker, None if it is not there."""
        return await self._read(path_of(API_VERSION, KIND, key.namespace, key.name))

    async def see_resource(self, key: Key, uid: str) -> None:
        """Make sure that a resource is there, unless it was seen a moment ago: its watch may have missed its end.

        Raises:
            ResourceGone: it is not.
        """
        if time.monotonic() - self._resources_seen.get(uid, float("-inf")) < JUST_SEEN:
            return
        body = await self.fetch_resource(key)
        if body is None or body["metadata"]["uid"] != uid or "deletionTimestamp" in body["metadata"]:
            raise ResourceGone(f"{key} is gone")
        self._resources_seen = {uid: time.monotonic()} | {
            each: at for each, at in self._resources_seen.items() if time.monotonic() - at < JUST_SEEN
        }

    async def apply(
        self,
        manifest: Manifest,
        namespace: str,
        owner: str,
        left: str = "",
        replicas: int | None = None,
        dry_run: bool = False,
    ) -> Json | None:
        """Bring an object into the wanted state and return it; None where its kind is not installed.

        Server-side apply with force would adopt a stranger's object in silence. So an absent one is applied without,
        and one that is there only as exactly the object that was read, if the owner is its controller.

        Args:
            manifest: the wanted object.
            namespace: where.
            owner: uid of the resource that must be its controller.
            left: fingerprint of the object when this very manifest was last applied; if it is the same, that is all.
            replicas: size of a Deployment that is not there yet. One that is there keeps its own: the size is part of
                what is applied, because a Deployment that is applied without one gets 1.
            dry_run: only ask the API server what it thinks of it.

        Raises:
            NameTaken: somebody else's object has this name.
            Conflict: it changed since it was read.
            ResourceGone: the object is not there, and neither is the resource that it would be made for.
        """
        path = path_of(manifest.ref.api_version, manifest.ref.kind, namespace, manifest.ref.name)
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        if not self._is_installed(manifest.ref):
            return None
        live = await self._read(path)
        if live is None:
            if not dry_run:
                await self.see_resource(Key(namespace, _owner_of(manifest.body)), owner)
            return await self._create(manifest.ref, _with_size(manifest.body, replicas), path, query)
        if not is_controlled_by(live, owner):
            live = await self._adopt(path, manifest, live, dry_run)
        if "deletionTimestamp" in live["metadata"]:
            raise Conflict(f"{manifest.ref} is being deleted")
        if left and left == take_fingerprint(live):
            return live
        if not dry_run:
            live = await self._take_port_names_back(path, manifest.body, live)
        # As it was read: a write that the network held back must not undo what the next leader did meanwhile.
        as_read = {field: live["metadata"][field] for field in ("uid", "resourceVersion")}
        body = _with_size({**manifest.body, "metadata": {**manifest.body["metadata"], **as_read}}, _size_of(live))
        return await self._transport.request("PATCH", path, body, APPLY, {**query, "force": "true"})

    async def remove(self, ref: Ref, namespace: str, owner: str) -> None:
        """Delete an object if it is there and the owner is its controller."""
        path = path_of(ref.api_version, ref.kind, namespace, ref.name)
        live = await self._read(path)
        if live is None or not is_controlled_by(live, owner):
            return
        try:
            await self._transport.request("DELETE", path, {"preconditions": {"uid": live["metadata"]["uid"]}})
        except NotFound:
            return

    async def _read(self, path: str) -> Json | None:
        try:
            return await self._transport.request("GET", path)
        except NotFound:
            return None

    async def _take_port_names_back(self, path: str, wanted: Mapping[str, Any], live: Json) -> Json:
        """Return the object after ports of other numbers under names of ours were replaced, if there are any."""
        patch = build_port_patch(wanted, live)
        if patch is None:
            return live
        patch["metadata"] = {"resourceVersion": live["metadata"]["resourceVersion"]}
        return await self._transport.request("PATCH", path, patch, STRATEGIC, {"fieldManager": MANAGER})

    async def _adopt(self, path: str, manifest: Manifest, live: Json, dry_run: bool) -> Json:
        """Return an object after its resource was made its owner, where it says that this may be done.

        Raises:
            NameTaken: it does not say so.
        """
        metadata = live["metadata"]
        if not may_be_adopted(live):
            raise name_taken(manifest.ref, metadata["namespace"])
        owners = manifest.body["metadata"]["ownerReferences"]
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "ownerReferences": owners}}
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        adopted = await self._transport.request("PATCH", path, body, MERGE, query)
        return {**adopted, "metadata": metadata} if dry_run else adopted

    async def _create(self, ref: Ref, body: Json, path: str, query: Mapping[str, str]) -> Json | None:
        try:
            return await self._transport.request("PATCH", path, body, APPLY, query)
        except Conflict as error:
            raise NameTaken(f"{ref} appeared in the meantime and belongs to somebody else: {error}") from error
        except KindNotInstalled:
            self._not_installed[ref.api_version, ref.kind] = time.monotonic()
            return None
        except NotFound:
            return None

    def _is_installed(self, ref: Ref) -> bool:
        """Return whether the API server may know a kind: one resource finds out for all that it does not."""
        found = self._not_installed.get((ref.api_version, ref.kind))
        return found is None or time.monotonic() - found > UNKNOWN_KIND


def _owner_of(body: Json) -> str:
    """Return the name of the resource that an object is made for."""
    return str(body["metadata"]["ownerReferences"][0]["name"])


def _size_of(live: Json) -> int | None:
    """Return the size of a Deployment; None of anything else."""
    return live["spec"]["replicas"] if live.get("kind") == "Deployment" else None


def _with_size(body: Json, replicas: int | None) -> Json:
    """Return an object with a size."""
    return body if replicas is None else {**body, "spec": {**body["spec"], "replicas": replicas}}


def name_taken(ref: Ref, namespace: str) -> NameTaken:
    """Return the error for a name that somebody else uses."""
    return NameTaken(
        f"{ref.kind} {namespace}/{ref.name} belongs to somebody else; delete or rename it, "
        "give the VideoExportWorker another name, or let it be adopted with the annotation "
        f"{ADOPT_ANNOTATION}=true if its owner is gone"
    )
