"""A Secret that many resources name changes: whose pods get it, and when."""

from __future__ import annotations

from typing import Any

from tests.unit.operator.bodies import body
from video_export_operator.reconcile.secret_turns import LONGEST, SecretTurns, Turn
from video_export_operator.resource import VideoExportWorker, parse_resource
from video_export_operator.resource.live import LiveDeployment

OLD, NEW = "old", "new"


def worker(name: str, secret: str = "shared") -> VideoExportWorker:
    return parse_resource(body({"storage": {"uri": "s3://exports", "secretRef": {"name": secret}}}, name=name))


def live(secrets: str = OLD, rolling: bool = False, size: int = 2, **more: Any) -> LiveDeployment:
    return LiveDeployment(
        "exports", "uid", None, 1, size, size, size, rolling, overdue=False, trouble=None, secrets=secrets, **more
    )


A, B, C = worker("a"), worker("b"), worker("c", secret="another")


def test_resources_that_share_a_secret_take_turns() -> None:
    turns = SecretTurns()
    assert turns.take(A, live(), NEW, 0.0) == Turn(NEW)
    assert turns.take(B, live(), NEW, 1.0) == Turn(OLD, A.key)
    assert turns.take(A, live(NEW, rolling=True), NEW, 2.0) == Turn(NEW)
    assert turns.take(B, live(), NEW, 3.0) == Turn(OLD, A.key), "the pods are still being replaced"
    assert turns.take(A, live(NEW), NEW, 4.0) == Turn(NEW)
    assert turns.take(B, live(), NEW, 5.0) == Turn(NEW)


def test_another_secret_is_nobody_elses_business() -> None:
    turns = SecretTurns()
    turns.take(A, live(), NEW, 0.0)
    assert turns.take(C, live(), NEW, 0.0) == Turn(NEW)


def test_a_deployment_without_pods_waits_for_nobody_and_nobody_for_it() -> None:
    turns = SecretTurns()
    assert turns.take(A, live(size=0), NEW, 0.0) == Turn(NEW)
    assert turns.take(B, live(), NEW, 0.0) == Turn(NEW)
    assert turns.take(A, live(size=0), NEW, 0.0) == Turn(NEW)


def test_a_rollout_that_does_not_end_holds_the_others_for_a_while_only() -> None:
    turns = SecretTurns()
    turns.take(A, live(), NEW, 0.0)
    turns.take(A, live(NEW, rolling=True), NEW, LONGEST - 1)
    assert turns.take(B, live(), NEW, LONGEST - 1).ahead == A.key
    assert turns.take(B, live(), NEW, LONGEST) == Turn(NEW)


def test_a_resource_that_is_gone_holds_nobody() -> None:
    turns = SecretTurns()
    turns.take(A, live(), NEW, 0.0)
    turns.release(A.key)
    assert turns.take(B, live(), NEW, 0.0) == Turn(NEW)


def test_pods_keep_what_they_were_given_while_the_secrets_cannot_be_read() -> None:
    turns = SecretTurns()
    assert turns.take(A, live(), None, 0.0) == Turn(OLD)
    assert turns.take(A, None, None, 0.0) == Turn(None)
    assert turns.take(A, None, NEW, 0.0) == Turn(NEW), "there is no Deployment yet"
