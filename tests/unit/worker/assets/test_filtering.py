"""Which addresses and hosts may be asked, and what is kept of what they answer."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.assets.addresses import HostPolicy, HostRule, is_public
from video_export_worker.assets.fetching import identify
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.assets.sniffing import is_animated, sniff

PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.0.192", "198.18.0.1", "168.63.129.16"),
    *("::1", "::", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1", "2001:db8::1", "64:ff9b:1::a9fe:a9fe"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "2002:7f00:1::"),
    *("::127.0.0.1", "2001::1", "::ffff:0:10.0.0.1", "fec0::1", "3fff::1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public_however_it_is_written(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_what_it_stands_for(address: object) -> None:
    for written in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ip_address(written)) == is_public(ip_address(str(address)))


def test_the_lists_of_hosts() -> None:
    policy = HostPolicy(
        [HostRule.parse("*.example"), HostRule.parse("in.test@10.0.0.0/8")], [HostRule.parse("bad.example")]
    )
    asked = {host: policy.allows_host(host) for host in ("cdn.example", "bad.example", "example", "in.test", "x.test")}
    assert asked == {"cdn.example": True, "bad.example": False, "example": False, "in.test": True, "x.test": False}
    assert policy.allows_address("in.test", ip_address("10.1.1.1"))
    assert not policy.allows_address("in.test", ip_address("127.0.0.1"))
    assert not policy.allows_address("cdn.example", ip_address("10.1.1.1")), "only on purpose, for that host"


@pytest.mark.parametrize(
    ("data", "declared", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "text/html", "image/png"),
        (b"<?xml version='1.0'?><!-- x --><svg xmlns='...'>", "", "image/svg+xml"),
        (b"wOF2rest", "text/plain", "font/woff2"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "", "image/webp"),
        (b"a{color:red}", "text/css; charset=utf-8", "text/css"),
        (b"a{color:red}", "", "text/css"),
        (b"<!DOCTYPE html><title>Login</title>", "text/css", None),
        (b"<html>", "image/png", None),
        (b"alert(1)", "text/javascript", None),
        (b"MZ\x90\x00", "image/png", None),
        (b"", "image/png", None),
    ],
)
def test_files_are_what_their_bytes_say(data: bytes, declared: str, kind: str | None) -> None:
    assert sniff(data, declared, may_be_sheet=True) == kind
    if kind == "text/css":
        assert sniff(data, declared, may_be_sheet=False) is None


@given(st.binary(max_size=200))
def test_any_bytes_can_be_sniffed(data: bytes) -> None:
    sniff(data, "", may_be_sheet=True)
    is_animated(b"GIF89a" + data, "image/gif")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VIDEO_EXPORT_ASSETS", "some"),
        ("VIDEO_EXPORT_ASSET_HOSTS", "https://x.test/"),
        ("VIDEO_EXPORT_ASSET_HOSTS", "x.test@"),
        ("VIDEO_EXPORT_ASSET_HOSTS_DENIED", "x.test@10.0.0.1/8"),
        ("VIDEO_EXPORT_ASSET_PROXY_URL", "proxy:3128"),
        ("VIDEO_EXPORT_ASSET_PREFIXES", "https://x.test/"),
        ("VIDEO_EXPORT_ASSET_HEADERS_SECRET", '{"x.test": "s3cr3t"}'),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable) as failed:
        AssetSettings.from_environment({variable: value})
    assert "s3cr3t" not in str(failed.value)


def test_answers_are_shared_by_those_who_have_the_same_rules_about_hosts() -> None:
    def identity(**given: str) -> str:
        return identify(AssetSettings.from_environment(given), "https://x.test/a.png")

    rules = [
        {},
        {"VIDEO_EXPORT_ASSET_HOSTS": "x.test,y.test"},
        {"VIDEO_EXPORT_ASSET_HOSTS": "x.test@10.0.0.0/8,y.test"},
        {"VIDEO_EXPORT_ASSET_HOSTS_DENIED": "x.test"},
    ]
    assert len({identity(**given) for given in rules}) == len(rules)
    assert identity() == identity(VIDEO_EXPORT_ASSET_HOSTS="*") == " "
    assert identity(**rules[1]) == identity(VIDEO_EXPORT_ASSET_HOSTS="Y.test, x.test")


def test_the_longest_prefix_counts() -> None:
    pairs = "https://x.test/=https://y.test/ https://x.test/static/=s3://builds/"
    settings = AssetSettings.from_environment({"VIDEO_EXPORT_ASSET_PREFIXES": pairs})
    assert settings.place_of("https://x.test/static/a.png") == "s3://builds/a.png"
    assert settings.place_of("https://x.test/b.png") == "https://y.test/b.png"
    assert settings.place_of("https://z.test/b.png") == "https://z.test/b.png"


@pytest.mark.parametrize(
    "url", ["https://x.test.evil.test/a.png", "https://x.test-secret/a.png", "https://x.test:8443/"]
)
def test_a_prefix_ends_where_a_name_does(url: str) -> None:
    settings = AssetSettings.from_environment({"VIDEO_EXPORT_ASSET_PREFIXES": "https://x.test=s3://builds"})
    assert settings.place_of(url) == url
    assert settings.place_of("https://x.test/a.png") == "s3://builds/a.png"
