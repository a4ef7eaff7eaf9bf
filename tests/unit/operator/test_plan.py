from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.unit.operator.bodies import LIVE, decision, pod, resource
from video_export_operator.errors import (
    AdmissionDenied,
    Conflict,
    Contested,
    OperatorError,
    Rejected,
)
from video_export_operator.manifests import Ref
from video_export_operator.plan import (
    NEW,
    RESYNC,
    Action,
    Apply,
    Change,
    Converged,
    Due,
    Grow,
    Outcome,
    Plan,
    Remove,
    Shrink,
    Unmark,
    Wanted,
    build_objects,
    change_marks,
    change_size,
    deployment_ref,
    dry_run_digests,
    find_due,
    find_problems,
    marks_of,
    marks_ref,
    next_retry,
    plan_objects,
    remember_outcome,
    size_ref,
    take_digests,
)
from video_export_operator.plan.converged import CALM, REPAIRS
from video_export_operator.resource.live import LiveDeployment

SIZE, MARKS = size_ref("exports"), marks_ref("exports")


Objects = Mapping[Ref, Converged]
DEPLOYMENT = deployment_ref("exports")
POLICY = Ref("networking.k8s.io/v1", "NetworkPolicy", "exports")


def all_applied() -> Objects:
    wanted = take_digests(build_objects(resource(), ""))
    return {ref: Converged(digest, "as left" if digest else "", at=0.0) for ref, digest in wanted.items()}


def as_left() -> dict[Ref, str]:
    return {child.ref: "as left" for child in build_objects(resource(), "").children}


def wanted_of(secrets: str = "") -> Wanted:
    objects = build_objects(resource(), secrets)
    return Wanted(take_digests(objects), lambda: objects)


def plan_whole(objects: Objects, live: LiveDeployment | None = LIVE, at: float = 1.0, **more: Any) -> Plan:
    wanted = wanted_of(more.get("secrets", ""))
    there = {DEPLOYMENT: live.fingerprint} if live is not None else {}
    due, _ = find_due(objects, wanted.digests, {**more.get("children", as_left()), **there}, at)
    return plan_objects(wanted, due, objects, 1, more.get("is_new", False))


def plan(objects: Objects, live: LiveDeployment | None = LIVE, at: float = 1.0, **more: Any) -> tuple[Action, ...]:
    return tuple(action for _, action in plan_whole(objects, live, at, **more).checked)


def kinds(actions: tuple[Action, ...]) -> list[str]:
    return [action.manifest.ref.kind for action in actions if isinstance(action, Apply)]


def test_at_first_everything_is_made_the_deployment_last() -> None:
    actions = plan({}, live=None)
    assert kinds(actions) == ["ServiceAccount", "Service", "NetworkPolicy", "ServiceMonitor", "Deployment"]
    assert [action.ref.kind for action in actions if isinstance(action, Remove)] == ["PodDisruptionBudget"]


def test_what_is_in_order_plans_nothing() -> None:
    assert plan(all_applied()) == ()


def test_an_edit_shows_in_the_fingerprint_and_is_repaired() -> None:
    assert kinds(plan(all_applied(), live=replace(LIVE, fingerprint="edited"))) == ["Deployment"]
    assert kinds(plan(all_applied(), children={**as_left(), POLICY: "edited"})) == ["NetworkPolicy"]
    account = Ref("v1", "ServiceAccount", "exports")
    others = {ref: left for ref, left in as_left().items() if ref != account}
    assert kinds(plan(all_applied(), children=others)) == ["ServiceAccount"], "it was deleted"


def test_a_kind_that_is_not_installed_waits_for_the_next_look_at_everything() -> None:
    monitor = Ref("monitoring.coreos.com/v1", "ServiceMonitor", "exports")
    others = {ref: left for ref, left in as_left().items() if ref != monitor}
    applied = all_applied()
    left_out = {**applied, monitor: replace(applied[monitor], left="")}
    assert plan(left_out, children=others) == ()
    assert kinds(plan(left_out, at=601.0, children=others)) == [*kinds(plan({}, live=None))]


def test_a_changed_secret_brings_new_pods() -> None:
    (action,) = plan(all_applied(), secrets="changed")
    assert isinstance(action, Apply)
    pods = action.manifest.body["spec"]["template"]["metadata"]["annotations"]
    assert pods["videoexport.dev/secrets"] == "changed"
    assert kinds(plan(all_applied(), secrets="")) == []


def test_a_changed_template_is_tried_out_first() -> None:
    assert plan_whole({}, is_new=True).check is not None, "a spec that was never acted on"
    assert plan_whole({}).check is None, "after a restart: the spec was accepted before"
    changed = plan_whole(all_applied(), secrets="changed")
    assert changed.check is not None
    assert changed.check.ref == DEPLOYMENT
    edited = {**as_left(), POLICY: "edited"}
    assert plan_whole(all_applied(), children=edited).check is None, "no template has changed"
    refused, _ = failed(AdmissionDenied("no"), DEPLOYMENT)
    assert plan_whole(refused, at=400.0, live=None).check is not None, "what was refused is tried out again"


def test_the_size_has_a_way_of_its_own() -> None:
    assert change_size("exports", decision(1), LIVE) is None
    assert change_size("exports", decision(1), None) is None, "a new Deployment is made with its size"
    assert change_size("exports", decision(3), LIVE) == Change(SIZE, "3", "1", Grow(3))
    shrink = Change(SIZE, "1", "3", Shrink(1, ("b", "c")))
    assert change_size("exports", decision(1, ("b", "c")), replace(LIVE, size=3)) == shrink


def test_a_size_that_was_reached_and_is_changed_again_is_due_again() -> None:
    due, _ = find_due({}, {SIZE: "3"}, {SIZE: "1"}, 0.0)
    objects = remember_outcome({}, due, Outcome(left={SIZE: "3"}), 0.0, 0.0, RESYNC)
    assert find_due(objects, {SIZE: "3"}, {SIZE: "1"}, 1.0)[0] == {SIZE: Due("3", "1")}


def test_marks_are_right_while_pods_are_being_taken_and_removed_afterwards() -> None:
    pods = (pod("a"), pod("b", cost=-100), pod("c", cost=-7), pod("d", cost=-100, terminating=True))
    assert change_marks("exports", replace(LIVE, size=3), pods) == Change(MARKS, "none", "b", Unmark(("b",)))
    assert change_marks("exports", replace(LIVE, size=2), pods) is None, "b is about to go"


def test_a_dry_run_asks_for_an_opinion_once() -> None:
    wanted = dry_run_digests(wanted_of(), "exports")
    due, _ = find_due({}, wanted, {}, 0.0)
    objects = remember_outcome({}, due, Outcome(left={DEPLOYMENT: ""}), 0.0, 0.0, RESYNC)
    assert find_due(objects, wanted, {}, 1.0)[0] == {}
    assert kinds(plan(objects, live=None))[-1] == "Deployment", "everything is made when it is no dry run any more"


def failed(problem: OperatorError, *refs: Ref) -> tuple[Objects, Mapping[Ref, Due]]:
    """What is remembered after objects were edited and could not be put back at 1.0."""
    due = dict.fromkeys(refs, Due("other", "edited"))
    return remember_outcome(all_applied(), due, Outcome(failed=dict.fromkeys(refs, problem)), 1.0, 1.0, RESYNC), due


def test_what_failed_waits_unless_something_changes() -> None:
    objects, _ = failed(Conflict("changed"), POLICY)
    digest = take_digests(build_objects(resource(), ""))[POLICY]
    wanted, found = {POLICY: "other"}, {POLICY: "edited"}
    assert find_due(objects, wanted, found, 1.4)[0] == {}
    assert next_retry(objects.values()) == 1.5
    assert find_due(objects, wanted, found, 1.5)[0] == {POLICY: Due("other", "edited")}
    assert find_due(objects, wanted, {POLICY: "edited again"}, 1.4)[0] != {}
    assert find_due(objects, {POLICY: "a third"}, found, 1.4)[0] != {}
    assert find_due(objects, wanted, found, 1.4)[1] == objects, "it is told as long as it is so"
    mended = find_due(objects, {POLICY: digest}, {POLICY: "as left"}, 1.4)[1]
    assert find_problems(mended) == (), "somebody else put it back"


def test_failures_in_a_row_wait_longer_and_the_most_lasting_is_told() -> None:
    objects, due = failed(Conflict("changed"), POLICY, DEPLOYMENT)
    again = remember_outcome(
        objects, due, Outcome(failed={POLICY: Conflict("again"), DEPLOYMENT: Rejected("no")}), 2.0, 1.0, RESYNC
    )
    assert next_retry(again.values()) == 3.0
    assert [problem.reason for problem in find_problems(again)] == ["Rejected", "Conflict"]
    done = remember_outcome(again, due, Outcome(left=dict.fromkeys(due, "edited")), 3.0, 1.0, RESYNC)
    assert find_problems(done) == ()
    assert find_due(done, {POLICY: "other"}, {POLICY: "edited"}, 4.0)[0] == {}


def put_back(objects: Objects, at: float) -> Objects | None:
    """Somebody edits the NetworkPolicy; None where it is left as it is for now."""
    digest = take_digests(build_objects(resource(), ""))[POLICY]
    due, left = find_due(objects, {POLICY: digest}, {POLICY: "edited"}, at, {POLICY: "meddler"})
    return remember_outcome(left, due, Outcome(left={POLICY: "as left"}), at, 0.0, RESYNC) if due else None


def test_edits_that_go_on_are_put_back_ever_more_rarely_and_their_writer_is_named() -> None:
    objects = all_applied()
    for edit in range(REPAIRS):
        objects = put_back(objects, float(edit)) or {}
        assert objects, "a few edits are put back at once"
    waits: list[float] = []
    at = REPAIRS - 1.0
    for _ in range(8):
        begin = at
        while (after := put_back(objects, at)) is None:
            at += 1.0
        objects, waits = after, [*waits, at - begin]
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_contested_object_is_told_with_its_writer() -> None:
    objects = all_applied()
    for at in range(REPAIRS):
        objects = put_back(objects, float(at)) or {}
    digest = take_digests(build_objects(resource(), ""))[POLICY]
    _, left = find_due(objects, {POLICY: digest}, {POLICY: "edited"}, 5.0, {POLICY: "meddler"})
    problem, *_ = find_problems(left)
    assert isinstance(problem, Contested)
    assert str(problem).startswith("meddler has changed NetworkPolicy exports 5 times")
    assert find_due(left, {POLICY: "a new spec"}, {POLICY: "edited"}, 5.0, {POLICY: "meddler"})[0] != {}
    quiet = put_back(objects, 2 * CALM + 10.0)
    assert quiet is not None
    assert quiet[POLICY].repairs == 1, "after a quiet time it is an edit like any other"


def test_an_object_that_is_deleted_again_and_again_has_a_budget_too() -> None:
    objects = all_applied()
    digest = take_digests(build_objects(resource(), ""))[POLICY]
    gone = {POLICY: digest}
    for at in range(REPAIRS):
        due, left = find_due(objects, gone, {}, float(at))
        assert due, "the first ones are put back at once"
        objects = remember_outcome(left, due, Outcome(left={POLICY: "as left"}), float(at), 0.0, RESYNC)
    due, left = find_due(objects, gone, {}, float(REPAIRS))
    assert not due
    (problem,) = find_problems(left)
    assert str(problem).startswith("somebody has deleted NetworkPolicy exports 5 times")


def test_what_is_seen_first_is_looked_at_again_sooner() -> None:
    due = {POLICY: Due("wanted", "")}
    first = remember_outcome({}, due, Outcome(left={POLICY: "left"}), 0.0, 0.0, 400.0)
    assert find_due(first, {POLICY: "wanted"}, {POLICY: "left"}, 399.0)[0] == {}
    assert find_due(first, {POLICY: "wanted"}, {POLICY: "left"}, 400.0)[0] != {}
    second = remember_outcome(first, due, Outcome(left={POLICY: "left"}), 400.0, 0.0, 400.0)
    assert find_due(second, {POLICY: "wanted"}, {POLICY: "left"}, 999.0)[0] == {}
    assert NEW.failure is None


def test_a_deployment_that_was_deleted_or_replaced_comes_back() -> None:
    assert kinds(plan(all_applied(), live=None)) == ["Deployment"]
    assert kinds(plan(all_applied(), live=replace(LIVE, uid="d-2", fingerprint="new"))) == ["Deployment"]


def test_once_in_a_while_everything_is_applied_again() -> None:
    assert plan(all_applied(), at=RESYNC - 1) == ()
    assert len(kinds(plan(all_applied(), at=RESYNC))) == 5


def test_exactly_the_victims_are_marked() -> None:
    pods = (pod("a"), pod("b"), pod("c", cost=-100), pod("d", cost=-100, terminating=True), pod("e", cost=7))
    assert marks_of(pods, ("b",)) == {"b": -100, "c": 0}
    assert marks_of(pods, ("c",)) == {}
