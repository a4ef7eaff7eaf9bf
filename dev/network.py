"""The node's network: one bridge that pods and this machine share, and no way out of it.

Pods reach the machine at `HOST` (API server, Temporal, the S3 server) and services through it. They have no default
route, so an export that works here needs no outside network. The bridge and the route of the services exist before
anything starts: without them a service's address would be looked for outside the machine.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from dev.control_plane import SERVICE_RANGE
from dev.steps import run

BRIDGE = "video-export0"
HOST = "10.244.0.1"
POD_RANGE = "10.244.0.0/24"
NETWORK = "video-export"
PLUGINS = Path("/usr/lib/cni")
_RESULTS = Path("/var/lib/cni/results")  # where the CNI library keeps what it set up; it has no setting
_NFT_FAMILIES = ("ip", "ip6")
# What the bridge plugin and the kubelet set on the machine.
_KERNEL = (
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def ensure_network(directory: Path) -> None:
    """Make the bridge, its address and the route; remember the kernel's settings in `directory`."""
    remembered = directory / "kernel-settings.json"
    if not remembered.exists():
        remembered.write_text(json.dumps({name: _setting(name).read_text() for name in _KERNEL}))
    if not _succeeds("ip", "link", "show", BRIDGE):
        run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "replace", f"{HOST}/24", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    run(["ip", "route", "replace", SERVICE_RANGE, "dev", BRIDGE, "src", HOST])


def remove_network(directory: Path) -> None:
    """Remove pod namespaces, the bridge with its routes, the proxy's rules, and put the kernel's settings back."""
    for record in _RESULTS.glob(f"{NETWORK}-*"):
        kept = json.loads(record.read_text())
        for interface in kept.get("result", {}).get("interfaces", []):
            if interface.get("sandbox"):
                _remove_namespace(Path(interface["sandbox"]))
        record.unlink()
        (_RESULTS / f"cni-loopback-{kept['containerId']}-lo").unlink(missing_ok=True)
    if _succeeds("ip", "link", "show", BRIDGE):
        run(["ip", "link", "delete", BRIDGE])
    for family in _NFT_FAMILIES:
        if _succeeds("nft", "list", "table", family, "kube-proxy"):
            run(["nft", "delete", "table", family, "kube-proxy"])
    remembered = directory / "kernel-settings.json"
    if remembered.exists():
        for name, value in json.loads(remembered.read_text()).items():
            _setting(name).write_text(value)
        remembered.unlink()


def write_cni_config(folder: Path, directory: Path) -> None:
    """Write how a pod is connected; `directory` keeps the addresses given out."""
    folder.mkdir(parents=True, exist_ok=True)
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,  # a pod reaches itself through a service
        "ipam": {
            "type": "host-local",
            "dataDir": str(directory / "addresses"),
            "ranges": [[{"subnet": POD_RANGE, "gateway": HOST}]],
            "routes": [{"dst": SERVICE_RANGE}],
        },
    }
    config = {"cniVersion": "0.4.0", "name": NETWORK, "plugins": [bridge]}
    (folder / "10-video-export.conflist").write_text(json.dumps(config, indent=1))


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _remove_namespace(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], capture_output=True, check=False)
    path.unlink(missing_ok=True)
