"""containerd with a root, a state and a socket of its own, beside any other on the machine.

Its root lies in the cache: images stay from run to run.
"""

from __future__ import annotations

import os
import signal
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from dev.errors import DevError
from dev.network import PLUGINS, write_cni_config
from dev.places import cache_directory
from dev.processes import Process
from dev.steps import run

PAUSE_IMAGE = "docker.io/library/pause:local"
_KEY = "videoexport.dev/key"


class Containerd:
    """The container runtime of the node whose state lies in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "containerd"
        self.socket = directory / "containerd.sock"
        self.root = cache_directory() / "containerd"
        self._blobs = self.root / "io.containerd.content.v1.content" / "blobs" / "sha256"

    @property
    def process(self) -> Process:
        """The daemon. Containers are not its children and outlive it: `remove_containers` first."""
        command = ["containerd", "--config", str(self.directory / "config.toml")]
        return Process("containerd", command, self.directory.parent)

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_cni_config(self.directory / "cni", self.directory)
        (self.directory / "config.toml").write_text(self._config())
        self.process.start()
        self.process.wait_ready(self._answers)

    def ctr(self, *arguments: str) -> str:
        """Run containerd's client in the namespace of Kubernetes."""
        return run(["ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments])

    def holds(self, image: str, key: str) -> bool:
        """Whether the image is here, made from the inputs of this key."""
        return f"{_KEY}={key}" in self.ctr("images", "list", f"name=={image}")

    def load(self, image: str, layout: Path, key: str) -> None:
        """Take an image from an OCI layout; layers that are here already are not copied."""
        with tempfile.NamedTemporaryFile(dir=layout.parent, suffix=".tar") as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                for file in sorted(layout.rglob("*")):
                    if file.is_file() and not (file.parent.name == "sha256" and (self._blobs / file.name).exists()):
                        tar.add(file, str(file.relative_to(layout)))
            archive.flush()
            self.ctr("images", "import", archive.name)
        self.ctr("images", "label", image, f"{_KEY}={key}")

    def remove_containers(self) -> None:
        """Kill and delete every container, all at once."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda task: self._delete("tasks", task, "--force"), self._listed("tasks")))
            list(pool.map(lambda name: self._delete("containers", name), self._listed("containers")))

    def stop(self) -> None:
        """End containers, the daemon, and any shim that still serves this socket."""
        if self.process.pid is not None:
            self.remove_containers()
        self.process.stop()
        for socket in self.directory.parent.glob(f"{self.socket.name}*"):
            socket.unlink()
        for pid in self._shims():
            os.kill(pid, signal.SIGKILL)

    def _delete(self, what: str, name: str, *options: str) -> None:
        """Delete one; containerd, which sees a container end, may have been faster.

        A failure is not the end: what still runs afterwards is found by its control group and by its shim.
        """
        with suppress(DevError):
            self.ctr(what, "delete", *options, name)

    def _listed(self, what: str) -> list[str]:
        return self.ctr(what, "list", "--quiet").split()

    def _answers(self) -> bool:
        return self.socket.exists() and bool(self.ctr("version"))

    def _shims(self) -> list[int]:
        """Process ids of the shims that were started for this socket."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if arguments[0].endswith(b"containerd-shim-runc-v2") and str(self.socket).encode() in arguments:
                found.append(int(entry.parent.name))
        return found

    def _config(self) -> str:
        """Return the daemon's settings.

        `restrict_oom_score_adj`: where the machine lacks CAP_SYS_RESOURCE, runc cannot lower the score and gives up.
        """
        return f"""version = 2
root = "{self.root}"
state = "{self.directory / "state"}"
[grpc]
address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "{self.directory / "cni"}"
"""
