"""The level-triggered core: a store fed by the watches, a loop, and one `reconcile` for every cause."""

from video_export_operator.reconcile.acting import Actor
from video_export_operator.reconcile.asking import Asker
from video_export_operator.reconcile.explaining import explain
from video_export_operator.reconcile.listening import Listener
from video_export_operator.reconcile.loop import Loop
from video_export_operator.reconcile.reconciler import Reconciler
from video_export_operator.reconcile.schedule import Budget
from video_export_operator.reconcile.secrets import SecretCache
from video_export_operator.reconcile.store import Store

__all__ = ["Actor", "Asker", "Budget", "Listener", "Loop", "Reconciler", "SecretCache", "Store", "explain"]
