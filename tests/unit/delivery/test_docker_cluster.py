"""The demo's cluster in Docker: what kind, k3d and Docker are told. Neither runs where these tests have to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dev import object_storage, temporal_server
from dev.demo_target import choose_target
from dev.docker_cluster import PROVIDERS, DockerCluster
from dev.errors import MissingError

IMAGES = ("video-export-operator:0123456789ab", "video-export-worker:0123456789ab")
BUILDS = [f"docker build --quiet --file Dockerfile.{name} ." for name in ("operator", "worker")]
TAGS = [f"docker tag sha256:0123456789abcdef {name}" for name in IMAGES]
SAID_BY_DOCKER = """
case $1 in
  build) echo sha256:0123456789abcdef ;;
  network) printf 'fc00:f853:ccd::1\\n%s\\n' "${GATEWAY:-127.0.0.1}" ;;
esac
"""
LISTS = {"kind": 'echo "$CLUSTERS"', "k3d": '[ -z "$CLUSTERS" ] || echo "$CLUSTERS   1/1   0/0   true"'}
TOLD = {
    "kind": (
        "kind get clusters",
        "kind create cluster --name video-export --wait 3m",
        f"kind load docker-image --name video-export {' '.join(IMAGES)}",
        "docker network inspect kind",
        "kind delete cluster --name video-export",
    ),
    "k3d": (
        "k3d cluster list --no-headers",
        "k3d cluster create video-export --k3s-arg --disable=traefik@server:0 --wait --timeout 3m",
        f"k3d image import --cluster video-export {' '.join(IMAGES)}",
        "docker network inspect k3d-video-export",
        "k3d cluster delete video-export",
    ),
}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs that write down how they are called, and where."""
    calls = tmp_path / "calls"
    calls.touch()
    listing = 'case "$*" in "get clusters" | "cluster list"*)'
    scripts = {name: f"{listing} {answer} ;; esac" for name, answer in LISTS.items()} | {"docker": SAID_BY_DOCKER}
    for name in ("kubectl", "helm", "ffmpeg", "ffprobe"):
        scripts[name] = "exit 0"
    for name, script in scripts.items():
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\n{script}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("VIDEO_EXPORT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CLUSTERS", "")
    return calls


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which server was started at which address."""
    started: list[tuple[str, str]] = []

    def start_temporal(directory: Path, also_at: str) -> None:
        started.append(("temporal", also_at))

    def start_object_storage(directory: Path, host: str) -> dict[str, str]:
        started.append(("storage", host))
        return object_storage.client_environment(f"http://{host}:9000")

    monkeypatch.setattr(temporal_server, "start_temporal", start_temporal)
    monkeypatch.setattr(object_storage, "start_object_storage", start_object_storage)
    return started


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_cluster_is_made_and_gets_the_images(provider: str, told: Path, servers: list[tuple[str, str]]) -> None:
    target = choose_target(provider=provider)
    listing, creating, loading, network, _ = TOLD[provider]
    calls = told.read_text().splitlines()
    pairs = [line for pair in zip(BUILDS, TAGS, strict=True) for line in pair]
    assert calls[:-1] == [listing, creating, *pairs, loading]
    assert calls[-1].startswith(network)
    assert servers == [("temporal", "127.0.0.1"), ("storage", "127.0.0.1")]
    assert target.client_environment["TEMPORAL_ADDRESS"] == "127.0.0.1:7233"
    assert target.client_environment["AWS_ENDPOINT"] == "http://127.0.0.1:9000"
    assert target.client_environment["WORKER_IMAGE"] == IMAGES[1]
    target.install_operator()
    installed = told.read_text().splitlines()[-2]
    assert installed.startswith(f"helm --kube-context {provider}-video-export upgrade --install")
    assert "--set-string=image.tag=0123456789ab" in installed


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_cluster_that_is_there_is_used_and_removed_at_the_end(
    provider: str, told: Path, servers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTERS", "video-export")
    cluster = DockerCluster(PROVIDERS[provider])
    cluster.up()
    listing, creating, *_, deleting = TOLD[provider]
    assert creating not in told.read_text()
    cluster.down()
    assert told.read_text().splitlines()[-2:] == [listing, deleting]


@pytest.mark.usefixtures("told", "servers")
def test_a_docker_in_a_virtual_machine_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY", "192.0.2.1")
    with pytest.raises(MissingError, match=r"in a virtual machine.*KUBE_CONTEXT"):
        choose_target(provider="kind")


def test_what_is_missing_is_said_before_anything_is_built(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (told.parent / "docker").unlink()
    (told.parent / "helm").unlink()
    monkeypatch.setenv("PATH", str(told.parent))
    with pytest.raises(MissingError, match="docker on PATH; helm on PATH"):
        choose_target(provider="k3d")
    assert told.read_text() == ""
