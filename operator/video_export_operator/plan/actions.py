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
    """

    manifest: Manifest
    left: str = ""


@dataclass(frozen=True)
class Resize:
    """Change nothing of a Deployment but its size."""

    ref: Ref
    replicas: int


@dataclass(frozen=True)
class Remove:
    """Delete an object that is switched off, if it is ours."""

    ref: Ref


@dataclass(frozen=True)
class SetDeletionCost:
    """Say how soon a ReplicaSet may take this pod."""

    pod: str
    cost: int


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


Action = Apply | Resize | Remove | SetDeletionCost


def ref_of(action: Action) -> Ref | None:
    """Return which object an action brings to what is wanted; None where it is about a pod."""
    match action:
        case Apply(manifest):
            return manifest.ref
        case Resize(ref) | Remove(ref):
            return ref
    return None


@dataclass(frozen=True)
class Plan:
    """Actions in their order.

    Attributes:
        actions: what to do.
        check: a manifest that the API server must accept in a dry run before anything of it is done.
        otherwise: what to do instead where it does not.
    """

    actions: tuple[Action, ...] = ()
    check: Manifest | None = None
    otherwise: tuple[Action, ...] = ()

    @property
    def refs(self) -> frozenset[Ref]:
        """The objects that it is about."""
        checked = (self.check.ref,) if self.check is not None else ()
        return frozenset(ref for ref in (*map(ref_of, self.actions), *checked) if ref is not None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.actions and self.check is None
