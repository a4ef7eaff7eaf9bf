"""Whose pods get what a changed Secret holds: of resources that share a Secret one after the other.

A Secret that is wrong then breaks the new pods of one resource, and not all at once.
"""

from dataclasses import dataclass, field

from video_export_operator.reconcile.credentials import secret_names
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment

LONGEST = 600.0
"""Seconds after which the next resource begins, whatever became of the one before: what a rollout has by default."""

Secret = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """What pods are given now.

    Attributes:
        secrets: hash of what the Secrets hold for the pods; None where nothing is known.
        ahead: the resource that is waited for; None where what the Secrets hold is what the pods are given.
    """

    secrets: str | None = None
    ahead: Key | None = None


@dataclass
class SecretTurns:
    """Remembers, for each Secret, which resource brings it to its pods, and since when."""

    _holders: dict[Secret, tuple[Key, float]] = field(default_factory=dict)

    def take(self, resource: VideoExportWorker, live: LiveDeployment | None, known: str | None, at: float) -> Turn:
        """Return what the pods of a resource are given now.

        A Deployment that has no pods waits for nobody.

        Args:
            resource: whose pods.
            live: its Deployment.
            known: hash of what its Secrets hold; None where they could not be read.
            at: seconds of the monotonic clock.
        """
        if live is None or known is None:
            return Turn(known if live is None else live.secrets)
        if live.secrets == known and not live.rolling:
            self.release(resource.key)
        if live.secrets == known or not (live.size or live.replicas):
            return Turn(known)
        secrets = [(resource.key.namespace, name) for name in sorted(secret_names(resource))]
        ahead = self._find_ahead(resource.key, secrets, at)
        if ahead is not None:
            return Turn(live.secrets, ahead)
        for secret in secrets:
            if self._holders.get(secret, (None, at))[0] != resource.key:
                self._holders[secret] = (resource.key, at)
        return Turn(known)

    def release(self, key: Key) -> None:
        """Let the next resource begin: the rollout of this one is over, or it is gone."""
        for secret in [secret for secret, (holder, _) in self._holders.items() if holder == key]:
            del self._holders[secret]

    def _find_ahead(self, key: Key, secrets: list[Secret], at: float) -> Key | None:
        """Return another resource that brings one of these Secrets to its pods."""
        holders = (self._holders[secret] for secret in secrets if secret in self._holders)
        return next((holder for holder, since in holders if holder != key and at - since < LONGEST), None)
