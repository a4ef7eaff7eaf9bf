"""When the operator ends because its resource is not watched; the fault table has the whole of it."""

from __future__ import annotations

import pytest

from video_export_operator.handlers import is_unserved


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
