"""Which hosts a server may send us to: by a redirect, or by the realm of a token.

Whoever answers us must not make us ask what only this machine can reach: services on loopback, and the link-local
addresses where clouds hand out credentials.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services that are not link-local: AWS over IPv6, Alibaba, Oracle, Azure; and Google's by name.
_METADATA = {"fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"}
_METADATA_NAMES = {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")


def why_internal(host: Sequence[str], own: Sequence[str]) -> str:
    """Return why a server must not send us to a host, or `""`.

    `host` is the host's name or address and what it resolves to, `own` the same of the server. Loopback is only for a
    server that is there itself; link-local and metadata addresses are for nobody else.
    """
    if host[0] == own[0]:
        return ""
    is_at_home = any(is_loopback(place) for place in own)
    if any(_is_of_link(place) or (is_loopback(place) and not is_at_home) for place in host):
        return "is an address of this machine or its link"
    return ""


def is_plain_host(host: str) -> bool:
    """Whether a host is a name, or an unambiguous address: resolvers also accept `0x7f.1` and `2130706433`."""
    if address_of(host):
        return "%" not in host
    return bool(re.fullmatch(r"(?:[a-z0-9_-]+\.)*(?!0x|[0-9]+$)[a-z0-9_-]+", host))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    address = address_of(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def address_of(host: str) -> Address | None:
    """Return the address that a host is, IPv4 also where IPv6 only wraps it, or None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (int(address) >> 32 == 0 and inner > 1):  # `::a.b.c.d`, but not `::` and `::1`
        return ipaddress.IPv4Address(inner)
    return address.ipv4_mapped or address.sixtofour or address


def _is_of_link(host: str) -> bool:
    address = address_of(host)
    if address is None:
        return host in _METADATA_NAMES
    is_nowhere = address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255"
    return address.is_link_local or is_nowhere or str(address) in _METADATA or address in _THIS_NETWORK
