"""The level-triggered core: a store fed by the watches, a loop, and one `reconcile` for every cause."""

from video_export_operator.reconcile.claims import Claims
from video_export_operator.reconcile.dry_run import Line, explain, try_out
from video_export_operator.reconcile.executor import PlanExecutor
from video_export_operator.reconcile.loop import Loop
from video_export_operator.reconcile.observing import Observer
from video_export_operator.reconcile.pod_probe import PodProbe
from video_export_operator.reconcile.reconciler import Reconciler
from video_export_operator.reconcile.relister import Relister
from video_export_operator.reconcile.reporter import Reporter
from video_export_operator.reconcile.schedule import Budget
from video_export_operator.reconcile.secret_turns import SecretTurns
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.reconcile.shrinker import Shrinker
from video_export_operator.reconcile.store import Store
from video_export_operator.reconcile.temporal_poller import TemporalPoller

__all__ = [
    "Budget",
    "Claims",
    "Line",
    "Loop",
    "Observer",
    "PlanExecutor",
    "PodProbe",
    "Reconciler",
    "Relister",
    "Reporter",
    "SecretCache",
    "SecretTurns",
    "Shrinker",
    "Store",
    "TemporalPoller",
    "explain",
    "try_out",
]
