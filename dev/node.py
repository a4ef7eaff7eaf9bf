"""A node on this machine, as root: containerd, kubelet, kube-proxy, and the cluster's DNS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dev.containers import Containerd
from dev.control_plane import ADMINS, ControlPlane
from dev.network import HOST, ensure_network, remove_network
from dev.processes import Process
from dev.steps import require_root, step
from dev.waiting import answers, listens, wait_for

NAME = "local"
DNS_PORT = 53
_DNS_READY = f"{HOST}:8181"
_PROXY_HEALTH = f"{HOST}:10256"
_CGROUPS = Path("/sys/fs/cgroup")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")  # the kubelet makes it wherever its root is
_CONTAINER_LOGS = Path("/var/log/containers")  # links that the kubelet makes; it has no setting


class Node:
    """The machine as a node of a control plane that listens on the bridge."""

    def __init__(self, directory: Path) -> None:
        require_root("A node that runs pods")
        self.directory = directory
        self.containerd = Containerd(directory)

    def start(self, control_plane: ControlPlane, programs: Path) -> None:
        """Start everything and wait until the node is ready. containerd runs already.

        Args:
            control_plane: which it joins.
            programs: where kubelet, kube-proxy and coredns are.
        """
        arguments = {"kubelet": self._kubelet, "kube-proxy": self._kube_proxy, "coredns": self._dns}
        processes = [
            Process(name, [programs / name, *given(control_plane)], self.directory) for name, given in arguments.items()
        ]
        for process in processes:
            process.start()
        kubelet, proxy, dns = processes
        proxy.wait_ready(lambda: answers(f"http://{_PROXY_HEALTH}/healthz"))
        dns.wait_ready(lambda: answers(f"http://{_DNS_READY}/ready") and listens(f"{HOST}:{DNS_PORT}"))
        kubelet.wait_ready(lambda: node_is_ready(control_plane))

    def prepare(self) -> None:
        """Make the network, which everything else listens on."""
        self.directory.mkdir(parents=True, exist_ok=True)
        ensure_network(self.directory)

    def start_runtime(self) -> None:
        """Start containerd, which needs no control plane."""
        with step("containerd"):
            self.containerd.start()

    def stop(self) -> None:
        """End everything and remove what it made on the machine."""
        for name in ("kubelet", "kube-proxy", "coredns"):
            Process(name, (), self.directory).stop()
        self.containerd.stop()
        for mount in _mounts_below(self.directory):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
        remove_network(self.directory)
        _remove_cgroups()
        _remove_log_links(self.directory)
        (_DEVICE_PLUGINS / "kubelet.sock").unlink(missing_ok=True)
        for made in (_DEVICE_PLUGINS, _DEVICE_PLUGINS.parent):
            with suppress(OSError):  # another kubelet's things are in it, or it never was
                made.rmdir()
        for folder in ("kubelet", "pods", "containerd", "volume-plugins"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)

    def _kubelet(self, control_plane: ControlPlane) -> list[str]:
        """Return the kubelet's arguments."""
        kubeconfig = control_plane.kubeconfig_of(f"system:node:{NAME}", "system:nodes")
        settings = self.directory / "kubelet.json"
        settings.write_text(json.dumps(self._kubelet_settings(control_plane), indent=1))
        flags = {"config": settings, "kubeconfig": kubeconfig, "root-dir": self.directory / "kubelet"}
        flags |= {"hostname-override": Path(NAME), "node-ip": Path(HOST)}
        return [f"--{name}={value}" for name, value in flags.items()]

    def _kubelet_settings(self, control_plane: ControlPlane) -> dict[str, Any]:
        """Return the kubelet's settings.

        Its address is the bridge's, with a certificate for it: the API server refuses a loopback address and
        `kubectl logs` and `exec` go there. cgroupfs: the machine may have no systemd.
        """
        serving = control_plane.authority.issue("kubelet-serving", addresses=[HOST])
        resolver = self.directory / "resolv.conf"
        resolver.write_text(f"nameserver {HOST}\n")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": HOST,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(control_plane.authority.pair.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(serving.certificate),
            "tlsPrivateKeyFile": str(serving.key),
            "containerRuntimeEndpoint": f"unix://{self.containerd.socket}",
            "cgroupDriver": "cgroupfs",
            "failSwapOn": False,
            "failCgroupV1": False,
            "localStorageCapacityIsolation": False,
            "enforceNodeAllocatable": [],
            "makeIPTablesUtilChains": False,  # the proxy uses nftables
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,  # images were put in by hand and cannot be pulled again
            "imageGCLowThresholdPercent": 99,
            "oomScoreAdj": 0,
            "clusterDNS": [HOST],
            "clusterDomain": "cluster.local",
            "resolvConf": str(resolver),
            "podLogsDir": str(self.directory / "pods"),
            "volumePluginDir": str(self.directory / "volume-plugins"),
            "serializeImagePulls": False,
            "registryPullQPS": 0,
            "configMapAndSecretChangeDetectionStrategy": "Watch",
        }

    def _kube_proxy(self, control_plane: ControlPlane) -> list[str]:
        """Return the service proxy's arguments.

        It masquerades all: pods share a bridge, so an answer would bypass the translation.
        """
        flags = {
            "kubeconfig": str(control_plane.kubeconfig_of("system:kube-proxy")),
            "hostname-override": NAME,
            "proxy-mode": "nftables",
            "masquerade-all": "true",
            "healthz-bind-address": _PROXY_HEALTH,
            "metrics-bind-address": f"{HOST}:10249",
            "conntrack-max-per-core": "0",
            "conntrack-tcp-timeout-established": "0",
            "conntrack-tcp-timeout-close-wait": "0",
        }
        return [f"--{name}={value}" for name, value in flags.items()]

    def _dns(self, control_plane: ControlPlane) -> list[str]:
        """Return the arguments of what knows the names of services.

        Nothing is forwarded: names outside the cluster are refused.
        """
        kubeconfig = control_plane.kubeconfig_of("coredns", *ADMINS)
        corefile = self.directory / "Corefile"
        corefile.write_text(
            f".:{DNS_PORT} {{\n  bind {HOST}\n  ready {_DNS_READY}\n  errors\n"
            f"  kubernetes cluster.local {{\n    kubeconfig {kubeconfig}\n    ttl 5\n  }}\n}}\n"
        )
        return ["-conf", str(corefile)]


def node_is_ready(control_plane: ControlPlane) -> bool:
    """Whether the node reports ready."""
    node = control_plane.get(f"/api/v1/nodes/{NAME}")
    conditions = node["status"].get("conditions", []) if node else []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _mounts_below(directory: Path) -> Iterator[str]:
    """Mount points below a folder, the deepest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return (point for point in reversed(points) if point.startswith(f"{directory}/"))


def _remove_cgroups() -> None:
    """Kill what still runs in the kubelet's control groups, then remove them, children first."""
    tops = [*_CGROUPS.glob("kubepods"), *_CGROUPS.glob("*/kubepods")]
    for top in tops:
        for listed in top.rglob("cgroup.procs"):
            for pid in listed.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        wait_for(partial(_is_empty, top), f"no process is left in {top}", 10)
        for group in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                group.rmdir()
        with suppress(OSError):
            top.rmdir()


def _is_empty(group: Path) -> bool:
    """Whether a control group and those below it hold no process."""
    return not any(listed.read_text().strip() for listed in group.rglob("cgroup.procs"))


def _remove_log_links(directory: Path) -> None:
    for link in _CONTAINER_LOGS.glob("*.log"):
        if link.is_symlink() and str(link.readlink()).startswith(f"{directory}/"):
            link.unlink()
