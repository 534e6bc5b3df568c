"""Which addresses are reached, in every form in which an address can be written into another one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.egress import refusal

NEVER = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::",
    "::1",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "::ffff:0:a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
]
PRIVATE = [
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("fd12:3456::1", "fec0::1", "::ffff:10.1.2.3", "64:ff9b::a01:203"),
    *("64:ff9b:1:7f00:0:100:808:808", "64:ff9b:1::101:101"),
]
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"]
EVERYTHING = tuple(ip_network(text) for text in ("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_reached_whatever_is_allowed(text: str) -> None:
    assert refusal(ip_address(text))
    assert refusal(ip_address(text), EVERYTHING)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_networks_are_reached_where_they_are_allowed(text: str) -> None:
    assert "private network" in refusal(ip_address(text))
    assert refusal(ip_address(text), EVERYTHING) == ""
    assert refusal(ip_address(text), (ip_network("10.99.0.0/16"), ip_network("fd99::/16")))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_reached(text: str) -> None:
    assert refusal(ip_address(text)) == ""


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_not_reached_by_writing_it_into_an_ipv6_address(number: int) -> None:
    plain = IPv4Address(number)
    if not refusal(plain):
        return
    for written in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80, number):
        assert refusal(IPv6Address(written)), IPv6Address(written)


@given(st.ip_addresses())
def test_who_allows_more_is_refused_no_more(address: IPv4Address | IPv6Address) -> None:
    assert not (refusal(address, EVERYTHING) and not refusal(address))
