"""Which of two operators serves a resource, by a clock that the test sets."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from video_export_operator.cluster import Cluster
from video_export_operator.errors import Forbidden
from video_export_operator.reconcile import Store
from video_export_operator.reconcile.claims import CONTENDS, STALE, Claims, find_contender
from video_export_operator.resource import Key

KEY = Key("media", "exports")
MINE, OTHER = "ops/mine", "ops/other"


def resource(lease: str = "") -> dict[str, Any]:
    status = {"servedBy": {"lease": lease}} if lease else {}
    metadata = {"name": "exports", "namespace": "media", "uid": "u-1", "resourceVersion": "7"}
    return {"metadata": metadata, "status": status}


class OneResource:
    """The API server, as far as claims need it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.refuses = False
        self.claims: list[str] = []
        self.contenders: list[str] = []

    def renew(self, version: int, holder: str = "pod-1") -> None:
        self.lease = {"metadata": {"resourceVersion": str(version)}, "spec": {"holderIdentity": holder}}

    async def fetch_lease(self, _: str, __: str) -> dict[str, Any] | None:
        if self.refuses:
            raise Forbidden("no")
        return self.lease

    async def write_status(self, _: Key, status: dict[str, Any], version: str) -> dict[str, Any]:
        if "contender" in status:
            self.contenders.append(status["contender"]["lease"])
            return {**resource(OTHER), "status": {"servedBy": {"lease": OTHER}, **status}}
        self.claims.append(status["servedBy"]["lease"])
        return resource(status["servedBy"]["lease"])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def api() -> OneResource:
    return OneResource()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def claims(api: OneResource, clock: Clock, lease: str | None = MINE) -> Claims:
    return Claims(cast(Cluster, api), Store(lambda _: None), lease, clock)


async def test_a_resource_that_nobody_serves_is_claimed_once(api: OneResource, clock: Clock) -> None:
    mine = claims(api, clock)
    assert await mine.find_holder(KEY, resource()) is None
    assert await mine.find_holder(KEY, resource(MINE)) is None
    assert api.claims == [MINE]


async def test_a_resource_of_another_is_left_alone_while_its_lease_is_renewed(api: OneResource, clock: Clock) -> None:
    mine = claims(api, clock)
    for step in range(20):
        api.renew(step)
        clock.now = step * 10.0
        assert await mine.find_holder(KEY, resource(OTHER)) == OTHER
    assert api.claims == []
    clock.now += STALE
    assert await mine.find_holder(KEY, resource(OTHER)) is None
    assert api.claims == [MINE]


async def test_a_lease_that_was_let_go_or_deleted_has_run_out(api: OneResource, clock: Clock) -> None:
    api.renew(1, holder="")
    assert await claims(api, clock).find_holder(KEY, resource(OTHER)) is None
    api.lease = None
    assert await claims(api, clock).find_holder(KEY, resource(OTHER)) is None


async def test_a_lease_that_may_not_be_read_is_believed_to_live(api: OneResource, clock: Clock) -> None:
    api.refuses = True
    mine = claims(api, clock)
    for _ in range(3):
        assert await mine.find_holder(KEY, resource(OTHER)) == OTHER
        clock.now += STALE


async def test_without_leader_election_no_claim_is_made_and_those_of_others_hold(
    api: OneResource, clock: Clock
) -> None:
    nameless = claims(api, clock, lease=None)
    assert await nameless.find_holder(KEY, resource()) is None
    api.renew(1)
    assert await nameless.find_holder(KEY, resource(OTHER)) == OTHER
    assert api.claims == []


def contended(lease: str, age: float, holder: str = OTHER) -> dict[str, Any]:
    said = datetime.fromtimestamp(time.time() - age, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**resource(holder), "status": {"servedBy": {"lease": holder}, "contender": {"lease": lease, "time": said}}}


async def test_who_finds_a_resource_claimed_says_so_now_and_then(api: OneResource, clock: Clock) -> None:
    mine = claims(api, clock)
    await mine.contend(KEY, resource(OTHER))
    assert api.contenders == [MINE]
    await mine.contend(KEY, contended(MINE, CONTENDS / 2))
    assert api.contenders == [MINE]
    await mine.contend(KEY, contended(MINE, CONTENDS + 5))
    assert api.contenders == [MINE, MINE]
    await mine.contend(KEY, contended("ops/third", CONTENDS + 5))
    assert api.contenders == [MINE, MINE], "three operators do not fight over the field"
    await mine.contend(KEY, contended("ops/third", 2 * CONTENDS + 5))
    assert api.contenders == [MINE, MINE, MINE]
    await claims(api, clock, lease=None).contend(KEY, resource(OTHER))
    assert len(api.contenders) == 3, "without leader election there is no name to say"


def test_the_holder_tells_of_a_contender_until_it_has_been_silent_for_long() -> None:
    now = time.time()
    assert find_contender(resource(OTHER), now) == ""
    assert find_contender(contended(MINE, CONTENDS + 60), now) == MINE
    assert find_contender(contended(MINE, 2 * CONTENDS + 5), now) == ""
    assert find_contender(contended(MINE, 1.0, holder=MINE), now) == "", "it has taken the resource over"
