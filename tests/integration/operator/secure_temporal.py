"""A real Temporal server with TLS: one that asks its clients for certificates, or one that asks for API keys.

The server is the server's own program (`dev.go_program`), with everything in memory. API keys are what its own
authorizer takes: JSON web tokens whose `permissions` say what the bearer may do.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client, TLSConfig

from dev.certificates import Authority, Pair
from dev.go_program import TEMPORAL_SERVER
from dev.waiting import find_free_port
from tests.requirements import require
from tests.servers import Server, find_program
from tests.waiting import wait_until

ADMINISTRATOR = "administrator"
SERVICES = ("frontend", "internal-frontend", "history", "matching", "worker")
NAME = "temporal.test"
"""The name in the server's certificate; no address resolves to it."""
Json = dict[str, Any]


@dataclass
class Keys:
    """Signs API keys with a key that the server knows."""

    directory: Path

    def __post_init__(self) -> None:
        self._openssl("genrsa", "-out", "signing.key", "2048")
        modulus = self._openssl("rsa", "-in", "signing.key", "-noout", "-modulus").decode().strip().partition("=")[2]
        key = {"kty": "RSA", "kid": "test", "alg": "RS256", "use": "sig"}
        public = {"n": _encoded(bytes.fromhex(modulus)), "e": _encoded((65537).to_bytes(3))}
        self.file.write_text(json.dumps({"keys": [{**key, **public}]}))

    @property
    def file(self) -> Path:
        """The public key, as the server reads it."""
        return self.directory / "keys.json"

    def sign(self, *permissions: str, expires: float = 4e9) -> str:
        """Return an API key.

        Args:
            permissions: `namespace:role`, for example default:read.
            expires: seconds since 1970.
        """
        head = {"alg": "RS256", "kid": "test", "typ": "JWT"}
        claims = {"sub": "operator", "permissions": permissions, "exp": int(expires)}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{_encoded(self._openssl('dgst', '-sha256', '-sign', 'signing.key', given=text.encode()))}"

    def _openssl(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, input=given, capture_output=True, check=True)
        return done.stdout


@dataclass
class SecureTemporal(Server):
    """A Temporal server that serves TLS alone.

    Attributes:
        authority: signed the server's certificate.
        clients: signs certificates that the server lets in; None where it asks for none.
        keys: signs API keys that the server lets in; None where it asks for none.
    """

    authority: Authority | None = None
    clients: Authority | None = None
    keys: Keys | None = None

    @property
    def ca(self) -> Path:
        """The certificate by which the server is known."""
        assert self.authority is not None
        return self.authority.pair.certificate

    def pair(self) -> Pair | None:
        """Return a client certificate that is let in, if one is needed."""
        return self.clients.issue(ADMINISTRATOR) if self.clients else None

    async def connect(self) -> Client:
        """Return a client that may do everything."""
        pair = self.pair()
        tls = TLSConfig(
            server_root_ca_cert=self.ca.read_bytes(),
            domain=NAME,
            client_cert=pair.certificate.read_bytes() if pair else None,
            client_private_key=pair.key.read_bytes() if pair else None,
        )
        key = self.keys.sign("temporal-system:admin", "default:admin") if self.keys else None
        return await Client.connect(self.address, tls=tls, api_key=key)

    def command_line(self, *arguments: str) -> bool:
        """Run the `temporal` command as administrator and say whether it succeeded."""
        pair = self.pair()
        options = ["--address", self.address, "--tls-ca-path", str(self.ca), "--tls-server-name", NAME]
        options += ["--tls-cert-path", str(pair.certificate), "--tls-key-path", str(pair.key)] if pair else []
        options += ["--api-key", self.keys.sign("temporal-system:admin", "default:admin")] if self.keys else []
        command = [find_program("temporal"), *arguments, *options]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0

    def has_namespace(self) -> bool:
        """Whether the namespace is there; otherwise make it, which may succeed without saying so."""
        verbs = ("describe", "create")
        return any(self.command_line("operator", "namespace", verb, "default") for verb in verbs)


@contextmanager
def running_secure_temporal(directory: Path, *, with_keys: bool) -> Iterator[SecureTemporal]:
    """A server that serves, ended with the block.

    Args:
        directory: for certificates, configuration and log.
        with_keys: it asks for API keys; otherwise for client certificates.
    """
    program = TEMPORAL_SERVER.find()
    require(program, "no Temporal server with TLS: `make test` builds one")
    authority = Authority(directory / "server")
    clients = None if with_keys else Authority(directory / "clients")
    keys = Keys(directory) if with_keys else None
    port, config = find_free_port(), directory / "config.yaml"
    config.write_text(json.dumps(_configuration(port, authority, clients, keys)))
    command = [str(program), "--config-file", str(config), "--allow-no-auth", "start"]
    command += [f"--service={name}" for name in SERVICES]
    server = SecureTemporal(command, port, directory / "temporal.log", authority=authority, clients=clients, keys=keys)
    try:
        server.start()
        wait_until(server.has_namespace, f"{server.address} makes a namespace")
        show = ("task-queue", "describe", "--task-queue", "any")
        wait_until(lambda: server.command_line(*show), f"{server.address} serves the namespace")
        yield server
    finally:
        server.stop()


def _configuration(port: int, authority: Authority, clients: Authority | None, keys: Keys | None) -> Json:
    """Return the server's configuration; only its frontend is for others, and its own parts reach another one."""
    serving = authority.issue("temporal", addresses=[NAME])
    tls: Json = {"certFile": str(serving.certificate), "keyFile": str(serving.key)}
    if clients:
        tls |= {"requireClientAuth": True, "clientCaFiles": [str(clients.pair.certificate)]}
    everything: Json = {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "main",
            "visibilityStore": "visibility",
            "numHistoryShards": 1,
            "datastores": {"main": _in_memory(), "visibility": _in_memory()},
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "tls": {"frontend": {"server": tls, "client": {"serverName": NAME, "rootCaFiles": [tls["certFile"]]}}},
        },
        "services": {name: _ports(port if name == "frontend" else find_free_port()) for name in SERVICES},
        "clusterMetadata": {
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": f"127.0.0.1:{port}",
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
    }
    if keys:
        provider = {"keySourceURIs": [keys.file.as_uri()], "refreshInterval": "1m"}
        authorization = {"authorizer": "default", "claimMapper": "default", "jwtKeyProvider": provider}
        everything["global"]["authorization"] = authorization
    return everything


def _in_memory() -> Json:
    """Return a store that is gone with the server."""
    return {
        "sql": {
            "pluginName": "sqlite",
            "databaseName": "default",
            "connectAddr": "localhost",
            "connectProtocol": "tcp",
            "connectAttributes": {"mode": "memory", "cache": "private"},
            "maxConns": 1,
            "maxIdleConns": 1,
            "maxConnLifetime": "1h",
        }
    }


def _ports(port: int) -> Json:
    return {"rpc": {"grpcPort": port, "membershipPort": find_free_port(), "bindOnLocalHost": True}}


def _encoded(raw: bytes) -> str:
    """Return what web tokens are made of."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
