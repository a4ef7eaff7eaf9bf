"""Whose pods get what a changed Secret holds: of resources that share a Secret one after the other.

A Secret that is wrong then breaks the new pods of one resource, and not all at once. Whose turn it is follows from what
the cluster shows: a resource begins while no other Deployment whose pods name the Secret is being rolled out. What is
remembered beside that bridges the time until the cluster shows it, and bounds how long the others wait.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from video_export_operator.reconcile.credentials import secret_names
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment
from video_export_operator.resource.rollout import find_rollout

LONGEST = 600.0
"""Seconds after which the next resource begins, whatever became of the one before: what a rollout has by default."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What pods are given now.

    Attributes:
        secrets: hash of what the Secrets hold for the pods; None where nothing is known.
        ahead: the resource that is waited for; None where what the Secrets hold is what the pods are given.
    """

    secrets: str | None = None
    ahead: Key | None = None


@dataclass(frozen=True, slots=True)
class _Rollout:
    """A rollout that goes on or is about to: the Secrets that its pods name, and since when it is known."""

    secrets: frozenset[str]
    since: float

    def is_awaited(self, at: float) -> bool:
        return at - self.since < LONGEST


@dataclass
class SecretTurns:
    """Finds out whose turn it is.

    Attributes:
        deployments: reads the worker Deployments of a namespace, which is done before a resource begins.
    """

    deployments: Callable[[str], AsyncIterator[Mapping[str, Any]]]
    _rollouts: dict[Key, _Rollout] = field(default_factory=dict)

    async def take(
        self, resource: VideoExportWorker, live: LiveDeployment | None, known: str | None, at: float
    ) -> Turn:
        """Return what the pods of a resource are given now.

        A Deployment that has no pods waits for nobody.

        Args:
            resource: whose pods.
            live: its Deployment.
            known: hash of what its Secrets hold; None where they could not be read.
            at: seconds of the monotonic clock.

        Raises:
            OperatorError: the API server could not be read.
        """
        if live is None or known is None:
            return Turn(known if live is None else live.secrets)
        if live.secrets == known and not live.rolling:
            self.release(resource.key)
        if live.secrets == known or not (live.size or live.replicas):
            return Turn(known)
        ahead = self._find_ahead(resource, at)
        if ahead is None and not self._has_begun(resource.key, at):
            await self._look(resource.key.namespace, at)
            ahead = self._find_ahead(resource, at)  # also one that has begun during the look
        if ahead is not None:
            return Turn(live.secrets, ahead)
        if not self._has_begun(resource.key, at):
            self._rollouts[resource.key] = _Rollout(secret_names(resource), at)
        return Turn(known)

    def release(self, key: Key) -> None:
        """Let the next resource begin: the rollout of this one is over, or it is gone."""
        self._rollouts.pop(key, None)

    async def _look(self, namespace: str, at: float) -> None:
        """Remember which rollouts go on in a namespace; forget those that were waited for in vain and are over."""
        found = [rollout async for body in self.deployments(namespace) if (rollout := find_rollout(body)) is not None]
        going_on = dict(found)
        for key in [key for key in self._rollouts if key.namespace == namespace and key not in going_on]:
            if not self._rollouts[key].is_awaited(at):
                del self._rollouts[key]
        for key, secrets in going_on.items():
            self._rollouts.setdefault(key, _Rollout(secrets, at))

    def _has_begun(self, key: Key, at: float) -> bool:
        """Return whether a resource has the turn."""
        return key in self._rollouts and self._rollouts[key].is_awaited(at)

    def _find_ahead(self, resource: VideoExportWorker, at: float) -> Key | None:
        """Return another resource that brings one of these Secrets to its pods."""
        ours = secret_names(resource)
        others = (
            key
            for key, rollout in self._rollouts.items()
            if key.namespace == resource.key.namespace and key != resource.key
            if rollout.is_awaited(at) and ours & rollout.secrets
        )
        return next(others, None)
