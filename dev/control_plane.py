"""etcd, the API server, the controller manager and the scheduler, without root and on free ports.

    with ControlPlane() as control_plane:
        run(["kubectl", "--kubeconfig", control_plane.kubeconfig, "get", "namespaces"])

Several live side by side. Without a node pods stay pending. In a `with` block the processes end with the process that
started them, however that ends; `start` and `stop` leave them to run.
"""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import tempfile
import urllib.error
from pathlib import Path
from typing import Any

from dev.certificates import Authority
from dev.kubernetes_binaries import CONTROL_PLANE, CONTROLLERS, ensure_programs
from dev.processes import Process
from dev.waiting import find_free_port, open_directly, wait_for

SERVICE_RANGE = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"  # what `kubernetes.default` resolves to
ADMIN = "admin"
ADMINS = ("system:masters",)


class ControlPlane:
    """One control plane.

    Args:
        directory: keeps data, certificates and logs; a temporary folder, removed at the end, if there is none.
        address: what the API server listens on.
        port: its port, 0 for a free one.
        controllers: also run the controller manager and the scheduler (Deployments make pods, owners collect).
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        controllers: bool = True,
    ) -> None:
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="video-export-control-plane-"))
        self.controllers = controllers
        self.address = address
        self._port = port or find_free_port(address)
        self._bound = False
        self.programs = ensure_programs((*CONTROL_PLANE, *(CONTROLLERS if controllers else ())))
        self.authority = Authority(self.directory / "certificates")
        self.kubeconfig = self.kubeconfig_of(ADMIN, *ADMINS)
        self._etcd_ports = (find_free_port(), find_free_port())

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self._port}"

    def kubeconfig_of(self, user: str, *groups: str) -> Path:
        """Return a kubeconfig that logs in as this user."""
        return self.authority.kubeconfig(user, self.server, groups=groups)

    def __enter__(self) -> ControlPlane:
        """Start bound to this process."""
        self._bound = True
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it works."""
        self.etcd.start()
        self.api_server.start()
        self.api_server.wait_ready(self.answers)
        if not self.controllers:
            return
        self.controller_manager.start()
        self.scheduler.start()
        accounts = "/api/v1/namespaces/default/serviceaccounts/default"  # made by the controller manager
        self.controller_manager.wait_ready(lambda: self.answers(accounts))

    def stop(self) -> None:
        """End everything and remove the data."""
        for process in (self.scheduler, self.controller_manager, self.api_server, self.etcd):
            process.stop()
        shutil.rmtree(self.directory if self._temporary else self.directory / "etcd", ignore_errors=True)

    def restart_api_server(self) -> None:
        """Stop and start the API server at the same address, on the same data."""
        self.api_server.stop()
        self.api_server.start()
        self.api_server.wait_ready(self.answers)

    def answers(self, path: str = "/readyz") -> bool:
        """Whether the administrator's GET of a path succeeds."""
        return self._read(path) is not None

    def get(self, path: str) -> Any:
        """Return what the administrator's GET of a path answers, nothing if it fails."""
        answer = self._read(path)
        return None if answer is None else json.loads(answer)

    def _read(self, path: str) -> bytes | None:
        pair = self.authority.issue(ADMIN, groups=ADMINS)
        context = ssl.create_default_context(cafile=str(self.authority.pair.certificate))
        context.load_cert_chain(pair.certificate, pair.key)
        try:
            with open_directly(self.server + path, context=context) as response:
                return bytes(response.read())
        except (urllib.error.URLError, OSError):
            return None

    def wait_for(self, path: str, timeout: float = 30) -> None:
        """Wait until an object can be read."""
        wait_for(lambda: self.answers(path), f"{path} exists", timeout)

    @property
    def etcd(self) -> Process:
        """The store. Its data is not worth an orderly end."""
        client, peer = (f"http://127.0.0.1:{port}" for port in self._etcd_ports)
        flags = {
            "data-dir": str(self.directory / "etcd"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "warn",
        }
        return self._process("etcd", flags, "--unsafe-no-fsync", end=signal.SIGKILL)

    @property
    def api_server(self) -> Process:
        """The API server. Ended by a kill: asked to end it waits up to a minute for its watches."""
        names = ["localhost", "127.0.0.1", FIRST_SERVICE, "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        names += [] if self.address in names else [self.address]
        serving = self.authority.issue("kube-apiserver", addresses=names)
        to_kubelet = self.authority.issue("kube-apiserver-kubelet-client", groups=ADMINS)
        tokens = self.authority.signing_key("service-account")
        loopback = self.address.startswith("127.")
        flags = {
            "etcd-servers": f"http://127.0.0.1:{self._etcd_ports[0]}",
            "bind-address": self.address,
            "advertise-address": self.address,
            "secure-port": str(self._port),
            "authorization-mode": "Node,RBAC",
            "client-ca-file": str(self.authority.pair.certificate),
            "tls-cert-file": str(serving.certificate),
            "tls-private-key-file": str(serving.key),
            "kubelet-client-certificate": str(to_kubelet.certificate),
            "kubelet-client-key": str(to_kubelet.key),
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(tokens.certificate),
            "service-account-signing-key-file": str(tokens.key),
            "service-cluster-ip-range": SERVICE_RANGE,
            "endpoint-reconciler-type": "none" if loopback else "lease",  # an endpoint may not be a loopback address
            "enable-priority-and-fairness": "false",
            "allow-privileged": "true",
        }
        return self._process("kube-apiserver", flags, end=signal.SIGKILL)

    @property
    def controller_manager(self) -> Process:
        """The controllers."""
        flags = {
            "kubeconfig": str(self.kubeconfig_of("system:kube-controller-manager")),
            "leader-elect": "false",
            "secure-port": "0",
            "use-service-account-credentials": "true",
            "service-account-private-key-file": str(self.authority.signing_key("service-account").key),
            "root-ca-file": str(self.authority.pair.certificate),
            "allocate-node-cidrs": "false",
        }
        return self._process("kube-controller-manager", flags)

    @property
    def scheduler(self) -> Process:
        """The scheduler."""
        kubeconfig = str(self.kubeconfig_of("system:kube-scheduler"))
        return self._process("kube-scheduler", {"kubeconfig": kubeconfig, "leader-elect": "false", "secure-port": "0"})

    def _process(
        self, name: str, flags: dict[str, str], *switches: str, end: signal.Signals = signal.SIGTERM
    ) -> Process:
        command = [str(self.programs / name), *(f"--{flag}={value}" for flag, value in flags.items()), *switches]
        return Process(name, command, self.directory, bound=self._bound, end=end)
