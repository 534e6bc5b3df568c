"""Managed OpenVPN tunnels against a real server in a namespace: what it may set, and what is said when it does not let
us in.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from connectors.base import Phase
from connectors.errors import LoginRefused, Unreachable, WrongRoute
from connectors.vpn.tunnels import Tunnel
from tests.engines import openvpn
from tests.engines.netns import ran
from tests.engines.openvpn import PORT, Authority, OpenVpnServer
from tests.engines.process import CannotStart, wait_for
from tests.unit.connectors.vpn.left import argv_of, children_of, files_of, is_running, keepers_of
from tests.unit.connectors.vpn.said import DIAL_S, SOON_S, MakeTunnel, said

PUSHED = ["redirect-gateway def1", "dhcp-option DNS 192.0.2.53", "route 10.222.0.0 255.255.0.0"]
PUSHED += ["route 192.0.2.0 255.255.255.0 net_gateway", "setenv-safe X y"]

pytestmark = pytest.mark.flaky(reruns=1)
"""Real programs: a busy machine may make one miss its deadline, as in the folders that tests/conftest.py names."""


@contextmanager
def started(**how: object) -> Iterator[OpenVpnServer]:
    try:
        server = openvpn.start(**how)  # type: ignore[arg-type]  # a test's own words
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def server() -> Iterator[OpenVpnServer]:
    """Give a server that runs and pushes more than it may; tests that break one start their own."""
    with started(pushed=PUSHED) as running:
        yield running


@pytest.fixture
def opened(tunnel: MakeTunnel) -> MakeTunnel:
    def make(config: str, **more: object) -> Tunnel:
        return tunnel(config, kind="openvpn", **more)

    return make


def inside(home: Path, *argv: str) -> str:
    """Run a program where the tunnel is."""
    (keeper,) = keepers_of(home)
    return ran("nsenter", f"--net=/proc/{keeper}/ns/net", *argv)


@pytest.mark.parametrize("proto", ["udp", "tcp"])
def test_a_connection_is_carried_through_the_tunnel(opened: MakeTunnel, proto: str, untouched: None) -> None:
    with started(proto=proto) as own:
        port = own.host.echo(own.address)
        made = opened(own.profile())
        with closing(made.dial(own.address, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"
            told = made.standing()
            assert told.phase is Phase.UP
            assert dict(told.facts)["endpoint"] == f"{own.host.address}:{PORT}"


def test_a_server_sets_addresses_and_nothing_else(server: OpenVpnServer, opened: MakeTunnel, home: Path) -> None:
    port = server.host.echo(server.address)
    resolver = Path("/etc/resolv.conf").read_text()
    with closing(opened(server.profile()).dial(server.address, port, timeout_s=DIAL_S)):
        routes = [line.split()[0] for line in inside(home, "ip", "route").splitlines()]
        assert sorted(routes) == sorted([server.network, "10.222.0.0/16", "192.0.2.0/24"])
        assert Path("/etc/resolv.conf").read_text() == resolver


def test_only_what_the_admin_wrote_is_reached(server: OpenVpnServer, opened: MakeTunnel) -> None:
    port = server.host.echo(server.address)
    made = opened(server.profile(), allowed_networks=(f"{server.address}/32",))
    made.dial(server.address, port, timeout_s=DIAL_S).close()
    with pytest.raises(WrongRoute):
        made.dial("10.222.0.1", port, timeout_s=DIAL_S)


@pytest.mark.parametrize("host", ["198.51.100.7", "127.0.0.1"])
def test_what_lies_outside_is_never_reached(server: OpenVpnServer, opened: MakeTunnel, host: str) -> None:
    with pytest.raises(WrongRoute):
        opened(server.profile()).dial(host, 80, timeout_s=DIAL_S)


def test_no_secret_is_seen_by_others(server: OpenVpnServer, opened: MakeTunnel, home: Path) -> None:
    port = server.host.echo(server.address)
    with closing(opened(server.profile()).dial(server.address, port, timeout_s=DIAL_S)):
        (keeper,) = keepers_of(home)
        secret = server.client.key.splitlines()[1]
        for pid in (keeper, *children_of(keeper)):
            assert secret not in " ".join(argv_of(pid))
            assert Path(f"/proc/{pid}/environ").read_bytes() == b""


def test_a_killed_keeper_takes_openvpn_with_it(server: OpenVpnServer, opened: MakeTunnel, home: Path) -> None:
    port = server.host.echo(server.address)
    opened(server.profile()).dial(server.address, port, timeout_s=DIAL_S).close()
    (keeper,) = keepers_of(home)
    children = children_of(keeper)
    assert len(children) == 2
    os.kill(keeper, signal.SIGKILL)
    wait_for(lambda: not any(map(is_running, children)), "its children ended", within_s=SOON_S)


@pytest.mark.exhaustive
def test_the_tunnel_goes_after_idle(server: OpenVpnServer, opened: MakeTunnel, home: Path) -> None:
    port = server.host.echo(server.address)
    made = opened(server.profile())
    made.dial(server.address, port, timeout_s=DIAL_S).close()
    held = [*keepers_of(home), *children_of(keepers_of(home)[0])]
    wait_for(lambda: not any(map(is_running, held)), "everything of the tunnel ended", within_s=SOON_S)
    assert made.standing().phase is Phase.IDLE
    assert not files_of(home)


def test_a_login_is_asked_for_and_told_over_memory(opened: MakeTunnel) -> None:
    with started(login=("ops", 'pa"ss\\word')) as own:
        port = own.host.echo(own.address)
        with closing(
            opened(own.profile(), login='ops\npa"ss\\word\n').dial(own.address, port, timeout_s=DIAL_S)
        ) as far:
            assert said(far) == b"hello"
        wrong = opened(own.profile(), login="ops\nwrong\n")
        with pytest.raises(LoginRefused, match="refuses the name and password"):
            wrong.dial(own.address, port, timeout_s=DIAL_S)
        assert wrong.standing().phase is Phase.DOWN
        with pytest.raises(LoginRefused, match="none are registered"):
            opened(own.profile()).dial(own.address, port, timeout_s=DIAL_S)


def test_a_rotated_authority_is_named_and_a_new_profile_carries(opened: MakeTunnel) -> None:
    with started() as own:
        port = own.host.echo(own.address)
        old = own.profile()
        own.rotate()
        with pytest.raises(Unreachable, match="its certificate is not accepted"):
            opened(old).dial(own.address, port, timeout_s=DIAL_S)
        own.client = own.authority.signed("client", ExtendedKeyUsageOID.CLIENT_AUTH)
        with closing(opened(own.profile()).dial(own.address, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"


@pytest.mark.exhaustive
def test_a_certificate_that_the_server_refuses_is_named(server: OpenVpnServer, opened: MakeTunnel) -> None:
    kept, server.client = server.client, Authority().signed("stranger", ExtendedKeyUsageOID.CLIENT_AUTH)
    try:
        with pytest.raises(LoginRefused, match="may refuse the certificate of the profile"):
            opened(server.profile()).dial(server.address, 80, timeout_s=4)
    finally:
        server.client = kept


@pytest.mark.parametrize("proto", ["udp", pytest.param("tcp", marks=pytest.mark.exhaustive)])
def test_a_server_that_is_gone_is_named(opened: MakeTunnel, proto: str) -> None:
    with started(proto=proto) as own:
        own.kill()
        made = opened(own.profile())
        with pytest.raises(Unreachable) as gone:
            made.dial(own.address, 80, timeout_s=2)
        assert gone.value.sentence.startswith(f"The OpenVPN server {own.host.address}:{PORT} has not answered")
        assert "nobody listens there" in gone.value.sentence


@pytest.mark.exhaustive
def test_a_server_that_was_started_again_is_joined_again(opened: MakeTunnel, home: Path) -> None:
    with started() as own:
        port = own.host.echo(own.address)
        made = opened(own.profile())
        made.dial(own.address, port, timeout_s=DIAL_S).close()
        (keeper,) = keepers_of(home)
        with closing(made.dial(own.address, port, timeout_s=DIAL_S)):
            own.kill()
            wait_for(lambda: made.standing().phase is not Phase.UP, "its loss is noticed", within_s=20)
            own.start()
            wait_for(lambda: made.standing().phase is Phase.UP, "it is up again", within_s=60)
            with closing(made.dial(own.address, port, timeout_s=DIAL_S)) as far:
                assert said(far) == b"hello"
        assert keepers_of(home) == [keeper]


@pytest.mark.exhaustive
def test_what_is_carried_ends_when_the_tunnel_stays_away(opened: MakeTunnel) -> None:
    with started() as own:
        port = own.host.echo(own.address)
        with closing(opened(own.profile()).dial(own.address, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"
            own.kill()
            far.settimeout(60)
            with pytest.raises(OSError) as lost:  # noqa: PT011  (the number is looked at)
                far.recv(1)
            assert lost.value.errno in {errno.ETIMEDOUT, errno.EHOSTUNREACH}
