"""The policy that decides which addresses may be connected to.

Some addresses are always refused: link-local ones and those of clouds' metadata services, which
hold credentials. No webhook and no gateway is there, and every attacker tries them. With
`public_only`, all addresses that are not public are refused too, except the ranges that an
operator allows. An IPv6 address that embeds an IPv4 address is checked as both.

The ranges are those of IANA's special-purpose registries (RFC 6890 and its updates). They are
listed here because `ipaddress.is_global` differs between releases of Python.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_LINK_LOCAL = _networks("169.254.0.0/16", "fe80::/10")

# metadata services of clouds, beyond 169.254.0.0/16
_METADATA = _networks(
    "fd00:ec2::/32",  # Amazon EC2 and EKS, over IPv6
    "fd20:ce::254/128",  # Google Cloud, over IPv6
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure's wire server
    "192.0.0.192/32",  # Oracle Cloud
)

_PRIVATE = _networks(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
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
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
)

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_MAPPED = IPv6Network("::ffff:0:0/96")

# IPv6 ranges that embed an IPv4 address, and by how many bits it is shifted to the left
_EMBEDDING: tuple[tuple[IPv6Network, int], ...] = (
    (_MAPPED, 0),
    (IPv6Network("::/96"), 0),  # IPv4-compatible, deprecated
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (_NAT64, 0),
    (IPv6Network("64:ff9b:1::/48"), 0),  # local NAT64 (RFC 8215), with a /96 inside
    (IPv6Network("2002::/16"), 80),  # 6to4
    (IPv6Network("2001::/32"), 64),  # Teredo: the server's
)
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The `[outbound]` settings: `allow` lists the ranges that are exempt from `public_only`.

    `rule` says, for the refusal of an address, why only public ones are permitted.
    """

    public_only: bool = False
    allow: Sequence[Network] = ()
    rule: str = "[outbound] has public_only = true"

    def refusal(self, address: Address) -> str | None:
        """Return why `address` must not be connected to, or None."""
        candidates = [_unmapped(address), *_embedded(address)]
        for each in candidates:
            if _within(each, _LINK_LOCAL):
                return "a link-local address"
            if _within(each, _METADATA):
                return "a cloud's metadata service"
        if self.public_only and not all(self._is_open(each) for each in candidates):
            return f"not a public address, and {self.rule}"
        return None

    def _is_open(self, address: Address) -> bool:
        return _within(address, self.allow) or _is_public(address)


ANYWHERE = AddressPolicy()
"""The policy that refuses only what is always refused."""


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST and address not in _NAT64:
        return False
    return not _within(address, _PRIVATE)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _unmapped(address: Address) -> Address:
    """Return an IPv4-mapped address as IPv4, over which the kernel connects to it."""
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & _LOW)
    return address


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """Yield every IPv4 address that a translator on the way may extract from `address`."""
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    for network, shift in _EMBEDDING:
        # :: and ::1 do not embed 0.0.0.0 and 0.0.0.1
        if address in network and number > 1:
            yield IPv4Address(number >> shift & _LOW)
    if address in _LOCAL_NAT64:
        # RFC 6052 puts it around the byte 64..71, which stays zero
        yield IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
    if address in _TEREDO:
        yield IPv4Address(~number & _LOW)
    if number >> 32 & _LOW in _ISATAP:
        yield IPv4Address(number & _LOW)
