"""Which pods node autoscalers leave alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.operator.bodies import pod, resource
from video_export_operator.plan import Protect, change_protection
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import Workload

WORKLOAD = Workload(
    needed=0,
    in_flight=1,
    live=5,
    terminating=0,
    busy=frozenset({"busy"}),
    unknown=frozenset({"unknown"}),
    idle=frozenset({"idle"}),
    serving=frozenset({"serving"}),
)


def there(**protected: bool | None) -> list[LivePod]:
    return [replace(pod(name), protected=value) for name, value in protected.items()]


@pytest.mark.parametrize(
    ("pods", "planned"),
    [
        (there(busy=True, unknown=True, idle=False, starting=True), None),
        (there(busy=False, unknown=None, idle=True), Protect(("busy", "unknown"), ("idle",))),
        (there(idle=None, starting=None, settling=True), Protect((), ("idle",))),
        (there(serving=False), Protect(("serving",), ())),
        ([replace(pod("busy"), protected=False, terminating=True)], None),
    ],
    ids=[
        "as it should be",
        "all the wrong way",
        "one that starts is as it was made",
        "one for its version",
        "one that ends",
    ],
)
def test_pods_that_work_are_protected_and_idle_ones_are_not(pods: list[LivePod], planned: Protect | None) -> None:
    change = change_protection(resource().spec, "exports", pods, WORKLOAD)
    assert (change.action if change is not None else None) == planned


@pytest.mark.parametrize(
    "spec",
    [
        {"protectFromEviction": False},
        {"template": {"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}},
    ],
)
def test_a_resource_may_say_it_itself(spec: dict[str, Any]) -> None:
    assert change_protection(resource(**spec).spec, "exports", there(busy=False, idle=True), WORKLOAD) is None
