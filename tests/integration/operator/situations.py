"""Deployments in every state that a rollout can be in, made in a real cluster, and what a smaller size does to them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import urllib3

from dev.control_plane import ADMIN, ADMINS, ControlPlane
from tests.waiting import wait_until
from video_export_operator.controllers import OwnedPods, own_pods
from video_export_operator.resource.identity import DELETION_COST, WORKER_LABEL
from video_export_operator.resource.live import parse_deployment, parse_pod
from video_export_operator.resource.replica_sets import DESIRED, MOST, parse_replica_set

Json = dict[str, Any]
T = TypeVar("T")
SIDE_BY_SIDE = 8
"""Requests at once."""
AGES = (2, 40, 500, 6000, 70000)
"""Seconds for which a pod has been ready; a few more make some of them equal and others not."""
LOOKS = 4
"""Looks at the cluster, a third of a second apart, in which nothing may change until it is at rest."""


@dataclass(frozen=True)
class Api:
    """The API server, asked by many threads at once."""

    server: str
    pool: urllib3.PoolManager

    @classmethod
    def of(cls, plane: ControlPlane) -> Api:
        """Log in as the administrator."""
        pair = plane.authority.issue(ADMIN, groups=ADMINS)
        pool = urllib3.PoolManager(
            maxsize=SIDE_BY_SIDE,
            ca_certs=str(plane.authority.pair.certificate),
            cert_file=str(pair.certificate),
            key_file=str(pair.key),
        )
        return cls(plane.server, pool)

    def request(self, method: str, path: str, body: Any = None) -> Json:
        """Return the answer, nothing where the object has gone or is going meanwhile; what is refused is an error."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        answer = self.pool.request(method, self.server + path, body=data, headers={"Content-Type": kind}, retries=False)
        if answer.status == 404 or (answer.status == 409 and b"is being deleted" in answer.data):
            return {}
        assert answer.status < 300, f"{method} {path}: {answer.data.decode()}"
        return dict(answer.json())


@dataclass
class Situation:
    """One Deployment, and everything that chance decides about it.

    Attributes:
        chance: its own source of chance, so that one situation can be made again.
    """

    name: str
    chance: random.Random
    size: int = 0
    wanted: int = 0
    templates: int = 1
    strategy: Json = field(default_factory=dict)
    paused: bool = False

    @classmethod
    def of(cls, seed: int) -> Situation:
        """Draw one."""
        chance = random.Random(seed)
        size = chance.randint(1, 12)
        surge = chance.choice([0, 1, 3, "25%", "25%", "25%", "50%"])
        unavailable = chance.choice([1, "25%", "50%"] if surge == 0 else [0, 0, 0, 1, "25%"])
        return cls(
            name=f"situation-{seed}",
            chance=chance,
            size=size,
            wanted=chance.randint(0, size - 1),
            templates=chance.choice([1, 1, 2, 2, 2, 3]),
            strategy={"maxSurge": surge, "maxUnavailable": unavailable},
            paused=chance.random() < 0.15,
        )

    def deployment(self) -> Json:
        """Return the Deployment with its first template."""
        labels = {WORKER_LABEL: self.name}
        container = {"name": "worker", "image": "example/worker:1"}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {
                "replicas": self.size,
                "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": self.strategy},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }

    def status(self) -> Json:
        """Return a status of a pod on a node."""
        running, ready = self.chance.random() < 0.85, self.chance.random() < 0.75
        age = self.chance.choice(AGES) + self.chance.choice([0, 0, 0, 1, 5])
        since = datetime.fromtimestamp(time.time() - age, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        container = {
            "name": "worker",
            "image": "example/worker:1",
            "imageID": "",
            "ready": ready,
            "restartCount": self.chance.choice([0, 0, 0, 1, 2]),
            "state": {"running": {"startedAt": since}},
        }
        return {
            "phase": "Running" if running else "Pending",
            "conditions": [{"type": "Ready", "status": str(running and ready), "lastTransitionTime": since}],
            "containerStatuses": [container] if running else [],
        }


@dataclass
class Cluster:
    """All situations of one namespace."""

    api: Api
    namespace: str
    situations: dict[str, Situation]
    bodies: dict[str, list[Json]] = field(default_factory=dict)

    def folder(self, kind: str) -> str:
        """Return where objects of a kind are."""
        group = "/api/v1" if kind == "pods" else "/apis/apps/v1"
        return f"{group}/namespaces/{self.namespace}/{kind}"

    def each(self, act: Callable[[T], None], items: Iterable[T]) -> None:
        """Do something for many at once."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(act, items))

    def look(self) -> None:
        """Read everything."""
        for kind in ("pods", "replicasets", "deployments"):
            self.bodies[kind] = list(self.api.request("GET", self.folder(kind))["items"])

    def settle(self, what: str) -> None:
        """Wait until the controllers have nothing more to do: seen by several looks at which all is the same."""
        versions: list[Any] = []

        def look() -> bool:
            self.look()
            versions.append({each["metadata"]["uid"]: each["metadata"]["resourceVersion"] for each in self._all()})
            time.sleep(0.3)
            return (
                len(versions) >= LOOKS and all(each == versions[-1] for each in versions[-LOOKS:]) and self._is_done()
            )

        wait_until(look, what, 90 + 2 * len(self.situations))

    def _all(self) -> list[Json]:
        return [body for bodies in self.bodies.values() for body in bodies]

    def _is_done(self) -> bool:
        """Return whether every controller has seen what it is to do, and done it."""
        seen = all(
            (each["status"].get("observedGeneration") or 0) >= each["metadata"]["generation"]
            for kind in ("replicasets", "deployments")
            for each in self.bodies[kind]
        )
        return seen and all(
            each["spec"]["replicas"] == each["status"]["replicas"] for each in self.bodies["replicasets"]
        )

    def of(self, situation: Situation, kind: str) -> list[Json]:
        """Return what belongs to a situation."""
        return [each for each in self.bodies[kind] if each["metadata"]["labels"].get(WORKER_LABEL) == situation.name]

    def pods(self, situation: Situation) -> list[Json]:
        """Return the pods that are not terminating."""
        return [each for each in self.of(situation, "pods") if "deletionTimestamp" not in each["metadata"]]

    def names(self, situation: Situation) -> frozenset[str]:
        """Return the names of the pods that are not terminating."""
        return frozenset(pod["metadata"]["name"] for pod in self.pods(situation))

    def owned(self, situation: Situation) -> OwnedPods:
        """Return what the operator would know."""
        pods = (parse_pod(body) for body in self.of(situation, "pods"))
        return own_pods(
            parse_deployment(self.of(situation, "deployments")[0]),
            [parse_replica_set(body) for body in self.of(situation, "replicasets")],
            [pod for pod in pods if pod is not None],
        )

    def create(self, situation: Situation) -> None:
        """Create the Deployment."""
        self.api.request("POST", self.folder("deployments"), situation.deployment())

    def change_template(self, situation: Situation, number: int) -> None:
        """Begin a rollout."""
        container = {"name": "worker", "image": f"example/worker:{number}"}
        self.patch(situation, {"spec": {"template": {"spec": {"containers": [container]}}}})

    def patch(self, situation: Situation, patch: Json) -> None:
        """Change the Deployment."""
        self.api.request("PATCH", f"{self.folder('deployments')}/{situation.name}", patch)

    def scale(self, situation: Situation, size: int) -> None:
        """Change the size, as kubectl does."""
        path = f"{self.folder('deployments')}/{situation.name}/scale"
        self.api.request("PATCH", path, {"spec": {"replicas": size}})

    def set_costs(self, costs: Mapping[str, int]) -> None:
        """Write deletion costs."""

        def write(item: tuple[str, int]) -> None:
            patch = {"metadata": {"annotations": {DELETION_COST: str(item[1])}}}
            self.api.request("PATCH", f"{self.folder('pods')}/{item[0]}", patch)

        self.each(write, costs.items())

    def stir(self, situation: Situation) -> None:
        """Let chance decide what becomes of the pods: their node, phase, readiness, restarts and costs."""
        chance = situation.chance
        for pod in sorted(self.pods(situation), key=lambda pod: str(pod["metadata"]["name"])):
            name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
            if node is None and chance.random() < 0.85:
                node = f"{situation.name}-{chance.randint(1, 3)}"
                binding = {"target": {"kind": "Node", "name": node}, "metadata": {"name": name}}
                self.api.request(
                    "POST", f"{self.folder('pods')}/{name}/binding", {"apiVersion": "v1", "kind": "Binding", **binding}
                )
            if node is not None and chance.random() < 0.9:
                self.api.request("PATCH", f"{self.folder('pods')}/{name}/status", {"status": situation.status()})
            if chance.random() < 0.3:
                self.set_costs({name: chance.choice([-100, 5])})

    def tamper(self, situation: Situation) -> None:
        """Remove, now and then, what the Deployment controller notes on a ReplicaSet."""
        for each in self.of(situation, "replicasets"):
            if situation.chance.random() < 0.05:
                path = f"{self.folder('replicasets')}/{each['metadata']['name']}"
                gone = situation.chance.choice([{MOST: None}, {DESIRED: None}])
                self.api.request("PATCH", path, {"metadata": {"annotations": gone}})

    def prepare(self) -> None:
        """Bring every situation to where its size is about to change."""
        every = list(self.situations.values())
        self.each(self.create, every)
        self.settle("the Deployments have pods")
        for number in (2, 3):
            self.each(self.stir, every)
            self.settle("the pods have their states")
            rolling = [each for each in every if each.templates >= number]
            self.each(lambda each: self.change_template(each, number), rolling)  # noqa: B023 (done within the turn)
            self.settle("the rollouts go as far as they can")
        self.each(self.stir, every)
        self.each(lambda each: self.patch(each, {"spec": {"paused": each.paused}}), every)
        self.settle("the pods have their last states")
        self.each(self.tamper, every)
        self.settle("nothing moves")
