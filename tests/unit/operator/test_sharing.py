from __future__ import annotations

from typing import Any

import pytest

from tests.unit.operator.bodies import body
from video_export_operator.reconcile.sharing import QueueIndex, take_share
from video_export_operator.resource import Key
from video_export_operator.scaling import Backlog, QueueState

A, B, C = (Key("media", name) for name in "abc")
HERE = {"address": "temporal:7233", "namespace": "default", "taskQueue": "exports"}


def index(**resources: dict[str, Any]) -> QueueIndex:
    made = QueueIndex()
    for name, spec in resources.items():
        made.put(Key("media", name), body({"temporal": HERE, **spec}))
    return made


def test_each_resource_of_a_queue_takes_its_part_by_its_largest_size() -> None:
    made = index(a={"scaling": {"maxReplicas": 30}}, b={}, c={"temporal": {**HERE, "taskQueue": "other"}})
    assert made.shares(A) == {A: 0.75, B: 0.25}
    assert made.shares(C) == {C: 1.0}
    made.drop(A)
    assert made.shares(B) == {B: 1.0}
    assert made.shares(A) == {}


@pytest.mark.parametrize("scaling", [{"mode": "Manual"}, {"paused": True}])
def test_a_resource_whose_size_follows_something_else_takes_no_part(scaling: dict[str, Any]) -> None:
    made = index(a={}, b={"scaling": scaling})
    assert made.shares(A) == {A: 1.0}
    assert made.shares(B) == {}


def test_a_resource_that_changes_its_queue_leaves_the_others() -> None:
    made = index(a={}, b={})
    made.put(B, body({"temporal": {**HERE, "taskQueue": "other"}}))
    assert made.shares(A) == {A: 1.0}
    assert made.shares(B) == {B: 1.0}


def test_the_last_task_is_everybodys() -> None:
    queue = QueueState(0.0, Backlog(tasks=5, rate_limit=8.0, dispatch_rate=4.0), Backlog(tasks=1))
    part = take_share(queue, 0.25)
    assert part is not None
    assert (part.activities.tasks, part.workflows.tasks) == (2, 1)
    assert (part.activities.rate_limit, part.activities.dispatch_rate) == (2.0, 1.0)
    assert take_share(queue, 1.0) is queue
    assert take_share(None, 0.5) is None
