"""What the operator tells of a resource that cannot be served as it asks, and that it goes on when it can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.servers import running_temporal
from tests.waiting import wait_for

Apply = Callable[..., str]


async def test_a_foreign_deployment_of_our_name_is_left_alone(export: Apply, namespace: Namespace) -> None:
    namespace.succeed("create", "deployment", "exports", "--image=example/other:1", "--replicas=0")
    before = namespace.get("deployment") or {}
    export()
    told = await namespace.wait_condition("Ready", "False", "NameTaken")
    assert "belongs to somebody else; delete or rename it" in told["message"]
    after = namespace.get("deployment") or {}
    assert after["spec"] == before["spec"]
    assert "ownerReferences" not in after["metadata"]
    assert all(each["manager"] != "video-export-operator" for each in after["metadata"]["managedFields"])
    namespace.succeed("delete", "deployment", "exports", "--wait=true")
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_a_missing_secret_is_named_and_found_when_it_appears(export: Apply, namespace: Namespace) -> None:
    export(
        storage={"uri": "s3://exports", "secretRef": {"name": "bucket"}},
        temporal={"tls": {"caSecretRef": {"name": "ca"}}},
    )
    told = await namespace.wait_condition("TemporalReachable", "False", "SecretMissing")
    assert f"Secret {namespace.name}/ca does not exist" in told["message"]
    told = await namespace.wait_condition("Ready", "False", "SecretMissing")
    assert f"Secret {namespace.name}/bucket does not exist; create it" in told["message"]
    namespace.succeed("create", "secret", "generic", "bucket", "--from-literal=AWS_REGION=x")
    await namespace.wait_condition("Ready", "True", "InPlace")
    namespace.succeed("create", "secret", "generic", "ca", "--from-literal=other=x")
    told = await namespace.wait_condition("TemporalReachable", "False", "SecretMissing")
    await wait_for(
        lambda: "has no key ca.crt" in namespace.condition("TemporalReachable")["message"], "the key is named", 70
    )


async def test_a_wrong_template_is_told_in_the_api_servers_words(export: Apply, namespace: Namespace) -> None:
    export(template={"spec": {"nodeSelektor": {"a": "b"}}})
    told = await namespace.wait_condition("Ready", "False", "Rejected")
    assert ".spec.template.spec.nodeSelektor: field not declared in schema" in told["message"]
    export()
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_the_size_does_not_wait_for_a_template_that_is_right(export: Apply, namespace: Namespace) -> None:
    export(scaling={"mode": "Manual"}, replicas=1)
    await namespace.wait_condition("Ready", "True", "InPlace")
    wrong = {"spec": {"containers": [{"name": "worker", "ports": [{"containerPort": 99999}]}]}}
    export(scaling={"mode": "Manual"}, replicas=1, template=wrong, networkPolicy={"enabled": False})
    told = await namespace.wait_condition("Ready", "False", "Rejected")
    assert "containerPort: Invalid value: 99999: must be between 1 and 65535" in told["message"]
    assert namespace.get("networkpolicy"), "nothing is done for a resource whose template is refused"
    namespace.succeed("scale", "vew/exports", "--replicas=3")
    scaled = await namespace.wait_size(3)
    ports = scaled["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [port["containerPort"] for port in ports] == [8007, 8008]
    export(scaling={"mode": "Manual"}, replicas=2)
    await namespace.wait_size(2)
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_an_image_that_cannot_be_pulled_is_told(export: Apply, namespace: Namespace) -> None:
    export(scaling={"minReplicas": 1})
    (pod,) = await namespace.wait_pods(1)
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "example/worker:1"'}
    container = {"name": "worker", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    namespace.patch_pod(pod["metadata"]["name"], {"containerStatuses": [{**container, "state": {"waiting": waiting}}]})
    told = await namespace.wait_condition("WorkersHealthy", "False", "ImagePullBackOff")
    assert 'Back-off pulling image "example/worker:1"' in told["message"]


async def test_temporal_that_is_not_there_is_told_and_found_again(
    operator: Operator, namespace: Namespace, tmp_path: Path
) -> None:
    with running_temporal(tmp_path) as temporal:
        temporal.stop()
        namespace.apply(resource(temporal.address))
        told = await namespace.wait_condition("TemporalReachable", "False", "Unavailable")
        assert temporal.address in told["message"]
        await namespace.wait_condition("Ready", "True", "InPlace")
        await namespace.wait_condition("ScalingActive", "False", "TemporalUnreachable")
        temporal.start()
        await namespace.wait_condition("TemporalReachable", "True", "Answering")
        temporal.freeze()
        await namespace.wait_condition("TemporalReachable", "False", "TimedOut")
        temporal.thaw()
        await namespace.wait_condition("TemporalReachable", "True", "Answering")
    assert [reason for reason, _ in namespace.told()].count("Answering") == 2


async def test_a_namespace_that_temporal_does_not_know_is_told(export: Apply, namespace: Namespace) -> None:
    export(temporal={"namespace": "nowhere"})
    told = await namespace.wait_condition("TemporalReachable", "False", "NamespaceNotFound")
    assert "nowhere" in told["message"]
