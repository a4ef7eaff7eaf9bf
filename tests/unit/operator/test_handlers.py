"""How watches feed the store, and when the operator ends because its resource is not watched."""

from __future__ import annotations

import asyncio

import pytest

from video_export_operator.handlers import build_registry, is_unserved
from video_export_operator.reconcile import Store


@pytest.mark.parametrize(
    ("watches", "unserved"),
    [
        ({"watcher for pods.v1@None"}, True),
        ({"watcher for pods.v1@None", "watcher for videoexportworkers.v1alpha1.videoexport.dev@None"}, False),
        (set(), False),
    ],
    ids=["all but our resource is watched", "all is watched", "the API server has not answered yet"],
)
def test_our_resource_is_unserved_when(watches: set[str], unserved: bool) -> None:
    assert is_unserved(watches) is unserved


def test_what_the_watches_show_is_told_in_the_thread_of_the_loop() -> None:
    """In another one it comes in the middle of anything: a resource was taken off the schedule while it was put on."""
    registry = build_registry(Store(lambda _: None))
    handlers = [*registry._watching.get_all_handlers(), *registry._activities.get_all_handlers()]
    assert len(handlers) >= 8
    in_threads = [handler.id for handler in handlers if not asyncio.iscoroutinefunction(handler.fn)]
    assert not in_threads, f"Kopf calls plain functions in threads: {in_threads}"
