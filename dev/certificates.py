"""A certificate authority for one local cluster, by OpenSSL: a cluster's clients are told apart by certificates."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.steps import run

DAYS = "365"
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates into `directory`; what is there already is kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.pair = Pair(directory / "ca.crt", directory / "ca.key")
        if not self.pair.key.exists():
            config = self._config(
                "ca",
                "video-export-local",
                (),
                ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,digitalSignature"],
            )
            self._request(self.pair, config)

    def issue(self, user: str, *, groups: Sequence[str] = (), addresses: Sequence[str] = ()) -> Pair:
        """Return a certificate for a client (user and groups) or, with addresses, for a server as well."""
        name = user.replace(":", "-")
        pair = Pair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        if pair.key.exists():
            return pair
        extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=digitalSignature"]
        extensions.append("extendedKeyUsage=clientAuth" + (",serverAuth" if addresses else ""))
        if addresses:
            names = [f"IP:{a}" if a.replace(".", "").isdigit() else f"DNS:{a}" for a in addresses]
            extensions.append("subjectAltName=" + ",".join(names))
        config = self._config(name, user, groups, extensions)
        self._request(pair, config, ["-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key)])
        return pair

    def signing_key(self, name: str) -> Pair:
        """Return a key pair for signing tokens: `certificate` is the public key alone."""
        pair = Pair(self.directory / f"{name}.pub", self.directory / f"{name}.key")
        if not pair.certificate.exists():
            run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", pair.key])
            run(["openssl", "pkey", "-in", pair.key, "-pubout", "-out", pair.certificate])
        return pair

    def kubeconfig(self, user: str, server: str, *, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig with everything in it, so that it can be copied."""
        pair = self.issue(user, groups=groups)
        file = self.directory / f"{user.replace(':', '-')}.kubeconfig"
        cluster = {"server": server, "certificate-authority-data": _encoded(self.pair.certificate)}
        login = {"client-certificate-data": _encoded(pair.certificate), "client-key-data": _encoded(pair.key)}
        name = "video-export-local"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": login}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        }
        whole = file.with_suffix(f".{uuid.uuid4().hex}")
        whole.touch(mode=0o600)
        whole.write_text(json.dumps(config, indent=1))
        whole.replace(file)  # a program may be reading it just now
        return file

    def _config(self, name: str, user: str, groups: Sequence[str], extensions: Sequence[str]) -> Path:
        """Write OpenSSL's configuration of one certificate."""
        subject = [*(f"{number}.O={group}" for number, group in enumerate(groups)), f"CN={user}"]
        lines = ["[req]", "prompt=no", "distinguished_name=subject", "x509_extensions=extensions"]
        lines += ["[subject]", *subject, "[extensions]", *extensions]
        file = self.directory / f"{name}.cnf"
        file.write_text("\n".join(lines) + "\n")
        return file

    def _request(self, pair: Pair, config: Path, signer: Sequence[str] = ()) -> None:
        files = ["-config", str(config), "-keyout", str(pair.key), "-out", str(pair.certificate)]
        run(["openssl", "req", "-x509", *_KEY, "-days", DAYS, *files, *signer])


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
