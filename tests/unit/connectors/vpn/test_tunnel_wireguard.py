"""Managed WireGuard tunnels against a real peer in a namespace: what they carry, refuse and say."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from connectors import Connectors
from connectors.base import Phase
from connectors.errors import ConnectionProblem, NotAvailable, Unreachable, WrongRoute
from connectors.options import VpnOptions
from tests.engines import wireguard
from tests.engines.netns import machine_network
from tests.engines.process import wait_for
from tests.engines.wireguard import PORT, WireGuardServer
from tests.unit.connectors.vpn.dialler import dialling
from tests.unit.connectors.vpn.left import keepers_of
from tests.unit.connectors.vpn.said import DIAL_S, SOON_S, MakeTunnel, options_of, said

pytestmark = [pytest.mark.usefixtures("untouched_by_module"), pytest.mark.flaky(reruns=1)]
"""Real programs: a busy machine may make one miss its deadline, as in the folders that tests/conftest.py names."""


def test_a_connection_is_carried_through_the_tunnel(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    port = peer.host.echo(peer.address)
    with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)) as far:
        assert said(far) == b"hello"
        assert far.getpeername() == (peer.address, port)
        assert far.getsockname()[0] == peer.client_address


def test_nothing_is_opened_until_it_is_used(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    made = tunnel(peer.profile())
    assert made.standing().phase is Phase.IDLE
    assert not keepers_of(home)


def test_the_machine_gets_no_interface_route_or_rule(
    peer: WireGuardServer, tunnel: MakeTunnel, untouched: None
) -> None:
    port = peer.host.echo(peer.address)
    before = machine_network()
    with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)):
        assert machine_network() == before


def test_standing_says_what_is_up(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    port = peer.host.echo(peer.address)
    made = tunnel(peer.profile())
    with closing(made.dial(peer.address, port, timeout_s=DIAL_S)):
        wait_for(lambda: made.standing().phase is Phase.UP, "the handshake is seen", within_s=SOON_S)
        told = made.standing()
        facts = dict(told.facts)
        assert told.sentence == "The tunnel hq is up."
        assert facts["endpoint"] == f"{peer.host.address}:{PORT}"
        assert facts["routes"] == peer.network
        assert facts["connections"] == "1"
        assert "ago" in facts["last handshake"]


@pytest.mark.parametrize("host", ["192.0.2.7", "127.0.0.1", "169.254.1.1", "::1"])
def test_what_lies_outside_is_never_reached(peer: WireGuardServer, tunnel: MakeTunnel, host: str) -> None:
    with pytest.raises(WrongRoute) as refused:
        tunnel(peer.profile()).dial(host, 80, timeout_s=DIAL_S)
    assert "tunnel hq" in refused.value.sentence


def test_loopback_is_not_reached_even_where_everything_is_allowed(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    made = tunnel(peer.profile(allowed="0.0.0.0/0"), allowed_networks=("0.0.0.0/0",))
    with pytest.raises(WrongRoute):
        made.dial("127.0.0.1", 80, timeout_s=DIAL_S)


def test_the_admin_narrows_what_the_profile_offers(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    made = tunnel(peer.profile(), allowed_networks=("10.255.255.0/24",))
    with pytest.raises(WrongRoute):
        made.dial(peer.address, 80, timeout_s=DIAL_S)
    with pytest.raises(WrongRoute, match="No peer"):
        made.dial("10.255.255.1", 80, timeout_s=DIAL_S)


@pytest.mark.parametrize("offered", ["0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/1"])
def test_a_default_route_is_taken_from_no_profile(peer: WireGuardServer, tunnel: MakeTunnel, offered: str) -> None:
    with pytest.raises(NotAvailable, match="everything"):
        tunnel(peer.profile(allowed=offered)).dial(peer.address, 80, timeout_s=DIAL_S)


def test_a_default_route_is_taken_from_the_admin(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    port = peer.host.echo(peer.address)
    made = tunnel(peer.profile(allowed="0.0.0.0/0"), allowed_networks=("0.0.0.0/0",))
    with closing(made.dial(peer.address, port, timeout_s=DIAL_S)) as far:
        assert said(far) == b"hello"


def test_a_name_that_leads_outside_is_refused(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    with pytest.raises(WrongRoute):
        tunnel(peer.profile()).dial("localhost", 80, timeout_s=DIAL_S)


def test_names_are_asked_inside_where_the_profile_has_dns(own_peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    answering = own_peer.host.names(own_peer.address, {"api.inside.test.": own_peer.address, "out.test.": "192.0.2.1"})
    port = own_peer.host.echo(own_peer.address)
    made = tunnel(own_peer.profile(more=f"DNS = {own_peer.address}\n"))
    with closing(made.dial("api.inside.test", port, timeout_s=DIAL_S)) as far:
        assert said(far) == b"hello"
    with pytest.raises(WrongRoute):
        made.dial("out.test", port, timeout_s=DIAL_S)
    with pytest.raises(Unreachable, match="knows no address"):
        made.dial("absent.test", port, timeout_s=DIAL_S)
    assert answering()


def test_a_refused_connection_is_told_from_a_lost_tunnel(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    with pytest.raises(Unreachable, match="connection refused at the far end"):
        tunnel(peer.profile()).dial(peer.address, 9, timeout_s=DIAL_S)


def test_overlapping_networks_lead_each_to_its_own(tunnel: MakeTunnel) -> None:
    first, second = wireguard.start("10.99.7"), wireguard.start("10.99.7")
    try:
        port = first.host.echo(first.address)
        assert second.host.echo(second.address, port) == port
        one, two = tunnel(first.profile(), name="one"), tunnel(second.profile(), name="two")
        with (
            closing(one.dial("10.99.7.1", port, timeout_s=DIAL_S)),
            closing(two.dial("10.99.7.1", port, timeout_s=DIAL_S)),
        ):
            assert dict(one.standing().facts)["endpoint"] == f"{first.host.address}:{PORT}"
            assert dict(two.standing().facts)["endpoint"] == f"{second.host.address}:{PORT}"
            assert "1" == dict(one.standing().facts)["connections"] == dict(two.standing().facts)["connections"]
    finally:
        first.close()
        second.close()


def test_a_taken_interface_name_is_no_matter(peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    port = peer.host.echo(peer.address)
    subprocess.run(["ip", "link", "add", "vpn0", "type", "bridge"], check=True)
    try:
        with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"
    finally:
        subprocess.run(["ip", "link", "delete", "vpn0"], check=True)


def test_a_peer_that_is_gone_is_named(own_peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    own_peer.kill()
    made = tunnel(own_peer.profile())
    with pytest.raises(Unreachable) as gone:
        made.dial(own_peer.address, 80, timeout_s=2)
    assert gone.value.sentence.startswith(f"The WireGuard peer {own_peer.host.address}:{PORT} has not answered")
    assert "nobody listens there" in gone.value.sentence
    wait_for(lambda: made.standing().phase is Phase.DOWN, "it is shown as down", within_s=SOON_S)


def test_a_rotated_key_is_among_the_causes_and_a_new_profile_carries(
    own_peer: WireGuardServer, tunnel: MakeTunnel
) -> None:
    port = own_peer.host.echo(own_peer.address)
    old = own_peer.profile()
    own_peer.rotate()
    with pytest.raises(Unreachable, match="a key was changed"):
        tunnel(old).dial(own_peer.address, port, timeout_s=2)
    with closing(tunnel(own_peer.profile()).dial(own_peer.address, port, timeout_s=DIAL_S)) as far:
        assert said(far) == b"hello"


@pytest.mark.exhaustive
def test_a_peer_that_comes_back_carries_the_same_connection_on(own_peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    port = own_peer.host.echo(own_peer.address)
    made = tunnel(own_peer.profile())
    made.dial(own_peer.address, port, timeout_s=DIAL_S).close()
    own_peer.kill()
    with pytest.raises(Unreachable):
        made.dial(own_peer.address, port, timeout_s=1)
    own_peer.start()

    def carries() -> bool:
        try:
            made.dial(own_peer.address, port, timeout_s=2).close()
        except ConnectionProblem:
            return False
        return True

    wait_for(carries, "the tunnel carries again", within_s=12)


def test_a_target_that_drops_packets_is_told_from_a_lost_peer(own_peer: WireGuardServer, tunnel: MakeTunnel) -> None:
    own_peer.host.silent(own_peer.address.rpartition(".")[0] + ".77")
    made = tunnel(own_peer.profile())
    with pytest.raises(Unreachable, match="did not answer within 5 s, and the tunnel hq carries"):
        made.dial(own_peer.address.rpartition(".")[0] + ".77", 80, timeout_s=5)
    assert made.standing().phase is Phase.UP


def test_an_endpoint_that_moves_is_found_under_its_name(own_peer: WireGuardServer, home: Path) -> None:
    port = own_peer.host.echo(own_peer.address)
    hosts = home.parent / f"{home.name}-hosts"
    hosts.write_text(f"{own_peer.host.address} vpn.test\n")
    own_hosts = ["unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]
    try:
        with dialling(home, options_of(own_peer, endpoint="vpn.test"), before=own_hosts) as server:
            assert server.dial(own_peer.address, port) == "ok"
            hosts.write_text(f"{own_peer.host.move()} vpn.test\n")
            wait_for(lambda: server.dial(own_peer.address, port, timeout_s=2) == "ok", "it is found", within_s=30)
    finally:
        hosts.unlink()


def test_a_short_dial_keeps_its_deadline_and_claims_no_more_than_it_knows(
    own_peer: WireGuardServer, tunnel: MakeTunnel
) -> None:
    port = own_peer.host.echo(own_peer.address)
    made = tunnel(own_peer.profile())
    made.dial(own_peer.address, port, timeout_s=DIAL_S).close()
    own_peer.kill()
    began = time.monotonic()
    with pytest.raises(Unreachable, match="nothing came back through the tunnel hq"):
        made.dial(own_peer.address, port, timeout_s=1)
    assert time.monotonic() - began < 2
    wait_for(lambda: made.standing().phase is Phase.DOWN, "the peer is known to be gone", within_s=SOON_S)


def test_addresses_of_ipv6_are_carried(tunnel: MakeTunnel) -> None:
    with closing(wireguard.start(six=True)) as server:
        port = server.host.echo(server.address6)
        with closing(tunnel(server.profile()).dial(server.address6, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"


def test_a_connection_gives_local_ends_and_probes_through_the_tunnel(peer: WireGuardServer, home: Path) -> None:
    port = peer.host.echo(peer.address)
    connectors = Connectors(home)
    options = VpnOptions(name="hq", kind="wireguard", config=peer.profile())
    with closing(connectors.open(options)) as way, closing(connectors.open(options)) as other:
        assert way.standing().phase is Phase.IDLE
        assert not keepers_of(home)
        end = way.reach(f"https://{peer.address}:{port}")
        assert end.address.startswith("https://127.0.0.1:")
        host, _, local = end.address.removeprefix("https://").partition(":")
        with socket.create_connection((host, int(local)), timeout=DIAL_S) as near:
            assert said(near) == b"hello"
        assert other.probe(f"tcp://{peer.address}:{port}", timeout_s=DIAL_S).ok
        assert other.probe("tcp://192.0.2.1:80", timeout_s=DIAL_S).problem.__class__ is WrongRoute
        assert len(keepers_of(home)) == 1
    connectors.close()
