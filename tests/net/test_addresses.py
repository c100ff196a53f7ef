"""The address policy: a table for each reason, and every way to embed an address in another."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.net.addresses import ANYWHERE, AddressPolicy

PUBLIC_ONLY = AddressPolicy(public_only=True)
EVERYTHING = AddressPolicy(public_only=True, allow=(ip_network("0.0.0.0/0"),))
WITH_OFFICE = AddressPolicy(public_only=True, allow=(ip_network("10.1.0.0/16"),))

NEVER = """
169.254.0.1 169.254.169.254 169.254.170.2 fe80::1 febf::1
100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254
""".split()

NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.9.9.9 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1
192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
:: ::1 fc00::1 fd12:3456::1 fec0::1 ff02::1 2001:db8::1 2001:2::1 3fff::1 100::1 5f00::1
64:ff9b:1::808:808 64:ff9b::10.0.0.1 2002:a00:1:: ::ffff:10.0.0.1 ::10.0.0.1
""".split()

PUBLIC = """
1.1.1.1 8.8.8.8 11.0.0.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.169.0.1 223.255.255.1
2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1
""".split()


def disguises(address: IPv4Address) -> list[IPv6Address]:
    """Return every IPv6 address that a translator on the way may turn into `address`."""
    number = int(address)
    high, low = number >> 16, number & 0xFFFF
    inverted = ~number & 0xFFFFFFFF
    return [
        IPv6Address(0xFFFF << 32 | number),  # IPv4-mapped
        IPv6Address(0xFFFF << 48 | number),  # IPv4-translated
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),  # NAT64
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | number),  # local NAT64, a /96 of it
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | high << 64 | low << 40),  # RFC 6052, /48
        IPv6Address(0x2002 << 112 | number << 80 | 1),  # 6to4
        IPv6Address(0x20010000 << 96 | number << 64),  # Teredo, as the server
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | inverted),  # Teredo, as the client
        IPv6Address(int(IPv6Address("2a00:1450::")) | 0x5EFE << 32 | number),  # ISATAP
        IPv6Address(int(IPv6Address("2a00:1450::")) | 0x02005EFE << 32 | number),  # ISATAP, global
    ]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("policy", [ANYWHERE, PUBLIC_ONLY, EVERYTHING])
def test_link_local_and_metadata_addresses_are_refused_whatever_the_config_says(
    address: str, policy: AddressPolicy
) -> None:
    assert policy.refusal(ip_address(address)) in {
        "a link-local address",
        "a cloud's metadata service",
    }


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_operator_may_name_any_other_address_unless_public_ones_are_asked_for(
    address: str,
) -> None:
    assert ANYWHERE.refusal(ip_address(address)) is None
    told = PUBLIC_ONLY.refusal(ip_address(address))
    assert told == "not a public address, and [outbound] has public_only = true"


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert PUBLIC_ONLY.refusal(ip_address(address)) is None


def test_allowed_ranges_are_open_and_no_wider_than_written() -> None:
    assert WITH_OFFICE.refusal(ip_address("10.1.2.3")) is None
    assert WITH_OFFICE.refusal(ip_address("::ffff:10.1.2.3")) is None
    assert WITH_OFFICE.refusal(ip_address("10.2.0.1"))
    assert WITH_OFFICE.refusal(ip_address("::ffff:10.2.0.1"))


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200"])
def test_no_disguise_helps_the_metadata_service(address: str) -> None:
    for disguise in disguises(IPv4Address(address)):
        assert ANYWHERE.refusal(disguise), disguise


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_disguise_makes_a_private_address_public(address: IPv4Address) -> None:
    for disguise in disguises(address):
        assert PUBLIC_ONLY.refusal(disguise), disguise


@given(st.ip_addresses())
def test_what_public_only_lets_through_is_let_through_without_it(
    address: IPv4Address | IPv6Address,
) -> None:
    if PUBLIC_ONLY.refusal(address) is None:
        assert ANYWHERE.refusal(address) is None
        assert WITH_OFFICE.refusal(address) is None
        assert not address.is_private or "64:ff9b" in str(address)
