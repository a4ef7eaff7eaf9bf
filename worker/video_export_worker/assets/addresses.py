"""Which hosts and addresses assets may come from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Public by their registration, private by what they do: Azure's host agent. The second, which clouds use for theirs,
# has special addresses (RFC 6890), of which Python's table allows some. The others are not in Python's table: addresses
# of a site (RFC 3879), and of examples (RFC 9637).
_NOT_PUBLIC: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "fec0::/10", "3fff::/20")))
# IPv6 networks whose addresses stand for one of IPv4: how many of the last bits lie behind it.
_TRANSLATED: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::/96"), 0),  # compatible
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4
)
# A translator of the network's own (RFC 8215), Teredo, and ORCHID: what they stand for is not told by the address.
_UNKNOWN: Final = tuple(IPv6Network(text) for text in ("64:ff9b:1::/48", "2001::/32", "2001:10::/28", "2001:20::/28"))
_HOST: Final = re.compile(r"(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[?[0-9a-f:]+\]?)", re.IGNORECASE)


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet, for everybody: not private, shared, local, reserved or translated."""
    if isinstance(address, IPv6Address):
        for network, behind in _TRANSLATED:
            if address in network:
                return is_public(IPv4Address((int(address) >> behind) & 0xFFFFFFFF))
        if any(address in network for network in _UNKNOWN):
            return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def parse_address(text: str) -> Address | None:
    """Read an address as resolvers and URLs write it; None if it is a name."""
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None


@dataclass(frozen=True)
class HostRule:
    """An entry of the allow or the deny list.

    Attributes:
        host: a name, `*.` and a name for all below it, or `*`.
        networks: private addresses that the host may have on purpose.
    """

    host: str
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> HostRule:
        """Read `cdn.example`, `*.example`, `*`, or `intranet.example@10.1.0.0/16`.

        Raises:
            ValueError: it is none of these.
        """
        host, at, networks = text.strip().partition("@")
        if not _HOST.fullmatch(host) or (at and not networks):
            raise ValueError(f"{text!r} is no host: write cdn.example, *.example, * or intranet.example@10.1.0.0/16")
        return cls(
            host.lower().strip("[]").rstrip("."), tuple(ip_network(item) for item in networks.split("+") if item)
        )

    def covers(self, host: str) -> bool:
        """Whether the entry is about this host."""
        host = host.lower().strip("[]").rstrip(".")
        return self.host in ("*", host) or (self.host.startswith("*.") and host.endswith(self.host[1:]))


@dataclass(frozen=True)
class HostPolicy:
    """Which hosts are asked, and at which addresses.

    Attributes:
        allow: hosts that may be asked.
        deny: hosts that may not, even if they are allowed.
    """

    allow: Sequence[HostRule] = (HostRule("*"),)
    deny: Sequence[HostRule] = ()

    @cached_property
    def identity(self) -> str:
        """What tells these rules from others, empty for those that hold where nobody says anything."""
        rules = [
            sorted(f"{rule.host}@{'+'.join(sorted(map(str, rule.networks)))}" for rule in rules)
            for rules in (self.allow, self.deny)
        ]
        return "" if rules == [["*@"], []] else hashlib.sha256(repr(rules).encode()).hexdigest()

    def allows_host(self, host: str) -> bool:
        """Whether a host may be asked at all."""
        return any(rule.covers(host) for rule in self.allow) and not any(rule.covers(host) for rule in self.deny)

    def is_inside(self, host: str) -> bool:
        """Whether a host may have a private address on purpose."""
        return any(rule.networks and rule.covers(host) for rule in self.allow)

    def allows_address(self, host: str, address: Address) -> bool:
        """Whether a host may be asked at this address."""
        return is_public(address) or any(
            address in network for rule in self.allow if rule.covers(host) for network in rule.networks
        )


EVERY_HOST: Final = HostPolicy()
