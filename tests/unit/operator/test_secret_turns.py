"""A Secret that many resources name changes: whose pods get it, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.unit.operator.bodies import body
from video_export_operator.manifests.workload import build_deployment
from video_export_operator.reconcile.credentials import secret_names
from video_export_operator.reconcile.secret_turns import LONGEST, SecretTurns, Turn
from video_export_operator.resource import VideoExportWorker, parse_resource
from video_export_operator.resource.identity import child_labels
from video_export_operator.resource.live import LiveDeployment
from video_export_operator.resource.rollout import find_rollout

OLD, NEW = "old", "new"

Json = Mapping[str, Any]


def worker(name: str, secret: str = "shared") -> VideoExportWorker:
    return parse_resource(body({"storage": {"uri": "s3://exports", "secretRef": {"name": secret}}}, name=name))


def live(secrets: str = OLD, rolling: bool = False, size: int = 2, **more: Any) -> LiveDeployment:
    return LiveDeployment(
        "exports", "uid", None, 1, size, size, size, rolling, overdue=False, trouble=None, secrets=secrets, **more
    )


def deployment(resource: VideoExportWorker, updated: int = 2, **progressing: str) -> dict[str, Any]:
    """Return the Deployment of a resource with two pods, some of them of the newest template."""
    name = resource.name
    status = {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": updated,
        "conditions": [{"type": "Progressing", **progressing}],
    }
    metadata = {"name": name, "namespace": "media", "uid": name, "generation": 2, "labels": child_labels(name)}
    return {**build_deployment(resource, NEW), "metadata": metadata, "status": status}


class World:
    """Deployments, and how often somebody has read them."""

    def __init__(self, *bodies: Json) -> None:
        self.bodies, self.reads = bodies, 0

    async def read(self, namespace: str) -> AsyncIterator[Json]:
        self.reads += 1
        assert namespace == "media"
        for each in self.bodies:
            yield each

    def turns(self) -> SecretTurns:
        """Return the turns of a process that has just begun."""
        return SecretTurns(self.read)


A, B, C = worker("a"), worker("b"), worker("c", secret="another")


async def test_resources_that_share_a_secret_take_turns() -> None:
    turns = World().turns()
    assert await turns.take(A, live(), NEW, 0.0) == Turn(NEW)
    assert await turns.take(B, live(), NEW, 1.0) == Turn(OLD, A.key)
    assert await turns.take(A, live(NEW, rolling=True), NEW, 2.0) == Turn(NEW)
    assert await turns.take(B, live(), NEW, 3.0) == Turn(OLD, A.key), "the pods are still being replaced"
    assert await turns.take(A, live(NEW), NEW, 4.0) == Turn(NEW)
    assert await turns.take(B, live(), NEW, 5.0) == Turn(NEW)


async def test_a_new_process_finds_whose_turn_it_is() -> None:
    world = World(deployment(A, updated=1), deployment(B), deployment(C, updated=1))
    turns = world.turns()
    assert await turns.take(B, live(), NEW, 0.0) == Turn(OLD, A.key), "the first is in the middle of its rollout"
    assert await turns.take(C, live(), NEW, 0.0) == Turn(NEW), "what its pods name is nobody else's"
    assert await turns.take(A, live(NEW, rolling=True), NEW, 1.0) == Turn(NEW)
    assert await turns.take(B, live(), NEW, 2.0) == Turn(OLD, A.key)
    assert await turns.take(A, live(NEW), NEW, 3.0) == Turn(NEW)
    world.bodies = (deployment(A), deployment(B))
    assert await turns.take(B, live(), NEW, 4.0) == Turn(NEW)


async def test_what_others_do_is_read_once_before_a_resource_begins() -> None:
    world = World()
    turns = world.turns()
    for at in range(5):
        await turns.take(A, live(OLD), NEW, at)
        await turns.take(B, live(NEW), NEW, at)
    assert world.reads == 1, (
        "a template that is refused stays to be applied, and a Secret that is the same costs nothing"
    )


async def test_of_two_that_begin_at_once_one_waits() -> None:
    found: list[Turn] = []

    async def read(_: str) -> AsyncIterator[Json]:
        if not found:
            found.append(Turn())
            found.append(await turns.take(B, live(), NEW, 0.0))
        return
        yield {}

    turns = SecretTurns(read)
    assert await turns.take(A, live(), NEW, 0.0) == Turn(OLD, B.key)
    assert found[1:] == [Turn(NEW)]


async def test_another_secret_is_nobody_elses_business() -> None:
    turns = World().turns()
    await turns.take(A, live(), NEW, 0.0)
    assert await turns.take(C, live(), NEW, 0.0) == Turn(NEW)


async def test_a_deployment_without_pods_waits_for_nobody_and_nobody_for_it() -> None:
    turns = World().turns()
    assert await turns.take(A, live(size=0), NEW, 0.0) == Turn(NEW)
    assert await turns.take(B, live(), NEW, 0.0) == Turn(NEW)
    assert await turns.take(A, live(size=0), NEW, 0.0) == Turn(NEW)


async def test_a_rollout_that_does_not_end_holds_the_others_for_a_while_only() -> None:
    turns = World(deployment(A, updated=1)).turns()
    await turns.take(A, live(), NEW, 0.0)
    await turns.take(A, live(NEW, rolling=True), NEW, LONGEST - 1)
    assert (await turns.take(B, live(), NEW, LONGEST - 1)).ahead == A.key
    assert await turns.take(B, live(), NEW, LONGEST) == Turn(NEW), "although the cluster still shows it"


async def test_a_rollout_past_its_deadline_holds_nobody() -> None:
    late = deployment(A, updated=1, status="False", reason="ProgressDeadlineExceeded")
    assert await World(late).turns().take(B, live(), NEW, 0.0) == Turn(NEW)


async def test_one_that_was_waited_for_in_vain_is_waited_for_again_the_next_time() -> None:
    world = World(deployment(A, updated=1))
    turns = world.turns()
    assert (await turns.take(B, live(), NEW, 0.0)).ahead == A.key
    world.bodies = ()
    assert await turns.take(B, live(), NEW, LONGEST) == Turn(NEW)
    await turns.take(B, live(NEW), NEW, LONGEST + 1)
    world.bodies = (deployment(A, updated=1),)
    assert (await turns.take(B, live(NEW), "newest", LONGEST + 2)).ahead == A.key


async def test_a_resource_that_is_gone_holds_nobody() -> None:
    turns = World().turns()
    await turns.take(A, live(), NEW, 0.0)
    turns.release(A.key)
    assert await turns.take(B, live(), NEW, 0.0) == Turn(NEW)


async def test_pods_keep_what_they_were_given_while_the_secrets_cannot_be_read() -> None:
    turns = World().turns()
    assert await turns.take(A, live(), None, 0.0) == Turn(OLD)
    assert await turns.take(A, None, None, 0.0) == Turn(None)
    assert await turns.take(A, None, NEW, 0.0) == Turn(NEW), "there is no Deployment yet"


@pytest.mark.parametrize(
    "spec",
    [
        {"storage": {"uri": "s3://exports", "secretRef": {"name": "storage"}}},
        {"temporal": {"address": "cloud:7233", "apiKeySecretRef": {"name": "key", "key": "token"}}},
        {
            "temporal": {
                "address": "cloud:7233",
                "tls": {"caSecretRef": {"name": "ca"}, "clientCertSecretRef": {"name": "client"}},
            }
        },
        {"assets": {"headersSecretRef": {"name": "headers", "key": "json"}}},
    ],
)
def test_a_rollout_shows_every_secret_whose_change_brings_new_pods(spec: dict[str, Any]) -> None:
    resource = parse_resource(body(spec))
    found = find_rollout(deployment(resource, updated=1))
    assert found is not None
    assert found == (resource.key, secret_names(resource))
    assert found[1], "the case names a Secret"
