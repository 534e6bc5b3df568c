"""What may be sent into a tunnel, as tables."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import NotAvailable, Unreachable, WrongRoute
from connectors.vpn.allowed import Allowed, allowed, networks_of
from connectors.vpn.names import first


@pytest.mark.parametrize(
    ("written", "offered", "networks"),
    [
        ((), ["10.0.0.0/24"], ["10.0.0.0/24"]),
        ((), ["10.0.0.0/25", "10.0.0.128/25"], ["10.0.0.0/24"]),
        ((), ["10.0.0.0/24", "0.0.0.0/0"], None),
        ((), ["10.0.0.5/24", "fd00::/64"], ["10.0.0.0/24", "fd00::/64"]),
        ((), ["0.0.0.0/0", "fd00::/64"], ["fd00::/64"]),
        ((), ["0.0.0.0/1", "128.0.0.0/1"], None),
        ((), ["::/1", "8000::/1", "10.0.0.0/8"], ["10.0.0.0/8"]),
        ((), [], None),
        (("10.1.0.0/16",), ["10.0.0.0/8"], ["10.1.0.0/16"]),
        (("0.0.0.0/0",), ["10.0.0.0/8"], ["0.0.0.0/0"]),
    ],
)
def test_networks(written: tuple[str, ...], offered: list[str], networks: list[str] | None) -> None:
    if networks is None:
        with pytest.raises(NotAvailable) as refused:
            allowed("hq", written=written, offered=offered)
        assert "allowedNetworks" in refused.value.hint
        return
    assert [str(each) for each in allowed("hq", written=written, offered=offered).networks] == networks


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "169.254.0.1", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"]
)
def test_the_machine_itself_is_never_behind_a_tunnel(host: str) -> None:
    everything = Allowed("hq", networks_of(["0.0.0.0/0", "::/0"]))
    with pytest.raises(WrongRoute):
        everything.judge(host)


@given(st.ip_addresses(), st.lists(st.ip_addresses(v=4), max_size=3))
def test_an_address_is_admitted_only_inside(address: ipaddress.IPv4Address, ends: list[ipaddress.IPv4Address]) -> None:
    may = Allowed("hq", networks_of(f"{end}/20" for end in ends))
    inside = any(address in network for network in may.networks)
    try:
        assert may.judge(str(address)) == address
        assert inside
    except WrongRoute:
        own = address.is_loopback or address.is_multicast or address.is_link_local or address.is_unspecified
        assert not inside or own


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        Allowed("hq", ()).judge("api.example.org")


def test_the_first_address_inside_is_dialled() -> None:
    may = Allowed("hq", networks_of(["10.0.0.0/8"]))
    assert str(first(["192.0.2.1", "10.0.0.9"], may)) == "10.0.0.9"
    with pytest.raises(WrongRoute, match=r"192\.0\.2\.1"):
        first(["192.0.2.1", "192.0.2.2"], may)


def test_many_networks_are_shortened_in_a_sentence() -> None:
    shown = Allowed("hq", networks_of(f"10.{number}.0.0/24" for number in range(20))).shown()
    assert shown.endswith("and 14 more")
    assert Allowed("hq", ()).shown() == "none"


def test_no_problem_is_lost_between_server_and_keeper() -> None:
    from connectors.vpn import letters

    told = letters.problem_of(letters.problem(WrongRoute("It leads elsewhere.", hint="Look.")))
    assert (type(told), told.sentence, told.hint) == (WrongRoute, "It leads elsewhere.", "Look.")
    assert type(letters.problem_of({"problem": "Exception", "sentence": "It is odd.", "hint": ""})) is Unreachable
