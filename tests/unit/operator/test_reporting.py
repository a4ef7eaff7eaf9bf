"""What is told of a decision: events, the status and its conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.operator.bodies import LIVE, decision, pod, queue, resource, running, seen
from video_export_operator.errors import (
    AdmissionDenied,
    NameTaken,
    SecretMissing,
    ShrinkFailed,
    TemporalUnavailable,
)
from video_export_operator.plan import (
    EmitEvent,
    WriteStatus,
)
from video_export_operator.resource import Key
from video_export_operator.resource.trouble import Trouble
from video_export_operator.scaling import Decision, Memory, WorkerReport, decide
from video_export_operator.status import Findings, Report, conditions_from, plan_report


def report(old: dict[str, Any] | None = None, since_last: float = 1e9, now: str = "2026-01-01T00:00:00Z") -> Report:
    found = Findings(resource(), decision(), LIVE, (pod("a"),))
    return Report(Key("media", "exports"), "uid-1", "7", 1, conditions_from(found), old or {}, now, since_last)


def written(actions: tuple[EmitEvent | WriteStatus, ...]) -> dict[str, Any]:
    (status,) = [action.status for action in actions if isinstance(action, WriteStatus)]
    return dict(status)


def events(actions: tuple[EmitEvent | WriteStatus, ...]) -> list[EmitEvent]:
    return [action for action in actions if isinstance(action, EmitEvent)]


def tell(before: Report, made: Decision | None = None, **more: Any) -> tuple[EmitEvent | WriteStatus, ...]:
    return plan_report(before, made or decision(), LIVE, queue(0), **more)


def test_what_was_told_is_not_told_again() -> None:
    status = written(tell(report()))
    assert tell(report(status)) == ()


def test_moving_numbers_wait_a_minute() -> None:
    status = written(tell(report()))
    moved = {**status, "backlog": {**status["backlog"], "addRate": "0.4"}}
    assert tell(report(moved, since_last=59.0)) == ()
    assert written(tell(report(moved, since_last=60.0)))["backlog"]["addRate"] == "0.0"


def test_a_change_of_state_is_written_at_once() -> None:
    status = written(tell(report()))
    actions = tell(report({**status, "readyReplicas": 0}, since_last=0.0))
    assert written(actions)["readyReplicas"] == 1
    assert events(actions) == []


def test_a_change_of_size_is_told_with_its_reason_and_numbers() -> None:
    status = written(tell(report()))
    more, _ = decide(
        resource().spec, seen(0, 1, queue(0, activities=5, workers={"a": WorkerReport(1)}), running("a")), Memory()
    )
    actions = tell(report(status, now="2026-01-01T00:01:00Z"), more)
    assert written(actions)["lastScale"] == {
        "time": "2026-01-01T00:01:00Z",
        "from": 1,
        "to": 3,
        "reason": "ScaleUp",
        "message": "5 activities and 0 workflow tasks wait, 1 run, 2 slots a pod: 3 needed",
    }
    (event,) = events(actions)
    assert (event.reason, event.warning) == ("ScaledUp", False)
    assert event.message.startswith("from 1 to 3: ScaleUp: 5 activities")
    assert isinstance(actions[-1], WriteStatus), "the event comes first: told twice it has the same name"
    assert events(tell(report(status, now="2026-01-01T00:01:07Z"), more))[0].name == event.name


def test_a_size_that_could_not_be_applied_is_not_the_desired_one() -> None:
    status = written(tell(report(), decision(7), applied=False))
    assert status["desiredReplicas"] == 0
    assert "lastScale" not in status


def test_a_transition_keeps_its_time_until_the_status_changes() -> None:
    status = written(tell(report()))
    found = Findings(resource(), decision(), LIVE, (), problems=(NameTaken("taken"),))
    later = replace(report(status, now="2026-01-01T01:00:00Z"), conditions=conditions_from(found))
    actions = tell(later)
    conditions = {each["type"]: each for each in written(actions)["conditions"]}
    assert conditions["Ready"]["lastTransitionTime"] == "2026-01-01T01:00:00Z"
    assert conditions["TemporalReachable"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    (event,) = events(actions)
    assert (event.reason, event.warning, event.message) == ("NameTaken", True, "Ready is False: taken")


def test_a_foreign_condition_is_kept() -> None:
    foreign = {"type": "Theirs", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "t"}
    assert foreign in written(tell(report({"conditions": [foreign]})))["conditions"]


def judged(**more: Any) -> dict[str, tuple[Any, str, str]]:
    facts: dict[str, Any] = {"resource": resource(), "decision": decision(), "deployment": LIVE, "pods": (pod("a"),)}
    return {
        each.type: (each.status, each.reason, each.message) for each in conditions_from(Findings(**{**facts, **more}))
    }


def test_a_resource_in_order_is_ready_at_any_size() -> None:
    assert judged()["Ready"][:2] == (True, "InPlace")
    assert judged(pods=(), decision=decision(0))["Ready"][:2] == (True, "InPlace")


def test_conditions_tell_what_is_wrong() -> None:
    silence = TemporalUnavailable("TimedOut", "no answer within 3 s")
    assert judged(silence=silence)["TemporalReachable"] == (False, "TimedOut", "temporal:7233: no answer within 3 s")
    assert judged(silence=silence)["ScalingActive"][:2] == (False, "TemporalUnreachable")
    assert judged(problems=(SecretMissing("no secret"),))["Ready"] == (False, "SecretMissing", "no secret")
    assert judged(asked=False)["TemporalReachable"][0] is None
    pulling = pod("a", trouble=Trouble("ErrImagePull", "not found"))
    assert judged(pods=(pulling,))["WorkersHealthy"] == (False, "ImagePullBackOff", "ErrImagePull: not found")
    assert judged(silent=frozenset({"a"}))["WorkersHealthy"][:2] == (False, "NotReporting")
    assert judged(by_metrics=frozenset({"a"}))["WorkersHealthy"][:2] == (True, "NoHeartbeats")
    stuck = replace(LIVE, overdue=True, trouble=Trouble("ProgressDeadlineExceeded", "timed out"))
    assert judged(deployment=stuck)["Ready"][:2] == (False, "ProgressDeadlineExceeded")


def test_replicas_in_mode_auto_are_said_to_be_ignored() -> None:
    told = judged(resource=resource(replicas=4))["ScalingActive"]
    assert told[:2] == (True, "ReplicasIgnored")
    assert "set scaling.mode Manual to use it" in told[2]


def test_a_dry_run_shows_the_decision() -> None:
    status, reason, message = judged(resource=replace(resource(), dry_run=True))["Ready"]
    assert (status, reason) == (False, "DryRun")
    assert message.startswith("would have 1 pods: Steady")


def test_how_a_container_ended_is_told_for_a_while_after_it_runs_again() -> None:
    killed = pod("a", trouble=Trouble("OOMKilled", "container worker ended with exit code 137", at=1000.0))
    assert judged(pods=(killed,), now=1500.0)["WorkersHealthy"][:2] == (False, "OOMKilled")
    assert judged(pods=(killed,), now=1600.0)["WorkersHealthy"][:2] == (True, "Healthy")


def test_a_queue_that_others_follow_is_told_with_the_part() -> None:
    shares = {Key("media", "exports"): 0.25, Key("media", "other"): 0.75}
    status, reason, message = judged(shares=shares)["ScalingActive"]
    assert (status, reason) == (True, "SharedQueue")
    assert "25% of what waits on video-export-task-queue; the rest is for media/other" in message


def test_a_shrink_that_failed_is_no_size_within_limits() -> None:
    told = judged(problems=(ShrinkFailed("no pod was taken: Forbidden: no"),))
    assert told["Ready"][:2] == (False, "ShrinkFailed")
    assert told["ScalingLimited"][:2] == (True, "ShrinkFailed")


def test_another_operator_with_the_same_scope_is_told() -> None:
    assert judged()["ClaimedTwice"] == (False, "ClaimedOnce", "one operator serves it")
    status, reason, message = judged(contender="ops/other")["ClaimedTwice"]
    assert (status, reason) == (True, "ClaimedByAnother")
    assert message.startswith("the operator of the Lease ops/other has it in its scope as well")


def test_a_shrink_that_failed_is_told_beside_a_problem_that_lasts_longer() -> None:
    failed = ShrinkFailed("no pod was taken: AdmissionDenied: no")
    told = judged(problems=(AdmissionDenied("no"), failed))
    assert told["Ready"][:2] == (False, "AdmissionDenied")
    assert told["ScalingLimited"] == (True, "ShrinkFailed", "no pod was taken: AdmissionDenied: no")
