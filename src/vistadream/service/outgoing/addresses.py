"""Which addresses belong to the public internet. All others are the machine's own, or of the network around it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_UNICAST = ip_network("2000::/3")
"""All public IPv6 addresses of single machines are in here."""
_NAT64 = ip_network("64:ff9b::/96")
"""The last 32 bits are an IPv4 address, which a gateway of the network connects to."""
_OTHERS = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # of protocols
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # a public address by its number, at which Azure's machines reach their host
            "2001::/23",  # of protocols: Teredo, which holds an IPv4 address, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
"""What `ipaddress` calls global, in one version of Python or another, and is not a machine of the internet."""


def is_public(text: str) -> bool:
    """Whether an address, such as 192.0.2.1 or 2001:db8::1, is of a single machine on the public internet."""
    address = _meant(ip_address(text))
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in _OTHERS if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to, where it is of such a form; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address
