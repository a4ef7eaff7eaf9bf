"""What makes a tick cheap must not make it blind."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.unit.operator.bodies import body as resource_body
from video_export_operator.cluster.transport import KindNotInstalled, NotFound, translate
from video_export_operator.errors import AdmissionDenied, Forbidden, OperatorError, QuotaExceeded
from video_export_operator.metrics import Levels
from video_export_operator.proxies import find_proxy
from video_export_operator.reconcile.caches import KEPT, Caches
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key


def body(name: str, version: int = 1, **metadata: Any) -> dict[str, Any]:
    text = "".join(["the same", " text"])  # a new object each time, as a parser makes it
    known = {"name": name, "namespace": "media", "uid": name, "resourceVersion": str(version), **metadata}
    return {"metadata": known, "status": {"conditions": [{"message": text}]}}


def test_the_store_keeps_neither_managed_fields_nor_a_text_twice() -> None:
    store = Store(lambda _: None)
    for name in ("a", "b"):
        store.put_resource(body(name, managedFields=[{"manager": "kubectl"}]))
    a, b = (store.resources[Key("media", name)] for name in ("a", "b"))
    assert "managedFields" not in a["metadata"]
    assert a["status"] == {"conditions": [{"message": "the same text"}]}
    assert a["status"]["conditions"][0]["message"] is b["status"]["conditions"][0]["message"]


def test_the_store_does_not_change_what_it_is_given() -> None:
    given = body("a", managedFields=[{"manager": "kubectl"}])
    Store(lambda _: None).put_resource(given)
    assert given["metadata"]["managedFields"] == [{"manager": "kubectl"}]


def test_a_level_shows_the_last_value_of_each_series_that_is_left() -> None:
    registry = CollectorRegistry()
    levels = Levels("ready", "Pods.", ("namespace", "name"))
    registry.register(levels)
    levels.set(("media", "a"), 1)
    levels.set(("media", "b"), 2)
    levels.set(("media", "a"), 3)
    levels.remove(("media", "b"))
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert lines == ['ready{name="a",namespace="media"} 3.0'] or lines == ['ready{namespace="media",name="a"} 3.0']


def test_levels_are_collected_while_a_resource_comes(eager_collector: None) -> None:
    """The collector of garbage may let another thread go on; here a finalizer is what comes in between."""
    levels = Levels("ready", "Pods.", ("namespace", "name"))
    for number in range(1000):
        levels.set(("media", f"before-{number}"), 0)

    class Garbage:
        left = 20

        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            levels.set(("media", f"meanwhile-{Garbage.left}"), 1)
            Garbage.left -= 1
            if Garbage.left:
                Garbage()

    Garbage()
    [family] = levels.collect()
    assert len(family.samples) >= 1000
    assert Garbage.left == 0, "nothing came in between"


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """Garbage is collected again and again, wherever something is made."""
    usual = gc.get_threshold()
    gc.set_threshold(10, 1, 1)
    yield
    gc.set_threshold(*usual)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b'{"message": "no", "details": {"name": "exports", "kind": "services"}}', NotFound),
        (b'{"message": "the server could not find the requested resource", "details": {}}', KindNotInstalled),
        (b"404 page not found\n", KindNotInstalled),
    ],
)
def test_a_kind_that_is_not_there_is_told_from_an_object(answer: bytes, error: type[NotFound]) -> None:
    assert type(translate(404, answer, "GET /")) is error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (
            'deployments.apps "exports" is forbidden: User "system:serviceaccount:ops:operator" cannot patch resource '
            '"deployments" in API group "apps" in the namespace "media"',
            Forbidden,
        ),
        (
            'pods "a" is forbidden: exceeded quota: none, requested: pods=1, used: pods=3, limited: pods=3',
            QuotaExceeded,
        ),
        (
            "deployments.apps \"exports\" is forbidden: ValidatingAdmissionPolicy 'images' with binding 'images' "
            "denied request: User images cannot be used",
            AdmissionDenied,
        ),
        ('admission webhook "validation.gatekeeper.sh" denied the request: [repos] no', AdmissionDenied),
        ('pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile', AdmissionDenied),
    ],
)
def test_three_causes_of_403_are_told_apart(message: str, error: type[OperatorError]) -> None:
    assert type(translate(403, json.dumps({"message": message}).encode(), "PATCH /")) is error


@pytest.mark.parametrize(
    ("url", "exempt", "proxy"),
    [
        ("https://10.96.0.1:443", "", "http://proxy:3128"),
        ("https://10.96.0.1:443", "10.96.0.1", None),
        ("https://api.example.com:6443", ".example.com", None),
    ],
)
def test_a_proxy_of_the_environment_is_used_unless_exempt(
    monkeypatch: pytest.MonkeyPatch, url: str, exempt: str, proxy: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, exempt)
    assert find_proxy(url) == proxy


def test_equal_parts_of_two_specs_are_one_and_others_are_not() -> None:
    spec = {"temporal": {"address": "temporal:7233"}, "image": "example/worker:1", "storage": {"uri": "s3://exports"}}
    caches = Caches()
    a, b, c = (
        caches.parse(
            Key("media", name), {"metadata": {"name": name, "uid": name}, "spec": {**spec, "scaling": scaling}}
        ).spec
        for name, scaling in (("a", {}), ("b", {}), ("c", {"maxReplicas": 3}))
    )
    assert a == b
    assert a.scaling is b.scaling
    assert (a.scaling.max_replicas, c.scaling.max_replicas) == (10, 3)
    assert a.storage is c.storage


def test_a_resource_is_parsed_and_its_objects_are_built_once_for_each_version() -> None:
    caches, key = Caches(), Key("media", "exports")
    one = caches.parse(key, resource_body())
    assert caches.parse(key, resource_body(resourceVersion="9")) is one, "a status makes no new version of the spec"
    digests = caches.wanted(one, "").digests
    assert caches.wanted(one, "").digests is digests
    assert caches.wanted(one, "secrets").digests != digests
    two = caches.parse(key, resource_body(generation=2))
    assert two is not one
    for number in range(KEPT + 1):
        caches.wanted(two, str(number)).build()
    assert len(caches._objects) == KEPT
