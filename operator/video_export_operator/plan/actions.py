"""Actions as values. Only `reconcile.executor` carries them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.manifests import Manifest, Ref

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Apply:
    """Bring one object into the wanted state.

    Attributes:
        manifest: the wanted state.
        left: fingerprint of the object when this very manifest was last applied; if it is the same, that is all.
        replicas: size of a Deployment that is not there yet; one that is there keeps its own.
    """

    manifest: Manifest
    left: str = ""
    replicas: int | None = None


@dataclass(frozen=True)
class Remove:
    """Delete an object that is switched off, if it is ours."""

    ref: Ref


@dataclass(frozen=True)
class Grow:
    """Give a Deployment a size that is not smaller."""

    replicas: int


@dataclass(frozen=True)
class Shrink:
    """Take pods, or none at all.

    The victims are marked, and the marks are seen on the watch. Then the victims are asked again, those that have begun
    something are kept, and the size follows once. Where any of this fails the size stays, and the marks go.

    Attributes:
        replicas: the size, if no victim has begun something.
        victims: names of the pods to take.
    """

    replicas: int
    victims: tuple[str, ...]


@dataclass(frozen=True)
class Replace:
    """Take idle pods of an older template, or none at all, as a Shrink does; successors are ready."""

    victims: tuple[str, ...]


@dataclass(frozen=True)
class Unmark:
    """Take the marks of a shrink that did not happen from pods."""

    pods: tuple[str, ...]


@dataclass(frozen=True)
class Protect:
    """Tell node autoscalers which pods to leave alone, and which not."""

    keep: tuple[str, ...] = ()
    release: tuple[str, ...] = ()


@dataclass(frozen=True)
class WriteStatus:
    """Write the status of this version of the resource."""

    status: Json
    version: str


@dataclass(frozen=True)
class EmitEvent:
    """Tell the resource's readers something, once: `name` is the same for the same news."""

    name: str
    reason: str
    message: str
    warning: bool


Action = Apply | Remove | Grow | Shrink | Replace | Unmark | Protect


@dataclass(frozen=True)
class Change:
    """Something beside the objects that is not as it is wanted.

    Attributes:
        ref: what stands for it.
        wanted: how it should be.
        found: how it is.
        action: what brings the one to the other.
    """

    ref: Ref
    wanted: str
    found: str
    action: Action


@dataclass(frozen=True)
class Plan:
    """Actions in their order, with the object that each brings to what is wanted.

    Attributes:
        check: a manifest that the API server must accept in a dry run, else nothing of `checked` is done.
        checked: what changes the objects.
        others: what changes the size, whatever becomes of the objects.
    """

    checked: tuple[tuple[Ref, Action], ...] = ()
    check: Manifest | None = None
    others: tuple[tuple[Ref, Action], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.checked and not self.others and self.check is None
