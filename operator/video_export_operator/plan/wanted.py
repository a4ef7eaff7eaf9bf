"""What should be in the cluster for a resource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from video_export_operator.manifests import Manifest, Ref, build_children, build_workload
from video_export_operator.resource import VideoExportWorker

ABSENT = ""
"""Stands for the digest of an object that must not be there."""


@dataclass(frozen=True)
class Objects:
    """Every object that a resource asks for, and those that must not be there."""

    workload: Manifest
    children: tuple[Manifest, ...]
    absent: tuple[Ref, ...]


@dataclass(frozen=True)
class Wanted:
    """What a resource asks for: the digest of each object, and how to build them."""

    digests: Mapping[Ref, str]
    build: Callable[[], Objects]


def build_objects(resource: VideoExportWorker, secrets: str) -> Objects:
    """Return what should be there for a resource.

    Args:
        resource: what is asked for.
        secrets: hash of what the pods are given by Secrets; pods of another one are replaced.
    """
    children, absent = build_children(resource)
    return Objects(build_workload(resource, secrets), children, absent)


def take_digests(objects: Objects) -> Mapping[Ref, str]:
    """Return the digest of each object."""
    there = {each.ref: each.digest for each in (*objects.children, objects.workload)}
    return {**there, **dict.fromkeys(objects.absent, ABSENT)}
