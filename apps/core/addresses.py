"""Which network addresses the product may connect to: public ones, and what an operator allows by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry/ and the IPv6 registry beside it.
DENIED = [
    ipaddress.ip_network(net)
    for net in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped or NAT64 address, else `address` itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether `address` is one of the public internet."""
    inner = unwrap(address)
    if any(inner.version == net.version and inner in net for net in DENIED):
        return False
    return inner.is_global and not inner.is_multicast


def host_allowed(host: str, allow: Iterable[str]) -> bool:
    """Whether a host suffix of `allow` covers `host` ("example.org" covers itself and its subdomains)."""
    host = host.rstrip(".").lower()
    for entry in allow:
        suffix = entry.strip().strip(".").removeprefix("*.").lower()
        if suffix and (host == suffix or host.endswith(f".{suffix}")):
            return True
    return False


def may_connect(host: str, address: str, allow: Iterable[str]) -> bool:
    """Whether `host`, which resolved to `address`, may be connected to. `allow` holds host suffixes and CIDRs."""
    allow = list(allow)
    try:
        wanted = unwrap(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if is_public(wanted) or host_allowed(host, allow):
        return True
    for entry in allow:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue  # a host suffix
        if wanted.version == network.version and wanted in network:
            return True
    return False
