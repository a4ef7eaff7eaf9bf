"""A cluster for the demo whose nodes are Docker's containers: kind's or k3d's.

Temporal and the object storage run on this machine, at the address that Docker's network gives it.
"""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dev import object_storage, temporal_server
from dev.errors import MissingError
from dev.images import IMAGES, Image
from dev.places import CHECKOUT, state_directory
from dev.processes import stop_recorded
from dev.steps import run, say, step

NAME = "video-export"


@dataclass(frozen=True)
class Provider:
    """A program that runs Kubernetes in Docker, and what to tell it.

    Attributes:
        program: its name on the PATH.
        network: of Docker, which its nodes are in.
        context: what it calls the cluster in the kubeconfig.
        listing: arguments that list its clusters, a line for each that begins with the name.
        creating: arguments that make the cluster.
        deleting: arguments that remove it.
        loading: arguments that bring images into it; their names follow.
    """

    program: str
    network: str
    context: str
    listing: tuple[str, ...]
    creating: tuple[str, ...]
    deleting: tuple[str, ...]
    loading: tuple[str, ...]


KIND = Provider(
    "kind",
    network="kind",
    context=f"kind-{NAME}",
    listing=("get", "clusters"),
    creating=("create", "cluster", "--name", NAME, "--wait", "3m"),
    deleting=("delete", "cluster", "--name", NAME),
    loading=("load", "docker-image", "--name", NAME),
)
K3D = Provider(
    "k3d",
    network=f"k3d-{NAME}",
    context=f"k3d-{NAME}",
    listing=("cluster", "list", "--no-headers"),
    creating=("cluster", "create", NAME, "--k3s-arg", "--disable=traefik@server:0", "--wait", "--timeout", "3m"),
    deleting=("cluster", "delete", NAME),
    loading=("image", "import", "--cluster", NAME),
)
PROVIDERS = {provider.program: provider for provider in (KIND, K3D)}


class DockerCluster:
    """The demo's cluster in Docker; one that is there already is used as it is.

    Args:
        provider: the program that runs it.
        directory: logs, process ids and objects of the servers beside it.
    """

    def __init__(self, provider: Provider, directory: Path | None = None) -> None:
        self.provider = provider
        self.directory = directory or state_directory() / provider.program

    def up(self) -> dict[str, str]:
        """Start what does not run, bring the images in, and return what `ExistingTarget` has to know."""
        if not self._exists():
            with step(f"A cluster by {self.provider.program}"):
                self._tell(self.provider.creating)
        images = [self._build(image) for image in IMAGES]
        with step("Loading both images into the cluster"):
            self._tell((*self.provider.loading, *images))
        host = self._address_of_this_machine()
        with step("Temporal and the S3 server"):
            temporal_server.start_temporal(self.directory, also_at=host)
            storage = object_storage.start_object_storage(self.directory, host)
        return {
            "OPERATOR_IMAGE": images[0],
            "WORKER_IMAGE": images[1],
            "TEMPORAL_ADDRESS": f"{host}:{temporal_server.PORT}",
            "VIDEO_EXPORT_STORAGE_URI": f"s3://{object_storage.BUCKET}",
            **storage,
        }

    def down(self) -> None:
        """End the servers and remove the cluster."""
        for name in (temporal_server.RELAY, "temporal", "object-storage"):
            stop_recorded(self.directory / f"{name}.pid")
        if self._exists():
            self._tell(self.provider.deleting)
        say(f"No cluster {NAME} of {self.provider.program} is left")

    def _build(self, image: Image) -> str:
        """Build an image and return its name; the tag is its content, so that a changed image changes the pods."""
        name = image.name.rpartition("/")[2].partition(":")[0]
        with step(f"Image {name}"):
            built = run(["docker", "build", "--quiet", "--file", image.dockerfile, "."], directory=CHECKOUT).strip()
            named = f"{name}:{built.removeprefix('sha256:')[:12]}"
            run(["docker", "tag", built, named])
        return named

    def _tell(self, arguments: tuple[str, ...]) -> str:
        return run([self.provider.program, *arguments])

    def _exists(self) -> bool:
        return NAME in (line.split()[0] for line in self._tell(self.provider.listing).splitlines() if line.strip())

    def _address_of_this_machine(self) -> str:
        """Return the address at which pods find this machine: the gateway of Docker's network.

        Raises:
            MissingError: Docker runs on another machine, or in a virtual one.
        """
        wanted = "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"
        found = run(["docker", "network", "inspect", self.provider.network, "--format", wanted]).split()
        host = next((address for address in found if "." in address), "")
        try:
            with closing(socket.create_server((host, 0))):
                return host
        except OSError:
            raise MissingError(
                f"Docker's network {self.provider.network} gives this machine no address of its own, as where Docker "
                "runs in a virtual machine. Run the demo in that machine, or in a cluster of yours (KUBE_CONTEXT=name)"
            ) from None
