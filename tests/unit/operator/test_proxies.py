"""Which proxy the environment names."""

from __future__ import annotations

import pytest
from temporalio.service import HttpConnectProxyConfig

from video_export_operator.proxies import find_connect_proxy


@pytest.mark.parametrize(
    ("proxy", "exempt", "found"),
    [
        ("", "", None),
        ("http://proxy:3128", "", HttpConnectProxyConfig("proxy:3128")),
        ("proxy:3128", "", HttpConnectProxyConfig("proxy:3128")),
        ("http://proxy", "", HttpConnectProxyConfig("proxy:80")),
        ("http://[fd00::1]:3128", "", HttpConnectProxyConfig("[fd00::1]:3128")),
        ("http://me:p%40ss@proxy:3128", "", HttpConnectProxyConfig("proxy:3128", ("me", "p@ss"))),
        ("http://proxy:3128", "localhost,.tmprl.cloud", None),
        ("http://proxy:3128", "example.tmprl.cloud:443", HttpConnectProxyConfig("proxy:3128")),
    ],
)
def test_the_proxy_for_temporal(
    monkeypatch: pytest.MonkeyPatch, proxy: str, exempt: str, found: HttpConnectProxyConfig | None
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", exempt)
    assert find_connect_proxy("example.tmprl.cloud:7233") == found
