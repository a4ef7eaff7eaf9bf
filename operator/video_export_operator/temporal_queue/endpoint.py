"""How Temporal is reached: a value that names one client."""

from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import TLSConfig

from video_export_operator.proxies import find_connect_proxy


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Temporal is, and what it takes to be let in. Secrets are never part of its text."""

    address: str
    namespace: str
    tls: bool = False
    server_name: str | None = None
    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    private_key: bytes | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


async def connect(endpoint: Endpoint, timeout: float) -> Client:
    """Return a client that connects with its first call, through the proxy that the environment names if it uses TLS.

    Args:
        endpoint: where.
        timeout: seconds for the connection to be made.
    """
    tls = TLSConfig(
        server_root_ca_cert=endpoint.ca,
        domain=endpoint.server_name,
        client_cert=endpoint.certificate,
        client_private_key=endpoint.private_key,
    )
    return await Client.connect(
        endpoint.address,
        namespace=endpoint.namespace,
        api_key=endpoint.api_key,
        tls=tls if endpoint.tls else False,
        connect_timeout=timedelta(seconds=timeout),
        lazy=True,
        http_connect_proxy_config=find_connect_proxy(endpoint.address) if endpoint.tls else None,
    )
