"""The base image where no registry can be reached: Debian by debootstrap under the name that the Dockerfiles ask for.

It stands in for `debian:trixie-slim` on this machine alone: same files, plus what this machine needs to reach its
package sources (mirror, proxy, certificates). The Dockerfiles know nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from dev.buildah import Buildah
from dev.errors import MissingError
from dev.places import cache_directory
from dev.steps import run, step

SUITE = "trixie"
NAME = f"docker.io/library/debian:{SUITE}-slim"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_BUNDLE = "etc/ssl/machine-certificates.pem"  # not where the package ca-certificates writes: an update would replace it
# Settings of package managers that hold for the machine, by place in the image.
_SETTINGS = {"etc/pip.conf": (Path("/etc/pip.conf"),), "root/.npmrc": (Path("/etc/npmrc"), Path.home() / ".npmrc")}
_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "NPM_CONFIG_REGISTRY")
# What makes an image of Debian "slim": documentation is left out, copyright files stay.
_SLIM = """path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/groff/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
"""
# Packages that were installed are not kept: the image would grow by all of them.
_CLEAN = """DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
APT::AutoRemove::SuggestsImportant "false";
"""


def ensure_base_image(buildah: Buildah) -> str:
    """Make the base unless it is there; return its key."""
    key = base_key()
    if not buildah.holds(NAME, key):
        with step(f"Base image {NAME} by debootstrap (once; about a minute)"):
            _make(buildah, key)
    return key


def _make(buildah: Buildah, key: str) -> None:
    log = cache_directory() / "images" / "debootstrap.log"
    with tempfile.TemporaryDirectory(prefix="debootstrap-", dir=buildah.directory) as folder:
        root = Path(folder) / "root"
        mirror = _mirrors().get("Debian")
        options = ["--variant=minbase", "--include=ca-certificates", f"--keyring={KEYRING}"]
        run(["debootstrap", *options, SUITE, root, *([mirror] if mirror else [])], log=log)
        _settle(root)
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        if _CERTIFICATES.exists():
            bundle = f"/{_BUNDLE}"
            variables |= {"PIP_CERT": bundle, "SSL_CERT_FILE": bundle, "NODE_EXTRA_CA_CERTS": bundle}
            # Node 24 reads the extra certificates in a thread of its own, and npm may connect before that has ended.
            variables["NPM_CONFIG_CAFILE"] = bundle
        variables |= {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        buildah.commit_folder(root, NAME, key, variables)


def _settle(root: Path) -> None:
    """Make the bootstrapped folder what the image is."""
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    for folder in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial"):
        (root / folder).mkdir(parents=True)
    for folder in ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir()
    for file in (root / "usr/share/doc").rglob("*"):
        if not file.is_dir() and file.name != "copyright":
            file.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(_SLIM)
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(_CLEAN)
    (root / "etc/apt/apt.conf.d/90machine").write_text(_acquire_settings())
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(_sources())
    if _CERTIFICATES.exists():
        shutil.copyfile(_CERTIFICATES, root / _BUNDLE)
    for place, candidates in _SETTINGS.items():
        for candidate in candidates:
            if candidate.exists():
                shutil.copyfile(candidate, root / place)


def _mirrors() -> dict[str, str]:
    """Return where this machine's apt gets Debian from, by label; nothing on another distribution."""
    wanted = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    listed = run(["apt-get", "indextargets", "--format", wanted, "Identifier: Packages"]).splitlines()
    rows = (line.split("|") for line in listed)
    return {label: uri for origin, label, component, uri in rows if origin == "Debian" and component == "main"}


def _sources() -> str:
    """Return apt's sources of the image: the suite, its updates and security fixes, from this machine's mirrors."""
    mirrors = _mirrors()
    wanted = [
        (mirrors.get("Debian"), f"{SUITE} {SUITE}-updates"),
        (mirrors.get("Debian-Security"), f"{SUITE}-security"),
    ]
    entry = "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nSigned-By: {}\n"
    found = [entry.format(uri, suites, KEYRING) for uri, suites in wanted if uri]
    if not found:
        raise MissingError("apt has no Debian sources to make a base image from; run `apt-get update` or add them")
    return "\n".join(found)


def _acquire_settings() -> str:
    """Return this machine's proxies and date checks for apt."""
    names = ("http::Proxy", "https::Proxy", "Check-Valid-Until", "Check-Date")
    dumped = run(["apt-config", "dump"]).splitlines()
    authority = f'Acquire::https::CAInfo "/{_BUNDLE}";\n' if _CERTIFICATES.exists() else ""
    kept = (line for line in dumped if any(line.startswith(f"Acquire::{name} ") for name in names))
    return authority + "".join(f"{line}\n" for line in kept)


def base_key() -> str:
    """Return a hash of what the base is made from."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(_sources().encode() + _acquire_settings().encode())
    if _CERTIFICATES.exists():
        digest.update(_CERTIFICATES.read_bytes())
    return digest.hexdigest()[:16]
