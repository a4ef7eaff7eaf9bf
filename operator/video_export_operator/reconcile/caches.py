"""What is kept only to save work and memory: without it nothing would be decided otherwise.

Most texts and most parts of specs are the same in a thousand resources, and at a tick nothing of them has changed.
"""

import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from video_export_operator.manifests import Ref
from video_export_operator.plan import Objects, Wanted, build_objects, take_digests
from video_export_operator.resource import Key, Spec, VideoExportWorker, parse_resource
from video_export_operator.resource.fields import Part

KEPT = 8
"""Resources whose manifests are kept; one that is acted on needs them twice."""

Json = Mapping[str, Any]


def share_texts(value: Any) -> Any:
    """Return a copy of a JSON value in which equal texts are one object."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {sys.intern(name): share_texts(each) for name, each in value.items()}
    return [share_texts(each) for each in value] if isinstance(value, list) else value


def shared_key(namespace: str, name: str) -> Key:
    """Return a key whose texts are those of every other key of the resource."""
    return Key(sys.intern(namespace), sys.intern(name))


def shared_ref(body: Json) -> Ref:
    """Return which object this is, with the texts of every other one of its kind and name."""
    return Ref(sys.intern(body["apiVersion"]), sys.intern(body["kind"]), sys.intern(body["metadata"]["name"]))


class Caches:
    """Resources as typed values, and what is wanted for them."""

    def __init__(self) -> None:
        self._parts: WeakValueDictionary[tuple[str, str], Part] = WeakValueDictionary()
        self._parsed: dict[Key, tuple[object, VideoExportWorker]] = {}
        self._digests: dict[Key, tuple[object, Mapping[Ref, str]]] = {}
        self._objects: OrderedDict[object, Objects] = OrderedDict()

    def parse(self, key: Key, body: Json) -> VideoExportWorker:
        """Return the resource as typed values, parsed once for each version of its spec.

        Raises:
            InvalidSpec: it cannot be used.
        """
        metadata = body["metadata"]
        version = (metadata["uid"], metadata.get("generation"), metadata.get("annotations"))
        known = self._parsed.get(key)
        if known is None or known[0] != version:
            parsed = parse_resource(body)
            known = self._parsed[key] = (version, self._with_shared_parts(parsed))
        return known[1]

    def wanted(self, resource: VideoExportWorker, secrets: str) -> Wanted:
        """Return what is wanted. Its objects are built when they are needed, digests once for each version."""
        version = (resource.uid, resource.generation, secrets)

        def build() -> Objects:
            objects = self._objects.pop(version, None) or build_objects(resource, secrets)
            self._objects[version] = objects
            if len(self._objects) > KEPT:
                self._objects.popitem(last=False)
            return objects

        known = self._digests.get(resource.key)
        if known is None or known[0] != version:
            known = self._digests[resource.key] = (version, take_digests(build()))
        return Wanted(known[1], build)

    def forget(self, key: Key) -> None:
        """Forget a resource that is gone."""
        self._parsed.pop(key, None)
        self._digests.pop(key, None)

    def _with_shared_parts(self, resource: VideoExportWorker) -> VideoExportWorker:
        """Return a resource whose spec's parts are those of another where they are equal."""
        parts = {name: part for name, part in resource.spec if isinstance(part, Part)}
        shared = {name: self._parts.setdefault((name, part.model_dump_json()), part) for name, part in parts.items()}
        spec: Spec = resource.spec.model_copy(update=shared)
        return VideoExportWorker(resource.key, resource.uid, resource.generation, spec, resource.dry_run)
