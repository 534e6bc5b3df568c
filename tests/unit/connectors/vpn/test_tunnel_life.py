"""How a tunnel begins and ends, who holds it with which rights, and what is left of it after every kind of end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from connectors.base import Phase
from connectors.options import VpnOptions
from connectors.vpn.tunnels import Tunnel
from tests.engines.process import wait_for
from tests.engines.wireguard import WireGuardServer
from tests.unit.connectors.vpn.dialler import dialling
from tests.unit.connectors.vpn.left import argv_of, children_of, files_of, is_running, keepers_of
from tests.unit.connectors.vpn.said import DIAL_S, SOON_S, MakeTunnel, keeper, options_of, said

NOBODY = 65_534

pytestmark = [pytest.mark.usefixtures("untouched_by_module"), pytest.mark.flaky(reruns=1)]
"""Real programs: a busy machine may make one miss its deadline, as in the folders that tests/conftest.py names."""


def test_processes_share_one_tunnel(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    port = peer.host.echo(peer.address)
    opened: list[socket.socket] = []
    threads = [
        threading.Thread(
            target=lambda: opened.append(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said(far) for far in opened] == [b"hello"] * 8
    assert len(keepers_of(home)) == 1
    for far in opened:
        far.close()


def test_the_tunnel_goes_after_idle_and_comes_back(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    port = peer.host.echo(peer.address)
    made = tunnel(peer.profile())
    for _ in range(2):
        made.dial(peer.address, port, timeout_s=DIAL_S).close()
        held = [keeper(home), *children_of(keeper(home))]
        assert len(held) == 3
        wait_for(lambda: not any(is_running(pid) for pid in held), "the tunnel is gone", within_s=SOON_S)  # noqa: B023
        assert made.standing().phase is Phase.IDLE
        assert not files_of(home)


@pytest.mark.exhaustive
def test_an_open_connection_keeps_the_tunnel(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    port = peer.host.echo(peer.address)
    with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)) as far:
        time.sleep(4)  # more than twice the idle time of these tests
        assert said(far) == b"hello"


def test_no_secret_is_seen_by_others(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    port = peer.host.echo(peer.address)
    with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)):
        for pid in (keeper(home), *children_of(keeper(home))):
            assert peer.client.private not in " ".join(argv_of(pid))
            assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert all(path.stat().st_mode & 0o077 == 0 for path in home.rglob("*") if path.name != "lock")
        assert not [path for path in home.rglob("*") if path.is_file() and path.stat().st_size]
        assert str(home) not in Path("/proc/net/unix").read_text()


def test_a_killed_server_leaves_nothing(peer: WireGuardServer, home: Path, untouched: None) -> None:
    port = peer.host.echo(peer.address)
    with dialling(home, options_of(peer)) as server:
        assert server.dial(peer.address, port) == "ok"
        held = [keeper(home), *children_of(keeper(home))]
        server.process.kill()
    wait_for(lambda: not any(is_running(pid) for pid in held), "everything of the tunnel ended", within_s=SOON_S)
    assert not files_of(home)


def test_a_killed_keeper_takes_everything_with_it_and_is_replaced(
    peer: WireGuardServer, tunnel: MakeTunnel, home: Path
) -> None:
    port = peer.host.echo(peer.address)
    made = tunnel(peer.profile())
    far = made.dial(peer.address, port, timeout_s=DIAL_S)
    held = keeper(home)
    children = children_of(held)
    assert len(children) == 2
    os.kill(held, signal.SIGKILL)
    wait_for(lambda: not any(is_running(pid) for pid in children), "its children ended", within_s=SOON_S)
    far.close()
    with closing(made.dial(peer.address, port, timeout_s=DIAL_S)) as again:
        assert said(again) == b"hello"
    assert keeper(home) != held


@pytest.mark.parametrize("child", [0, pytest.param(1, marks=pytest.mark.exhaustive)], ids=["outside", "wireguard-go"])
def test_a_killed_child_ends_the_tunnel_and_the_next_use_opens_it(
    peer: WireGuardServer, tunnel: MakeTunnel, home: Path, child: int
) -> None:
    port = peer.host.echo(peer.address)
    made = tunnel(peer.profile())
    made.dial(peer.address, port, timeout_s=DIAL_S).close()
    held = keeper(home)
    os.kill(children_of(held)[child], signal.SIGKILL)
    wait_for(lambda: not is_running(held), "the keeper ended", within_s=SOON_S + 10)
    with closing(made.dial(peer.address, port, timeout_s=DIAL_S)) as again:
        assert said(again) == b"hello"


def test_a_server_of_greenlets_uses_the_same_tunnel(peer: WireGuardServer, tunnel: MakeTunnel, home: Path) -> None:
    port = peer.host.echo(peer.address)
    with dialling(home, options_of(peer), gevent=True) as server:
        assert server.dial(peer.address, port) == "ok"
        with closing(tunnel(peer.profile()).dial(peer.address, port, timeout_s=DIAL_S)) as far:
            assert said(far) == b"hello"
            assert len(keepers_of(home)) == 1
        assert server.dial("192.0.2.1", port).startswith("WrongRoute")


def test_without_the_rights_it_says_which_are_missing(peer: WireGuardServer, home: Path, untouched: None) -> None:
    closed = "echo 0 > /proc/sys/user/max_user_namespaces"
    nothing = [
        *("unshare", "--user", "--map-root-user", "sh", "-c", f'{closed} && exec "$@"', "sh"),
        *("setpriv", "--inh-caps=-all", "--bounding-set=-all"),
    ]
    with dialling(home, options_of(peer), before=nothing) as server:
        answer = server.dial(peer.address, 80)
    assert answer.startswith(
        "NotAvailable A VPN tunnel cannot be made here: the server lacks CAP_NET_ADMIN and CAP_SYS"
    )
    assert "AmbientCapabilities" in answer
    assert not keepers_of(home)
    assert not files_of(home)


def test_an_ordinary_user_needs_no_rights_where_user_namespaces_are(peer: WireGuardServer, home: Path) -> None:
    port = peer.host.echo(peer.address)
    os.chown(home, NOBODY, NOBODY)
    node = f"mknod -m 666 {home}/tun c 10 200 && mount --bind {home}/tun /dev/net/tun && rm {home}/tun"
    reads_files = "+dac_override,+dac_read_search"  # this Python may stand in root's home
    ordinary = [
        *("unshare", "--mount", "sh", "-c", f'{node}; exec "$@"', "sh", "setpriv", "--reuid", str(NOBODY)),
        *("--regid", str(NOBODY), "--clear-groups", f"--inh-caps=-all,{reads_files}", f"--ambient-caps={reads_files}"),
    ]
    with dialling(home, options_of(peer), before=ordinary) as server:
        assert server.dial(peer.address, port) == "ok"
        assert Path(f"/proc/{keeper(home)}").stat().st_uid == NOBODY


def test_a_deep_folder_is_no_matter(peer: WireGuardServer, home: Path) -> None:
    port = peer.host.echo(peer.address)
    deep = home / ("d" * 60) / ("e" * 60)
    with dialling(deep, options_of(peer)) as server:
        assert server.dial(peer.address, port) == "ok"


def test_a_tunnel_ends_with_the_folder_that_it_was_made_for(peer: WireGuardServer, home: Path) -> None:
    port = peer.host.echo(peer.address)
    options = VpnOptions(name="hq", kind="wireguard", config=peer.profile())
    Tunnel(home / "data", options, idle_s=300).dial(peer.address, port, timeout_s=DIAL_S).close()
    held = [keeper(home), *children_of(keeper(home))]
    shutil.rmtree(home / "data")
    wait_for(lambda: not any(map(is_running, held)), "everything of the tunnel ended", within_s=SOON_S)
