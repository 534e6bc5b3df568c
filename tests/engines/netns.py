"""A host of its own on this machine: a network namespace, joined to the machine by one veth pair.

Addresses come out of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544). Sockets of this process can be
made inside it, so a test's server needs no process there.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.engines.process import CannotStart, Daemon, own_folder, sweep

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
TESTS = ipaddress.ip_network("198.18.0.0/15")
ANSWER_S = 20.0
TRIES = 20
OF_TESTS = re.compile(r"\b(om[a-z-]|veth|docker|podman|br-)\S*")


class Namespace:
    """One host. `address` is its own, `machine` that of the machine, as it sees it."""

    def __init__(self, name: str, machine: str, address: str) -> None:
        self.name = name
        self.machine = machine
        self.address = address
        self.folder = own_folder("netns")
        self._servers: list[socket.socket] = []

    def run(self, *argv: str | Path, given: str = "") -> str:
        """Run a program in it, and give what it printed."""
        return ran("ip", "netns", "exec", self.name, *argv, given=given)

    def daemon(self, argv: Sequence[str | Path], *, ready: Callable[[], bool]) -> Daemon:
        """Start a program in it that stays."""
        daemon = Daemon(["ip", "netns", "exec", self.name, *argv], folder=self.folder, ready=ready)
        daemon.start()
        return daemon

    def inside(self, make: Callable[[], T]) -> T:
        """Call something in it, from this process: what sockets it makes are the namespace's."""
        made: list[T | BaseException] = []

        def work() -> None:
            try:
                _join(f"/run/netns/{self.name}")
                made.append(make())
            except BaseException as error:  # noqa: BLE001  (handed to who asked)
                made.append(error)

        thread = threading.Thread(target=work, name=f"in {self.name}")
        thread.start()
        thread.join(ANSWER_S)
        (result,) = made
        if isinstance(result, BaseException):
            raise result
        return result

    def echo(self, address: str, port: int = 0) -> int:
        """Answer every byte with itself at an address of it; give the port."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = self.inside(lambda: socket.create_server((address, port), family=family))
        self._servers.append(server)
        threading.Thread(target=_echo, args=(server,), name=f"echo {address}", daemon=True).start()
        return int(server.getsockname()[1])

    def names(self, address: str, known: Mapping[str, str]) -> Callable[[], list[str]]:
        """Answer DNS questions at an address of it; what is given tells which names were asked."""
        server = self.inside(lambda: _bound(address))
        self._servers.append(server)
        asked: list[str] = []
        threading.Thread(target=_tell, args=(server, known, asked), name=f"names {address}", daemon=True).start()
        return lambda: list(asked)

    def move(self) -> str:
        """Take another address, as a host behind a name does, and give it."""
        machine, address = _free()
        ran("ip", "address", "add", f"{machine}/30", "dev", self.name)
        self.run("ip", "address", "add", f"{address}/30", "dev", "eth0")
        self.run("ip", "address", "delete", f"{self.address}/30", "dev", "eth0")
        self.machine, self.address = machine, address
        return address

    def silent(self, address: str) -> None:
        """Drop whatever is sent to an address beyond it, as a firewall does."""
        self.run("ip", "route", "add", "blackhole", f"{address}/32")

    def close(self) -> None:
        """End what runs in it, and take it away."""
        for server in self._servers:
            server.close()
        for pid in ran("ip", "netns", "pids", self.name).split():
            os.kill(int(pid), 9)
        subprocess.run(["ip", "link", "delete", self.name], check=False, capture_output=True, timeout=ANSWER_S)
        ran("ip", "netns", "delete", self.name)
        sweep(self.folder)


def start(purpose: str = "") -> Namespace:
    """Make a host; raise CannotStart with the reason."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise CannotStart("network namespaces for tests need root and iproute2")
    name = f"om{purpose[:4]}{secrets.token_hex(4)}"
    try:
        ran("ip", "netns", "add", name)
    except subprocess.CalledProcessError as error:
        raise CannotStart(f"no network namespace: {error.stderr.strip()}") from None
    machine, address = _free()
    ran("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    ran("ip", "address", "add", f"{machine}/30", "dev", name)
    ran("ip", "link", "set", name, "up")
    host = Namespace(name, machine, address)
    for line in ("link set lo up", f"address add {address}/30 dev eth0", "link set eth0 up"):
        host.run("ip", *line.split())
    return host


def ran(*argv: str | Path, given: str = "") -> str:
    """Run a program and give what it printed."""
    argv = tuple(str(part) for part in argv)
    done = subprocess.run(argv, input=given, check=True, capture_output=True, text=True, timeout=ANSWER_S)
    return done.stdout


def machine_network() -> dict[str, list[str]]:
    """Give the machine's own interfaces, addresses, routes and rules: what a tunnel must leave as they were."""
    asked = {"links": "-br link", "addresses": "-br address", "routes": "route show table all", "rules": "rule"}
    asked["routes6"] = "-6 route show table all"
    return {name: _lasting(ran("ip", *arguments.split())) for name, arguments in asked.items()}


def _lasting(listed: str) -> list[str]:
    """Leave out what other tests make and take away meanwhile: their veth pairs and bridges."""
    return sorted(line for line in listed.splitlines() if not OF_TESTS.search(line))


def _free() -> tuple[str, str]:
    """Choose a network of four addresses that nobody has here."""
    taken = ran("ip", "-4", "address")
    for _ in range(TRIES):
        first = TESTS[secrets.randbelow(TESTS.num_addresses // 4) * 4]
        machine, address = str(first + 1), str(first + 2)
        if f" {machine}/" not in taken:
            return machine, address
    raise CannotStart("no free network among 198.18.0.0/15")


def _join(path: str) -> None:
    """Move this thread into a namespace: setns(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    opened = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(opened, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(opened)


def _bound(address: str) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    return server


def _tell(server: socket.socket, known: Mapping[str, str], asked: list[str]) -> None:
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    while True:
        try:
            data, whom = server.recvfrom(4096)
        except OSError:
            return
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        (row,) = question.question
        asked.append(row.name.to_text())
        if row.name.to_text() not in known:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif row.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(row.name, 60, "IN", "A", known[row.name.to_text()]))
        server.sendto(answer.to_wire(), whom)


def _echo(server: socket.socket) -> None:
    while True:
        try:
            near, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(near,), name="echo", daemon=True).start()


def _answer(near: socket.socket) -> None:
    try:
        with near:
            while data := near.recv(65_536):
                near.sendall(data)
    except OSError:
        return
