"""Asks hosts of the internet for assets, and nothing else: aiohttp behind a filter.

A name is resolved here, its addresses are checked, and the connection is made to one that passed: there is no second
look-up in between. Each redirect is a request of its own, checked again. No cookies, no credentials of the environment.
"""

from __future__ import annotations

import asyncio
import re
import socket
import zlib
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from socket import AI_ADDRCONFIG, AI_NUMERICHOST, AI_NUMERICSERV, AddressFamily, SocketKind
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from video_export_worker.assets.addresses import HostPolicy, parse_address
from video_export_worker.assets.links import resolve
from video_export_worker.contract.assets import MissingReason

FILE_BYTES: Final = 20 * 2**20  # of one asset, decompressed; far above what pages load
FILE_SECONDS: Final = 10.0
CONNECTIONS: Final = 16
MOST_REDIRECTS: Final = 5
MOST_FAILURES: Final = CONNECTIONS  # to reach a host or to get its answer; then it is not asked for others
BLOCK: Final = 64 * 2**10
HEADERS: Final = {"User-Agent": "Mozilla/5.0 (compatible; video-export)", "Accept-Encoding": "gzip, deflate"}
_STATUS: Final = {401: MissingReason.REFUSED, 403: MissingReason.REFUSED, 404: MissingReason.NOT_FOUND}
_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class AssetMissing(Exception):
    """An asset cannot be had.

    Attributes:
        reason: why.
        passing: it may be there in a moment.
    """

    def __init__(self, reason: MissingReason, *, passing: bool = False) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.passing = passing


class _AddressDenied(OSError):
    """A name has no address that may be asked."""


@dataclass(frozen=True)
class Answer:
    """What a host has answered.

    Attributes:
        data: the file; None if it is still what it was.
        declared: the type that the host says it has.
        validators: headers that a later request may ask by whether it has changed.
        max_age: seconds for which it is good.
        url: where the last redirect has led, if there was one.
    """

    data: bytes | None
    declared: str = ""
    validators: Mapping[str, str] = field(default_factory=dict)
    max_age: float = 0.0
    url: str = ""


class AssetClient:
    """The client. As a context it owns its connections.

    Args:
        policy: which hosts may be asked, and at which addresses.
        headers: further headers by host. Over http they are sent only to hosts that may have private addresses.
        proxy: URL of an HTTP proxy. It resolves names itself: it has to refuse private addresses, too.
        resolver: looks names up; by default the machine's.
    """

    def __init__(
        self,
        policy: HostPolicy,
        *,
        headers: Mapping[str, Mapping[str, str]] | None = None,
        proxy: str | None = None,
        resolver: AbstractResolver | None = None,
        file_bytes: int = FILE_BYTES,
        file_seconds: float = FILE_SECONDS,
    ) -> None:
        self._policy = policy
        self._headers = {host.lower(): dict(values) for host, values in (headers or {}).items()}
        self._proxy = proxy
        self._resolver = resolver
        self._file_bytes, self._file_seconds = file_bytes, file_seconds
        self._session: aiohttp.ClientSession | None = None
        self._failures: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        resolver = self._resolver or _ThreadedResolver()
        if not self._proxy:
            resolver = _CheckedResolver(resolver, self._policy)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, use_dns_cache=False, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers=HEADERS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str, validators: Mapping[str, str] | None = None) -> Answer:
        """Ask for an asset.

        Raises:
            AssetMissing: it cannot be had.
        """
        # Whoever named it may have been taken over by a recording: it is a URL as browsers write it, or none.
        first = resolve(url, "")
        if first is None:
            raise AssetMissing(MissingReason.FAILED)
        url = first
        try:
            async with asyncio.timeout(self._file_seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    answer = await self._ask(url, validators or {})
                    if isinstance(answer, Answer):
                        return replace(answer, url="" if url == first else url)
                    url = answer
        except TimeoutError:
            self._failures[urlsplit(url).hostname or ""] += 1
            raise AssetMissing(MissingReason.TIMED_OUT, passing=True) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressDenied):
                raise AssetMissing(MissingReason.PRIVATE_ADDRESS) from None
            self._failures[urlsplit(url).hostname or ""] += 1
            raise AssetMissing(MissingReason.UNREACHABLE, passing=True) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise AssetMissing(MissingReason.UNREACHABLE, passing=True) from None
        raise AssetMissing(MissingReason.TOO_MANY_REDIRECTS)

    async def _ask(self, url: str, validators: Mapping[str, str]) -> Answer | str:
        """One request; what a redirect names is the answer where there is one."""
        assert self._session is not None
        target = URL(url, encoded=True)
        host = target.raw_host or ""  # as the request itself reads it, and as rules are written: names in ASCII
        self._check(host)
        is_told = target.scheme == "https" or self._policy.is_inside(host)
        headers = {**validators, **(self._headers.get(host, {}) if is_told else {})}
        asking = self._session.get(target, headers=headers, allow_redirects=False, proxy=self._proxy)
        async with asking as response:
            if response.status == 304 and validators:
                return Answer(None, max_age=_read_age(response), validators=_read_validators(response) or validators)
            if response.status in (301, 302, 303, 307, 308):
                location = resolve(response.headers.get("Location", ""), url)
                if location is None:
                    raise AssetMissing(MissingReason.FAILED)
                return location
            if response.status != 200:
                reason = MissingReason.NOT_FOUND if response.status == 410 else MissingReason.FAILED
                raise AssetMissing(_STATUS.get(response.status, reason), passing=response.status >= 500)
            data = await self._read(response)
            declared = response.headers.get("Content-Type", "")
            return Answer(data, declared, _read_validators(response), _read_age(response))

    def _check(self, host: str) -> None:
        if not self._policy.allows_host(host):
            raise AssetMissing(MissingReason.HOST_DENIED)
        if self._failures[host] >= MOST_FAILURES:
            raise AssetMissing(MissingReason.UNREACHABLE, passing=True)
        # An address in the URL is not looked up, so nothing else checks it.
        address = parse_address(host)
        if address is not None and not self._policy.allows_address(host, address):
            raise AssetMissing(MissingReason.PRIVATE_ADDRESS)
        if f".{host.rstrip('.')}".endswith(".localhost"):
            loopback = parse_address("127.0.0.1")
            if loopback is not None and not self._policy.allows_address(host, loopback):
                raise AssetMissing(MissingReason.PRIVATE_ADDRESS)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._file_bytes:
            raise AssetMissing(MissingReason.TOO_LARGE)
        decoder = _make_decoder(response.headers.get("Content-Encoding", "").strip().lower())
        data, is_empty = bytearray(), True
        async for block in response.content.iter_chunked(BLOCK):
            is_empty = False
            try:
                data += decoder.decompress(block, self._file_bytes + 1 - len(data)) if decoder else block
            except zlib.error:
                raise AssetMissing(MissingReason.FAILED) from None
            if len(data) > self._file_bytes or (decoder and decoder.unconsumed_tail):
                raise AssetMissing(MissingReason.TOO_LARGE)
        if decoder and not decoder.eof and not is_empty:  # the rest of the file did not come
            raise AssetMissing(MissingReason.FAILED, passing=True)
        return bytes(data)


class _ThreadedResolver(AbstractResolver):
    """Looks names up as the machine does, in threads of its own.

    Whoever owns a name decides how long that takes. The event loop's threads are those of all exports of a worker.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CONNECTIONS, "asset-names")

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, family, SocketKind.SOCK_STREAM, flags=AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        flags = AI_NUMERICHOST | AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class _CheckedResolver(AbstractResolver):
    """Gives out addresses that passed. Each name is looked up once: all images of a host that is gone cost that."""

    def __init__(self, inner: AbstractResolver, policy: HostPolicy) -> None:
        self._inner = inner
        self._policy = policy
        self._looking: dict[str, asyncio.Task[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host not in self._looking:
            self._looking[host] = asyncio.create_task(self._look_up(host, family))
        # Who gives up waiting does not end what others wait for.
        found = await asyncio.shield(self._looking[host])
        return [ResolveResult({**result, "port": port}) for result in found]

    async def _look_up(self, host: str, family: AddressFamily) -> list[ResolveResult]:
        found = await self._inner.resolve(host, 0, family)
        allowed = [
            result
            for result in found
            if (address := parse_address(result["host"])) is not None and self._policy.allows_address(host, address)
        ]
        if found and not allowed:
            raise _AddressDenied(f"{host} has no public address")
        return allowed

    async def close(self) -> None:
        for looking in self._looking.values():
            looking.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        await self._inner.close()


def _make_decoder(encoding: str) -> zlib._Decompress | None:
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47)  # the header tells gzip from zlib
    raise AssetMissing(MissingReason.FAILED)  # it was not asked for


def _read_validators(response: aiohttp.ClientResponse) -> dict[str, str]:
    pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
    given = ((condition, response.headers.get(header, "")) for header, condition in pairs)
    return {condition: value[:512] for condition, value in given if value and value.isascii()}


def _read_age(response: aiohttp.ClientResponse) -> float:
    found = _AGE.search(response.headers.get("Cache-Control", ""))
    return float(found[1]) if found else 0.0
