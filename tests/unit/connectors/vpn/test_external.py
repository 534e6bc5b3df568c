"""Somebody else's tunnel: used when it is the way, and never left, whatever happens to the routes meanwhile.

Every case runs in a network of its own: `tun0` is one end of a veth pair whose other end, in a second namespace, has
the target; `lan0` is another way out, with a target of the same address that must never hear anything.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors import Connectors
from connectors.base import Phase
from connectors.errors import ConnectionProblem, NotAvailable, Unreachable, WrongRoute
from connectors.options import VpnOptions
from connectors.vpn.external import External
from tests.unit.connectors.vpn.apart import apart, ip, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TARGET = "10.77.1.1"
PORT = 8080
ADDRESS = f"http://{TARGET}:{PORT}"
SERVE = """
import http.server, socketserver, sys, threading
class Here(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        print(self.path, flush=True)
        body = sys.argv[1].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
socketserver.ThreadingTCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer(("0.0.0.0", 8080), Here)
print("ready", flush=True)
server.serve_forever()
"""


class Far:
    """A host behind an interface, in a network of its own that is gone with its process."""

    def __init__(self, near: str, ours: str, theirs: str, *, name: str) -> None:
        self.near = near
        self._server = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-c", _waiting(name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "apart"
        ip(f"link add {near} type veth peer name far netns {self._server.pid}")
        ip(f"addr add {ours}/30 dev {near}")
        ip(f"link set {near} up")
        self.ip("link set lo up")
        self.ip(f"addr add {theirs}/30 dev far")
        self.ip("link set far up")
        self.ip(f"addr add {TARGET}/32 dev lo")
        self.ip(f"route add default via {ours}")
        assert self._server.stdin
        self._server.stdin.write("go\n")
        self._server.stdin.flush()
        assert self._line() == "ready"

    def ip(self, line: str) -> None:
        command = ["nsenter", f"--net=/proc/{self._server.pid}/ns/net", "ip", *line.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert not done.returncode, f"{line}: {done.stderr}"

    def packets(self) -> int:
        """Count the IPv4 packets that have come in; neighbours of IPv6 talk unasked."""
        command = ["nsenter", f"--net=/proc/{self._server.pid}/ns/net", "grep", "^Ip:", "/proc/self/net/snmp"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        names, values = (line.split() for line in done.stdout.splitlines())
        return int(values[names.index("InReceives")])

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()

    def _line(self) -> str:
        assert self._server.stdout
        return self._server.stdout.readline().strip()


def _waiting(name: str) -> str:
    return f"import sys; print('apart', flush=True); sys.stdin.readline(); sys.argv = ['x', {name!r}]\n{SERVE}"


@contextlib.contextmanager
def _opened(folder: Path, **options: object) -> Iterator[External]:
    made = {"name": "hq", "kind": "wireguard", "mode": "external", "interface": "tun0", **options}
    connection = External(VpnOptions(**made), folder)  # type: ignore[arg-type]
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def network() -> Iterator[tuple[Far, Far]]:
    """Give the host behind the tunnel, which is routed to, and the one behind the other way out."""
    before = _left()
    with apart(), contextlib.ExitStack() as all_of_it:
        tunnel = Far("tun0", "10.77.0.1", "10.77.0.2", name="tunnel")
        all_of_it.callback(tunnel.close)
        lan = Far("lan0", "10.78.0.1", "10.78.0.2", name="lan")
        all_of_it.callback(lan.close)
        ip(f"route add {TARGET}/32 via 10.77.0.2 dev tun0")
        yield tunnel, lan
    assert _left() == before


def _left() -> tuple[set[str], set[int]]:
    names = {name for _, name in socket.if_nameindex() if name.startswith(("tun0", "lan0"))}
    return names, {thread.ident or 0 for thread in threading.enumerate() if thread.name.startswith("vpn hq")}


def _get(address: str, path: str = "/", timeout_s: float = 5) -> str:
    parts = urlsplit(address)
    http_line = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=timeout_s)
    try:
        http_line.request("GET", path)
        return http_line.getresponse().read().decode()
    finally:
        http_line.close()


def _within(seconds: float, met: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.usefixtures("network")
def test_a_target_behind_the_tunnel_is_reached(tmp_path: Path) -> None:
    with _opened(tmp_path, allowed_networks=("10.77.1.0/24",)) as way:
        assert _get(way.reach(ADDRESS).address) == "tunnel"
        assert way.reach(ADDRESS) == way.reach(ADDRESS)
        probe = way.probe(ADDRESS, timeout_s=5)
        assert probe.ok
        assert "through tun0" in probe.sentence
        standing = way.standing()
        assert standing.phase is Phase.UP
        assert ("Networks", "10.77.1.0/24") in standing.facts


def test_a_connector_opens_it(tmp_path: Path) -> None:
    options = VpnOptions(name="hq", kind="openvpn", mode="external", interface="tun9")
    connection = Connectors(tmp_path).open(options)
    assert connection.kind == "vpn"
    assert connection.standing().phase is Phase.DOWN
    connection.close()
    connection.close()


@pytest.mark.usefixtures("network")
def test_a_more_specific_route_to_another_interface_is_refused_and_named(tmp_path: Path) -> None:
    ip("route del 10.77.1.1/32 via 10.77.0.2 dev tun0")
    ip("route add 10.77.1.0/24 via 10.77.0.2 dev tun0")
    with _opened(tmp_path) as way:
        assert _get(way.reach(ADDRESS).address) == "tunnel"
        ip(f"route add {TARGET}/32 via 10.78.0.2 dev lan0")
        with pytest.raises(WrongRoute) as caught:
            way.reach(ADDRESS)
        assert "lan0" in caught.value.sentence
        assert "tun0" in caught.value.sentence
        probe = way.probe(ADDRESS, timeout_s=5)
        assert not probe.ok
        assert isinstance(probe.problem, WrongRoute)


def test_a_local_end_that_is_open_refuses_too_and_says_why(network: tuple[Far, Far], tmp_path: Path) -> None:
    _, lan = network
    with _opened(tmp_path) as way:
        end = way.reach(ADDRESS).address
        assert _get(end) == "tunnel"
        ip(f"route replace {TARGET}/32 via 10.78.0.2 dev lan0")
        heard = lan.packets()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            _get(end)
        assert "lan0" in way.standing().sentence
        assert lan.packets() == heard


@pytest.mark.parametrize("change", ["route del {0}/32", "route replace {0}/32 via 10.78.0.2 dev lan0"])
def test_a_route_that_changes_while_connected_leads_no_packet_out_by_another_way(
    network: tuple[Far, Far], tmp_path: Path, change: str
) -> None:
    _, lan = network
    ip("route add default via 10.78.0.2 dev lan0")  # where an unbound socket would go
    with _opened(tmp_path) as way:
        parts = urlsplit(way.reach(ADDRESS).address)
        http_line = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=3)
        http_line.request("GET", "/before")
        assert http_line.getresponse().read() == b"tunnel"
        ip(change.format(TARGET))
        heard = lan.packets()
        with contextlib.suppress(OSError, http.client.HTTPException):
            http_line.request("GET", "/after")
            assert http_line.getresponse().read() == b"tunnel"
        http_line.close()
        assert lan.packets() == heard


def test_an_unbound_socket_would_have_leaked(network: tuple[Far, Far]) -> None:
    """Show that the case above can fail: the same change takes an ordinary connection out by the other way."""
    _, lan = network
    with socket.create_connection((TARGET, PORT), timeout=5) as plain:
        heard = lan.packets()
        ip(f"route replace {TARGET}/32 via 10.78.0.2 dev lan0")
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert _within(5, lambda: lan.packets() > heard)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("http://10.99.0.1:80", WrongRoute, "does not lie in the networks"),
        ("http://127.0.0.1:80", WrongRoute, "means this machine"),
        ("http://[::ffff:127.0.0.1]:80", WrongRoute, "127.0.0.1 means this machine"),
        ("http://[::ffff:10.99.0.1]:80", WrongRoute, "does not lie in the networks"),
        ("unix:///var/run/docker.sock", NotAvailable, "a VPN leads to a network"),
        ("nonsense", Unreachable, "no address"),
        ("http://10.77.1.9:80", Unreachable, "No route leads to 10.77.1.9"),
    ],
)
def test_what_is_not_behind_the_tunnel_is_refused(
    tmp_path: Path, address: str, error: type[ConnectionProblem], words: str
) -> None:
    with _opened(tmp_path, allowed_networks=("10.77.1.0/24", "::/0")) as way:
        with pytest.raises(error, match=words):
            way.reach(address)
        assert not way.probe(address, timeout_s=2).ok


@pytest.mark.usefixtures("network")
def test_an_interface_that_is_down_or_gone_is_said(tmp_path: Path) -> None:
    with _opened(tmp_path) as way:
        ip("link set tun0 down")
        assert way.standing().sentence == "The interface tun0 is down."
        with pytest.raises(Unreachable, match="tun0 is down"):
            way.reach(ADDRESS)
        ip("link del tun0")
        assert "There is no interface tun0" in way.standing().sentence
        assert "There is no interface tun0" in way.probe(ADDRESS, timeout_s=2).sentence


@pytest.mark.usefixtures("network")
def test_a_name_is_looked_up_once_and_each_of_its_addresses_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        found = ("10.78.0.2", "127.0.0.1", TARGET) if len(asked) == 1 else ("10.78.0.2",)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr("connectors.vpn.bound.socket.getaddrinfo", answer)
    with _opened(tmp_path) as way:
        assert way.probe(f"http://shop.example:{PORT}", timeout_s=5).ok
        assert asked == ["shop.example"]
        rebound = way.probe(f"http://shop.example:{PORT}", timeout_s=5)
        assert isinstance(rebound.problem, WrongRoute)


@pytest.mark.usefixtures("network")
def test_without_an_interface_the_way_must_be_some_tunnel(tmp_path: Path) -> None:
    with _opened(tmp_path, interface="", allowed_networks=("10.77.0.0/16",)) as way:
        with pytest.raises(WrongRoute, match="tun0, which is no tunnel"):
            way.reach(ADDRESS)  # veth is an ordinary interface
        ip("tuntap add dev tun5 mode tun")
        ip("link set tun5 up")
        ip(f"route replace {TARGET}/32 dev tun5")
        assert way.reach(ADDRESS).address.startswith("http://127.0.0.1:")


@pytest.mark.usefixtures("network")
def test_a_far_end_that_says_nothing_takes_its_time_limit(tmp_path: Path) -> None:
    ip("route add 10.77.1.7/32 via 10.77.0.2 dev tun0")
    with _opened(tmp_path) as way:
        began = time.monotonic()
        probe = way.probe("http://10.77.0.2:1", timeout_s=1)
        assert "connection refused through tun0" in probe.sentence
        assert time.monotonic() - began < 1


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("patched", ["", "from gevent import monkey; monkey.patch_all()"], ids=["threads", "gevent"])
def test_an_ordinary_user_may_use_it(tmp_path: Path, patched: str) -> None:
    program = f"""
{patched}
import os, sys, urllib.request
from pathlib import Path
from connectors.options import VpnOptions
from connectors.vpn.external import External

def use(folder):
    way = External(VpnOptions(name="hq", kind="wireguard", mode="external", interface="tun0"), Path(folder))
    told = way.probe({ADDRESS!r}, timeout_s=5).sentence
    body = urllib.request.urlopen(way.reach({ADDRESS!r}).address, timeout=5).read()
    way.close()
    return told, body

use(sys.argv[1])  # everything is imported now: an ordinary user may not read the folders of this one
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(*use("/tmp/opsmodal-nobody"))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert "answered through tun0" in done.stdout, done.stdout + done.stderr
    assert "b'tunnel'" in done.stdout, done.stdout + done.stderr


@pytest.mark.exhaustive
def test_a_far_end_that_falls_silent_ends_what_was_waiting_for_it(network: tuple[Far, Far], tmp_path: Path) -> None:
    tunnel, _ = network
    with _opened(tmp_path) as way, contextlib.closing(_line(way)) as waiting:
        tunnel.ip("link set far down")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            waiting.request("GET", "/lost")
        with pytest.raises((OSError, http.client.HTTPException)):
            waiting.getresponse()
        assert time.monotonic() - began < 20


def test_a_tunnel_that_is_made_anew_is_used_again(network: tuple[Far, Far], tmp_path: Path) -> None:
    with _opened(tmp_path) as way:
        end = way.reach(ADDRESS).address
        assert _get(end) == "tunnel"
        ip("link set tun0 name gone0")
        with pytest.raises((OSError, http.client.HTTPException)):
            _get(end)
        assert way.standing().phase is Phase.DOWN
        ip("link set gone0 name tun0")
        assert _get(end) == "tunnel"
        assert way.standing().phase is Phase.UP


def test_addresses_of_ipv6_go_the_same_way(network: tuple[Far, Far], tmp_path: Path) -> None:
    if not Path("/proc/sys/net/ipv6").is_dir():
        pytest.skip("this kernel has no IPv6")
    tunnel, _ = network
    ip("addr add fd77::1/64 dev tun0 nodad")
    tunnel.ip("addr add fd77::2/64 dev far nodad")
    ip("addr add fd78::1/64 dev lan0 nodad")
    with _opened(tmp_path, allowed_networks=("fd77::/16", "fd78::/16")) as way:
        refused = way.probe(f"http://[fd77::2]:{PORT}", timeout_s=5)
        assert "connection refused through tun0" in refused.sentence  # the host there listens on IPv4
        elsewhere = way.probe(f"http://[fd78::2]:{PORT}", timeout_s=5)
        assert isinstance(elsewhere.problem, WrongRoute)
        assert "lan0" in elsewhere.sentence


def _line(way: External) -> http.client.HTTPConnection:
    """Give an HTTP connection that has carried something."""
    parts = urlsplit(way.reach(ADDRESS).address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=30)
    line.request("GET", "/before")
    assert line.getresponse().read() == b"tunnel"
    return line
