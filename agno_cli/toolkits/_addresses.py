"""Which network addresses a model may reach.

An allow-list of what is public, not a deny-list of what is private: new kinds of addresses are
refused until someone thinks of them. `ipaddress.is_global` alone is not enough: it lets multicast
through, differs between patch releases of Python, and does not look into IPv6 addresses that
carry an IPv4 address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Iterable[str]]

_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_V6 = ip_network("2000::/3")
# Assigned by IANA to protocols, Teredo among them, and to the relays of 6to4.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))
# Where clouds serve a machine's credentials without asking for any: all link-local addresses,
# Azure, Oracle, Alibaba, AWS and Google over IPv6.
_METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",
            "fe80::/10",
            "168.63.129.16/32",
            "192.0.0.192/32",
            "100.100.100.200/32",
            "fd00:ec2::254/128",
            "fd20:ce::254/128",
        ),
    )
)


def refusal(text: str, *, allow_private: bool) -> str:
    """Say why an address may not be reached; empty when it may.

    Args:
        text: an address as `getaddrinfo` gives it.
        allow_private: whether loopback and private networks may be reached. Link-local
            addresses and those of cloud metadata services never are.
    """
    try:
        address = _innermost(ip_address(text))
    except ValueError:
        return "is not an address"
    if any(address in network for network in _METADATA):
        return "is link-local or serves the credentials of a cloud machine"
    if allow_private or _is_public(address):
        return ""
    return "is not a public address"


def _innermost(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
