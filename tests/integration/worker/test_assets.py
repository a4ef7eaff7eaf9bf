"""Linked assets from hosts on loopback into the store: what is fetched, what is refused; nothing fails or hangs."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.asset_hosts import LOOPBACK, AssetHosts, Names, serving_assets
from tests.waiting import AT_ONCE
from video_export_worker.assets.addresses import HostPolicy, HostRule
from video_export_worker.assets.css import Use
from video_export_worker.assets.fetching import MOST_REFERENCE_BYTES
from video_export_worker.assets.found import FoundLinks
from video_export_worker.assets.gathering import MOST_GROUPS, AssetGatherer, warn_of_missing
from video_export_worker.assets.links import resolve
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.contract import AssetMode, AssetTable
from video_export_worker.storage import Storage, join_uri

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SECRET = b"\x89PNG\r\n\x1a\ninternal"


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        serving.put("/secret.png", SECRET, host="secret.test")
        serving.put("/secret.png", SECRET, host="127.0.0.1")
        yield serving


async def gather(
    hosts: AssetHosts,
    folder: Path,
    *urls: str,
    use: Use = Use.IMAGE,
    names: Names | None = None,
    settings: AssetSettings | None = None,
    mode: AssetMode = AssetMode.FETCH,
    **more: Any,
) -> AssetTable:
    root = f"file://{folder}/storage"
    gatherer = AssetGatherer(settings or hosts.settings(), Storage(root), root, resolver=names or Names(), **more)
    return await gatherer.gather(FoundLinks(uses={url: {use} for url in urls}), folder, mode)


def reasons(table: AssetTable) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for group in table.counts.missing:
        counts[group.reason.value] += group.count
    return dict(counts)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


# Addresses that no recording may reach


LITERALS = (
    *("http://127.0.0.1:{port}/secret.png", "http://2130706433:{port}/secret.png", "http://0x7f.1:{port}/secret.png"),
    *("http://[::1]:{port}/secret.png", "http://[::ffff:127.0.0.1]:{port}/secret.png", "http://0:{port}/secret.png"),
    *("http://localhost:{port}/secret.png", "http://x.localhost:{port}/secret.png", "http://127.1:{port}/secret.png"),
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/", "http://100.100.100.200/latest/"),
    *("http://[64:ff9b::7f00:1]:{port}/secret.png", "http://[fe80::1]/x.png", "http://168.63.129.16/machine/"),
)


async def test_addresses_of_the_cluster_and_of_metadata_are_not_asked(hosts: AssetHosts, tmp_path: Path) -> None:
    urls = {resolve(url.format(port=hosts.port), "") or "" for url in LITERALS}
    table = await gather(hosts, tmp_path, *urls, settings=AssetSettings())
    assert reasons(table) == {"PrivateAddress": len(urls)}, table.counts
    assert not hosts.asked


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1"])
async def test_names_of_private_addresses_are_not_asked(hosts: AssetHosts, tmp_path: Path, address: str) -> None:
    names = Names(evil_example=address)
    url = hosts.url("/secret.png", "evil.example")
    assert reasons(await gather(hosts, tmp_path, url, names=names)) == {"PrivateAddress": 1}
    assert not hosts.asked


async def test_a_name_that_changes_between_two_look_ups_gets_nowhere(hosts: AssetHosts, tmp_path: Path) -> None:
    """The first answer is public (a documentation address, which nobody has), the others are not."""
    names = Names(evil_example=["192.0.2.1", "127.0.0.1"], late_example=["127.0.0.1", "192.0.2.1"])
    urls = [hosts.url(f"/secret.png?{n}", host) for host in ("evil.example", "late.example") for n in range(3)]
    await gather(hosts, tmp_path, *urls, names=names)
    assert not hosts.asked
    assert max(names.looked_up.values()) == 1, "the connection goes to the address that was checked"


async def test_redirects_are_checked_each(hosts: AssetHosts, tmp_path: Path) -> None:
    names = Names(evil_example="127.0.0.1")
    targets = {
        "/to-address": f"http://127.0.0.1:{hosts.port}/secret.png",
        "/to-name": hosts.url("/secret.png", "evil.example"),
        "/to-metadata": "http://169.254.169.254/latest/meta-data/",
        "/to-file": "file:///etc/passwd",
        "/to-itself": "/to-itself",
        "/to-nothing": "",
    }
    for path, target in targets.items():
        hosts.put(path, status=302, headers={"Location": target})
    table = await gather(hosts, tmp_path, *map(hosts.url, targets), names=names)
    assert reasons(table) == {"PrivateAddress": 3, "Failed": 2, "TooManyRedirects": 1}
    assert not hosts.asked["/secret.png"]


async def test_urls_that_two_parsers_read_differently_are_not_asked(hosts: AssetHosts, tmp_path: Path) -> None:
    """As a process that a recording has taken over could write them."""
    urls = [
        f"http://cdn.test\\@127.0.0.1:{hosts.port}/secret.png",
        f"http://cdn.test#@127.0.0.1:{hosts.port}/secret.png",
        f"http://127.0.0.1\t:{hosts.port}/secret.png",
        f"http://cdn.test@127.0.0.1:{hosts.port}/secret.png",
        "file:///etc/passwd",
        "",
    ]
    settings = AssetSettings(policy=HostPolicy([HostRule.parse("cdn.test")]))
    table = await gather(hosts, tmp_path, *urls, settings=settings)
    assert table.files == {}
    assert not hosts.asked


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "x" * 64, ""])
def test_a_file_that_planning_names_is_named_by_its_hash(name: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        FoundLinks.model_validate({"recorded": {"http://x.test/": {"sha256": name, "type": "image/png", "size": 1}}})


async def test_a_redirect_to_a_public_place_is_followed(hosts: AssetHosts, tmp_path: Path) -> None:
    hosts.put("/old.png", status=301, headers={"Location": "/new.png"})
    hosts.put("/new.png", PNG)
    table = await gather(hosts, tmp_path, hosts.url("/old.png"))
    assert table.files[hosts.url("/old.png")].type == "image/png"


async def test_hosts_are_allowed_and_denied(hosts: AssetHosts, tmp_path: Path) -> None:
    urls = [hosts.put("/a.png", PNG, host=host) for host in ("cdn.test", "ads.test", "other.test")]
    allow = [HostRule.parse(f"{host}@127.0.0.0/8") for host in ("cdn.test", "ads.test")]
    settings = AssetSettings(policy=HostPolicy(allow, [HostRule.parse("ads.test")]))
    table = await gather(hosts, tmp_path, *urls, settings=settings)
    assert list(table.files) == [urls[0]]
    assert reasons(table) == {"HostDenied": 2}
    table = await gather(hosts, tmp_path, *urls)
    assert len(table.files) == len(urls), "a refusal holds as long as its rule"
    table = await gather(hosts, tmp_path, *urls, settings=settings)
    assert list(table.files) == [urls[0]], "what others may have is in the store, and not for this worker"


async def test_a_host_is_denied_by_its_name_in_ascii(hosts: AssetHosts, tmp_path: Path) -> None:
    url = f"http://m\N{LATIN SMALL LETTER U WITH DIAERESIS}ll.test:{hosts.port}/a.png"
    hosts.put("/a.png", PNG, host="xn--mll-hoa.test")
    assert list((await gather(hosts, tmp_path, url)).files) == [url]
    policy = HostPolicy([HostRule.parse(f"*@{LOOPBACK}")], [HostRule.parse("xn--mll-hoa.test")])
    table = await gather(hosts, tmp_path / "denied", url, settings=AssetSettings(policy=policy))
    assert reasons(table) == {"HostDenied": 1}


# Answers that no worker may choke on


def endless(file: Any) -> None:
    for _ in range(4000):
        file.write(bytes(64 * 1024))


def slow(file: Any) -> None:
    for _ in range(2000):  # 100 seconds, or until the client has had enough
        file.write(b"x")
        file.flush()
        time.sleep(0.05)


async def test_endless_huge_and_broken_answers_cost_little(hosts: AssetHosts, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(200 * 2**20))
    replies = {
        hosts.put("/endless", write=endless): "TooLarge",
        hosts.put("/announced", headers={"Content-Length": str(10**12)}, write=lambda file: None): "TooLarge",
        hosts.put("/bomb", bomb, headers={"Content-Encoding": "gzip"}): "TooLarge",
        hosts.put("/cut-off", headers={"Content-Length": "100"}, write=lambda file: file.write(b"x")): "Unreachable",
        hosts.put("/no-gzip", b"not gzip", headers={"Content-Encoding": "gzip"}): "Failed",
        hosts.put("/half-gzip", gzip.compress(PNG)[:-12], headers={"Content-Encoding": "gzip"}): "Failed",
        hosts.put("/other-coding", PNG, headers={"Content-Encoding": "br"}): "Failed",
        hosts.put("/error", status=500): "Failed",
        hosts.put("/login", status=401): "Refused",
        hosts.put("/page", b"<!doctype html><title>Login</title>", headers={"Content-Type": "image/png"}): "WrongType",
        hosts.put("/script.js", b"alert(1)", headers={"Content-Type": "text/javascript"}): "WrongType",
        hosts.put("/long-head", PNG, headers={"X-Long": "x" * 100_000}): "Unreachable",
        hosts.url("/nothing"): "NotFound",
        hosts.url("/nowhere", "gone.example"): "Unreachable",
    }
    table = await gather(hosts, tmp_path, *replies, use=Use.SHEET)
    expected: dict[str, int] = {}
    for reason in replies.values():
        expected[reason] = expected.get(reason, 0) + 1
    assert reasons(table) == expected, list(table.files)
    assert table.files == {}
    assert len(warn_of_missing(table.counts)) == 1


async def test_a_slow_host_ends_in_time(hosts: AssetHosts, tmp_path: Path) -> None:
    urls = [hosts.put(f"/slow-{number}", write=slow) for number in range(20)]
    quick = hosts.put("/quick.png", PNG)
    async with asyncio.timeout(AT_ONCE):
        table = await gather(hosts, tmp_path, quick, *urls, all_seconds=2)
    assert reasons(table) == {"TimedOut": 20}
    assert list(table.files) == [quick]


async def test_names_that_nobody_answers_for_keep_no_other_export_waiting(
    hosts: AssetHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look-ups take a thread each until the machine gives up."""
    asked, goes_on = threading.Semaphore(0), threading.Event()

    def hang(*_: Any, **__: Any) -> NoReturn:
        asked.release()
        goes_on.wait(30)
        raise OSError("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    root = f"file://{tmp_path}/storage"
    urls = {f"http://{number}.test/a.png": {Use.IMAGE} for number in range(100)}
    gatherer = AssetGatherer(hosts.settings(), Storage(root), root, all_seconds=60)
    gathering = asyncio.create_task(gatherer.gather(FoundLinks(uses=urls), tmp_path, AssetMode.FETCH))
    try:
        while not asked.acquire(blocking=False):
            await asyncio.wait({gathering}, timeout=0.01)
        async with asyncio.timeout(AT_ONCE):
            await asyncio.gather(*(asyncio.to_thread(Path) for _ in range(100)))
    finally:
        goes_on.set()
    assert reasons(await gathering) == {"Unreachable": 100}


async def test_style_sheets_that_import_each_other_end(hosts: AssetHosts, tmp_path: Path) -> None:
    css = {"Content-Type": "text/css"}
    first = hosts.put("/a.css", b"@import 'b.css';@import 'a.css'", headers=css)
    hosts.put("/b.css", b"@import '/a.css';x{background:url(x.png)}", headers=css)
    hosts.put("/x.png", PNG)
    table = await gather(hosts, tmp_path, first, use=Use.SHEET)
    assert sorted(table.files) == [first, hosts.url("/b.css"), hosts.url("/x.png")]
    assert table.files[hosts.url("/x.png")].awaited


# What is sent, and what is kept


async def test_no_cookie_and_no_secret_goes_to_another_host(hosts: AssetHosts, tmp_path: Path) -> None:
    hosts.put("/a.png", PNG, headers={"Set-Cookie": "session=1"})
    hosts.put("/b.png", status=302, headers={"Location": hosts.url("/c.png", "other.test")})
    hosts.put("/c.png", PNG, host="other.test")
    settings = hosts.settings(headers={"cdn.test": {"Authorization": "Bearer canary"}})
    for urls in ([hosts.url("/a.png")], [hosts.url("/b.png")]):
        await gather(hosts, tmp_path, *urls, settings=settings)
    sent = {request["path"]: request for request in hosts.requests}
    assert sent["/a.png"]["Authorization"] == "Bearer canary"
    assert "Authorization" not in sent["/c.png"]
    assert not any("Cookie" in request or "Referer" in request for request in hosts.requests)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "storage").rglob("*") if path.is_file())
    assert b"canary" not in stored


async def test_a_secret_header_is_not_sent_without_encryption(hosts: AssetHosts, tmp_path: Path) -> None:
    """Whoever makes a recording decides by which scheme a host is named. The proxy stands for a public host."""
    hosts.put("/a.png", PNG)
    settings = AssetSettings(
        proxy=f"http://127.0.0.1:{hosts.port}", headers={"cdn.test": {"Authorization": "Bearer canary"}}
    )
    await gather(hosts, tmp_path, "http://cdn.test/a.png", settings=settings)
    assert [request.get("Authorization") for request in hosts.requests] == [None]


async def test_headers_in_no_encoding_end_no_export(hosts: AssetHosts, tmp_path: Path) -> None:
    url = hosts.put("/a.png", PNG, headers={"ETag": '"\xff"', "Last-Modified": "\xfe", "Content-Type": "\xfd"})
    assert list((await gather(hosts, tmp_path, url)).files) == [url]


async def test_style_sheets_with_long_addresses_bring_a_bounded_number_of_others(
    hosts: AssetHosts, tmp_path: Path
) -> None:
    """Relative addresses of some bytes become as long as that of their sheet."""
    sheet = b"a{" + b"".join(b"b:url(%d);" % number for number in range(5000)) + b"}"
    path = f"/{'x' * 8000}/a.css"
    table = await gather(hosts, tmp_path, hosts.put(path, sheet, headers={"Content-Type": "text/css"}), use=Use.SHEET)
    assert len(table.files) == 1
    assert sum(map(len, table.missing)) <= MOST_REFERENCE_BYTES


async def test_hosts_are_asked_once_for_all_exports(hosts: AssetHosts, tmp_path: Path) -> None:
    clock = Clock()
    url, gone = hosts.put("/a.png", PNG, headers={"ETag": '"1"'}), hosts.url("/gone.png")
    for _ in range(3):
        table = await gather(hosts, tmp_path, url, gone, now=clock)
        clock.now += 1000
    assert (table.counts.fetched, table.counts.cached) == (0, 1)
    assert hosts.asked == {"/a.png": 1, "/gone.png": 1}, "also that there is none is remembered"
    hosts.put("/a.png", status=304)
    clock.now += 3600
    table = await gather(hosts, tmp_path, url, now=clock)
    assert hosts.requests[-1]["If-None-Match"] == '"1"'
    assert table.files[url].size == len(PNG)
    clock.now += 8 * 86_400
    hosts.put("/a.png", PNG)
    await gather(hosts, tmp_path, url, now=clock)
    assert "If-None-Match" not in hosts.requests[-1], "what is old is stored anew, before a lifecycle rule takes it"


async def test_an_old_answer_is_better_than_none(hosts: AssetHosts, tmp_path: Path) -> None:
    clock = Clock()
    url = hosts.put("/a.png", PNG)
    await gather(hosts, tmp_path, url, now=clock)
    hosts.put("/a.png", status=503)
    clock.now += 7200
    assert list((await gather(hosts, tmp_path, url, now=clock)).files) == [url]


async def test_a_result_names_the_hosts_of_the_largest_groups(hosts: AssetHosts, tmp_path: Path) -> None:
    """A recording can name ten thousand hosts, and Temporal takes a result of 2 MiB."""
    urls = [f"https://{number}.test/a.png" for number in range(2 * MOST_GROUPS)] + ["https://0.test/b.png"]
    counts = (await gather(hosts, tmp_path, *urls, mode=AssetMode.NONE)).counts
    largest = [(group.host, group.count) for group in counts.missing[:2]]
    assert largest == [("", MOST_GROUPS), ("0.test", 2)]
    assert len(counts.missing) == MOST_GROUPS + 1
    assert counts.missed == counts.found == len(urls)


async def test_a_prefix_names_another_place(hosts: AssetHosts, tmp_path: Path) -> None:
    root = f"file://{tmp_path}/storage"
    await Storage(root).write(PNG, join_uri(root, "builds", "a.png"))
    await Storage(root).write(PNG, join_uri(root, "builds", "my logo.png"))
    hosts.put("/moved/b.png", PNG)
    prefixes = (("https://app.test/static/", f"{root}/builds/"), ("https://app.test/", hosts.url("/moved/")))
    there = [f"https://app.test/{name}" for name in ("b.png", "static/a.png", "static/my%20logo.png")]
    gone = [f"https://app.test/static/{name}" for name in ("none.png", "..%2f..%2fsecret.png", "%00")]
    table = await gather(hosts, tmp_path, *there, *gone, settings=hosts.settings(prefixes=prefixes))
    assert sorted(table.files) == there
    assert reasons(table) == {"NotFound": 1, "Unreachable": 2}


@pytest.mark.parametrize(("worker", "request_"), [("none", "fetch"), ("fetch", "none")])
async def test_nobody_is_asked_where_one_says_none(
    hosts: AssetHosts, tmp_path: Path, worker: str, request_: str
) -> None:
    url = hosts.put("/a.png", PNG)
    settings = hosts.settings(mode=AssetMode(worker))
    table = await gather(hosts, tmp_path, url, settings=settings, mode=AssetMode(request_))
    assert reasons(table) == {"NotFetched": 1}
    assert not hosts.asked
