"""The operator's errors.

    OperatorError
    ├── PermanentError          tried again on a change, or slowly
    │   ├── InvalidSpec         the resource cannot be used; names every problem
    │   ├── SecretMissing       a Secret, or a key of it, is not there
    │   ├── NameTaken           an object of a name we need belongs to somebody else
    │   ├── Forbidden           the API server refuses the operator's own rights
    │   ├── Contested           somebody else changes an object again and again
    │   ├── QuotaExceeded       a quota of the namespace is used up
    │   └── Rejected            the API server refuses an object, most often for its template
    │       └── AdmissionDenied     a policy or an admission webhook does
    ├── TransientError          backs off with jitter
    │   ├── ApiUnavailable      the API server did not answer, or not in time
    │   ├── Conflict            something changed in between; read again
    │   ├── ShrinkFailed        pods were to be taken, and none was
    │   └── TemporalUnavailable Temporal did not answer the question; carries the reason
    │       └── RateLimited     it refused a call as one too many
    ├── NotFound                an object, or its kind, is not there (cluster.transport)
    ├── ResourceGone            the resource that something was to be done for is not there any more
    ├── InvalidSettings         the operator's own settings cannot be used (settings)
    └── NotLeading              this replica may not act any more

`cluster` and `temporal_queue` translate what their libraries raise; nothing above them sees a library's error.
"""


class OperatorError(Exception):
    """Anything that the operator itself raises. `reason` is a condition's reason (CamelCase)."""

    reason = "Error"


class PermanentError(OperatorError):
    """Trying again without a change is of no use."""


class InvalidSpec(PermanentError):
    """The resource cannot be used as it is."""

    reason = "InvalidSpec"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class SecretMissing(PermanentError):
    """A Secret that the resource refers to, or a key of it, is missing."""

    reason = "SecretMissing"


class NameTaken(PermanentError):
    """An object of a name that the operator needs belongs to somebody else."""

    reason = "NameTaken"


class Forbidden(PermanentError):
    """The operator lacks a right."""

    reason = "Forbidden"


class Rejected(PermanentError):
    """The API server refuses an object that the operator made."""

    reason = "Rejected"


class AdmissionDenied(Rejected):
    """A policy of the cluster, or an admission webhook, refuses an object that the operator made."""

    reason = "AdmissionDenied"


class Contested(PermanentError):
    """Somebody else changes an object again and again; it is put back ever more rarely."""

    reason = "Contested"


class QuotaExceeded(PermanentError):
    """A quota of the namespace is used up."""

    reason = "QuotaExceeded"


class TransientError(OperatorError):
    """It may work when tried again."""


class ApiUnavailable(TransientError):
    """The API server did not answer, or asked to come back later."""

    reason = "ApiUnavailable"


class Conflict(TransientError):
    """An object changed between reading and writing."""

    reason = "Conflict"


class ShrinkFailed(TransientError):
    """Pods were to be taken. Something failed on the way, so none was."""

    reason = "ShrinkFailed"


class TemporalUnavailable(TransientError):
    """Temporal did not answer the question.

    Args:
        reason: one of status.Reason for the condition TemporalReachable.
        message: what Temporal, or the way to it, said.
    """

    reason = "Unavailable"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RateLimited(TemporalUnavailable):
    """Temporal refused a call as one too many, and is left alone for a while."""

    def __init__(self, message: str) -> None:
        super().__init__("RateLimited", message)


class ResourceGone(OperatorError):
    """The resource is not there any more, and a watch has not shown it."""

    reason = "ResourceGone"


class NotLeading(OperatorError):
    """Another replica leads, or nobody knows."""

    reason = "NotLeading"
