"""What may go wrong around the operator, case by case, some at the same time: each in a namespace of its own.

In every case two pods exist and one of them runs a real activity; fewer pods are asked for while something fails.
These promises hold in all of them: the busy pod's deletion is never asked for and its activity ends at its first
attempt; when the fault ends the size becomes what was asked for, and later zero, and the conditions say that all is
well. `docs/faults.md` lists these cases and those that other tests hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from dev.control_plane import ControlPlane
from tests.integration.operator.faults import api_faults as api
from tests.integration.operator.faults import crash_faults as crash
from tests.integration.operator.faults import pod_faults as pods
from tests.integration.operator.faults import temporal_faults as temporal
from tests.integration.operator.faults import worlds
from tests.integration.operator.faults.api_proxy import refuse
from tests.integration.operator.faults.story import World
from tests.integration.operator.faults.worlds import making_world
from tests.servers import TemporalServer

AT_ONCE = 12
"""Cases that run at the same time; they mostly wait, but each begins with real workers and their first polls."""


@dataclass(frozen=True)
class Case:
    """One line of the table: its name, how the fault is made, what is promised beside what always is."""

    name: str
    made_by: str
    promise: str
    run: api.Run


CASES = (
    Case(
        "temporal-refused",
        "its process is killed",
        "told as Unavailable, the size is kept",
        temporal.with_own_server(temporal.refused),
    ),
    Case(
        "temporal-frozen",
        "SIGSTOP to its process",
        "told as TimedOut, the size is kept",
        temporal.with_own_server(temporal.frozen),
    ),
    Case(
        "temporal-restarted",
        "its process is killed and started: it knows no worker",
        "what a worker last said counts until it speaks again",
        temporal.with_own_server(temporal.restarted),
    ),
    Case(
        "temporal-errors",
        "every call answers INTERNAL",
        "told as ServerError, the size is kept",
        temporal.answering(grpc.StatusCode.INTERNAL, "shard is broken", "ServerError"),
    ),
    Case(
        "temporal-namespace-missing",
        "every call answers NOT_FOUND",
        "told as NamespaceNotFound, the size is kept",
        temporal.answering(grpc.StatusCode.NOT_FOUND, "Namespace default is not found.", "NamespaceNotFound"),
    ),
    Case(
        "temporal-key-revoked",
        "every call answers UNAUTHENTICATED",
        "told as Unauthenticated, the size is kept",
        temporal.answering(grpc.StatusCode.UNAUTHENTICATED, "key was revoked", "Unauthenticated"),
    ),
    Case(
        "temporal-rate-limited",
        "every call answers RESOURCE_EXHAUSTED",
        "told as RateLimited, the size is kept, Temporal is left alone",
        temporal.is_rate_limited,
    ),
    Case(
        "temporal-lists-no-workers",
        "ListWorkers alone answers RESOURCE_EXHAUSTED",
        "told as HeartbeatsRefused, nothing is taken of which nobody knows what it does",
        temporal.lists_no_workers,
    ),
    Case(
        "temporal-counts-nothing",
        "CountWorkflowExecutions alone answers RESOURCE_EXHAUSTED",
        "told as OpenExecutionsUnknown, one pod stays",
        temporal.counts_nothing,
    ),
    Case(
        "temporal-too-old",
        "the statistics are left out of the answers",
        "told as Unsupported, the size is kept",
        temporal.is_too_old,
    ),
    Case("api-away", "connections are closed without an answer", "tried again", api.during(api.nothing_is_answered)),
    Case(
        "api-slow",
        "writes happen, their answers come too late",
        "what was done is found done",
        api.during(api.answers_are_late),
    ),
    Case(
        "api-conflict",
        "every write answers 409",
        "read and tried again",
        api.during(api.writes_are(refuse(409, "Conflict"))),
    ),
    Case(
        "api-too-many-requests",
        "every write answers 429",
        "tried again",
        api.during(api.writes_are(refuse(429, "TooManyRequests", Retry_After="1"))),
    ),
    Case(
        "api-error", "every write answers 500", "tried again", api.during(api.writes_are(refuse(500, "InternalError")))
    ),
    Case(
        "api-forbidden",
        "every write answers 403",
        "tried again",
        api.during(api.writes_are(refuse(403, "Forbidden"))),
    ),
    Case(
        "api-watch-cut",
        "watches are broken off and cannot be opened",
        "what they missed is found",
        api.during(api.watches_are_cut),
    ),
    Case(
        "api-watch-expired",
        "watches tell that what they want is too old (410)",
        "everything is listed again",
        api.during(api.watches_say(410, "Expired")),
    ),
    Case(
        "api-watch-error",
        "watches tell an error of the server (500)",
        "the operator ends and is started again, it is never blind",
        crash.with_own_operator(api.watches_say(500, "InternalError")),
    ),
    Case(
        "deployment-deleted", "deleted, its pods left", "made again, finds the pods", api.during(api.deployment_deleted)
    ),
    Case(
        "pod-deleted", "the idle pod is deleted", "its successor is the one that goes", api.during(api.idle_pod_deleted)
    ),
    Case(
        "secret-deleted",
        "the storage's Secret is deleted",
        "told as SecretMissing, the size follows",
        api.secret_deleted,
    ),
    Case(
        "definition-deleted",
        "the CRD is deleted and comes back, once late and once at once",
        "the operator ends, is started again and finds it",
        worlds.definition_deleted,
    ),
    Case("namespace-deleted", "with all in it, and made again", "deletion waits for nobody", crash.namespace_deleted),
    Case(
        "token-expired",
        "every request answers 401",
        "logs in again, by a new process if need be",
        crash.with_own_operator(crash.token_expired),
    ),
    Case("clock-jumps", "an hour ahead, then two back", "all that is measured is monotonic", crash.clock_jumps),
    Case(
        "killed-before-each-write", "SIGKILL before write 1, 2, ...", "begins again", crash.killed_at_each_write(True)
    ),
    Case("killed-after-each-write", "SIGKILL after write 1, 2, ...", "begins again", crash.killed_at_each_write(False)),
    Case(
        "name-taken-meanwhile",
        "a Deployment between look and write",
        "left alone",
        crash.name_taken_in_the_same_instant,
    ),
    Case("node-drained", "the busy pod is evicted", "no zero before it has ended", pods.node_is_drained),
    Case("pod-ignores-sigterm", "the taken pod never ends", "the size goes on following", pods.pod_ignores_sigterm),
    Case(
        "image-cannot-be-pulled", "a rollout to it", "told as ImagePullBackOff", api.during(pods.image_cannot_be_pulled)
    ),
    Case(
        "rollout-stuck", "new pods never ready", "told as ProgressDeadlineExceeded", api.during(pods.rollout_is_stuck)
    ),
    Case("image-mute", "no heartbeats, no metrics", "its pods are never taken", pods.image_is_mute),
    Case(
        "quota-used-up",
        "a ResourceQuota of one pod",
        "mended when the quota goes",
        api.during(pods.quota_is_used_up),
    ),
)


@pytest.fixture(scope="module")
async def world(
    control_plane: ControlPlane, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """What all cases share."""
    async with making_world(control_plane, temporal_server.address, tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
async def outcomes(world: World, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Begin every case that was asked for; they mostly wait."""
    places = asyncio.Semaphore(AT_ONCE)

    async def run(case: Case) -> None:
        async with places:
            await case.run(world, case.name)

    # Other tests of the session have parameters of that name too, and not all of them can be put into a set.
    ours = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = {item.callspec.params["case"] for item in ours}
    tasks = {case.name: asyncio.create_task(run(case), name=case.name) for case in CASES if case in asked}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_nothing_is_interrupted_and_all_ends_well(case: Case, outcomes: dict[str, asyncio.Task[None]]) -> None:
    await outcomes[case.name]
