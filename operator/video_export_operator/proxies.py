"""The proxy that the environment names for an address: HTTPS_PROXY and NO_PROXY, as most programs read them."""

from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from temporalio.service import HttpConnectProxyConfig


def find_proxy(url: str) -> str | None:
    """Return the URL of the proxy for a URL; None where it is reached directly."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def find_connect_proxy(address: str) -> HttpConnectProxyConfig | None:
    """Return the HTTP CONNECT proxy for an encrypted connection to HOST:PORT; None where there is none.

    The name and the password of the proxy's URL are sent to it (Basic).
    """
    proxy = find_proxy(f"https://{address}")
    if proxy is None:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return HttpConnectProxyConfig(target_host=f"{host}:{parts.port or 80}", basic_auth=login)
