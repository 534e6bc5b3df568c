"""The one process of a tunnel that stays in the machine's network: it carries the tunnel's own packets to the far end.

WireGuard and OpenVPN run inside the namespace and dial a port on its loopback; this process holds that port's socket
and one in the machine's network, and moves sealed packets between them. So the programs that hold the keys never touch
the machine's network, no interface is ever made in it, and an endpoint whose name moves is followed without telling
them. It reads no packet, keeps none, and dials nothing but the endpoints it was given.
"""

from __future__ import annotations

import json
import os
import queue
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.errors import NotAvailable
from connectors.vpn.namespace import die_with_parent

LOOPBACK = "127.0.0.1"
MESSAGE_MAX_BYTES = 4096
PACKET_MAX_BYTES = 65_535
BURST = 64
"""Packets of one way before the others get their turn."""
KEPT_PACKETS = 4
"""While the name is looked up: a first handshake that is lost is repeated after 5 s only."""
QUEUE_BYTES = 4 * 1024 * 1024
"""Asked for; the kernel gives at most net.core.rmem_max. Packets that do not fit are lost, as on any line."""
CONNECT_S = 10.0
CHUNK_BYTES = 64 * 1024
FAMILIES = {"": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}

Found = tuple[int, tuple[str, int]]
"""The family and the address of an endpoint."""


@dataclass(slots=True)
class Far:
    """What is known of one endpoint: its name as the profile has it, where it was found, and why not."""

    name: str
    address: str = ""
    problem: str = ""


class Outside:
    """The handle on that process, for the keeper inside. `look_again` and `fars` are for any thread."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.fars: list[Far] = []
        self.pid = os.fork()
        if self.pid:
            theirs.close()
            self._control.setblocking(False)
            return
        self._control.close()
        try:
            die_with_parent()
            _close_inherited(theirs)
            _Carrier(theirs).run()
        finally:
            os._exit(0)

    def fileno(self) -> int:
        """Let a selector watch what it says."""
        return self._control.fileno()

    def carry(self, host: str, port: int, *, stream: bool = False, family: str = "") -> int:
        """Have a port on loopback carried to an endpoint (`family` "4" or "6": only there), and give the port."""
        kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as near:
            near.bind((LOOPBACK, 0))
            if stream:
                near.listen(1)
            number = len(self.fars)
            shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            self.fars.append(Far(shown))
            message = {"carry": number, "host": host, "port": port, "stream": stream, "family": family}
            socket.send_fds(self._control, [json.dumps(message).encode()], [near.fileno()])
            return int(near.getsockname()[1])

    def look_again(self, number: int) -> None:
        """Have an endpoint's name resolved again, and the next of its addresses tried."""
        with suppress(BlockingIOError):
            self._control.send(json.dumps({"again": number}).encode())

    def listen(self) -> bool:
        """Take in what it said; False when it has ended."""
        while True:
            try:
                data = self._control.recv(MESSAGE_MAX_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            said = json.loads(data)
            far = self.fars[said["number"]]
            far.address, far.problem = said["address"] or far.address, said["problem"]


def _close_inherited(kept: socket.socket) -> None:
    """Keep only the control socket: an inherited end of a pipe would look as if the keeper were still starting."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    os.closerange(3, kept.fileno())
    os.closerange(kept.fileno() + 1, 1024)


@dataclass(slots=True, kw_only=True)
class _Way:
    """One endpoint: the socket inside, the one outside, and who inside spoke last."""

    number: int
    host: str
    port: int
    family: socket.AddressFamily
    inner: socket.socket
    outer: socket.socket | None = None
    near: tuple[str, int] | None = None
    current: Found | None = None
    kept: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT_PACKETS))
    resolving: bool = False
    problem: str = ""


class _Carrier:
    """Runs in the process outside until the control socket ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._ways: dict[int, _Way] = {}
        self._selector = selectors.DefaultSelector()
        self._found: queue.SimpleQueue[tuple[_Way, list[Found], str]] = queue.SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)

    def run(self) -> None:
        self._watch(self._control, self._commanded)
        self._watch(self._woken, self._resolved)
        while True:
            for key, _ in self._selector.select():
                if key.data() is False:
                    return

    def _watch(self, ready: socket.socket, then: Callable[[], bool | None]) -> None:
        self._selector.register(ready, selectors.EVENT_READ, then)

    def _commanded(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, MESSAGE_MAX_BYTES, 1)
        if not data:
            return False
        said = json.loads(data)
        if "again" in said:
            self._resolve(self._ways[said["again"]])
            return True
        inner = socket.socket(fileno=fds[0])
        inner.setblocking(False)
        way = _Way(
            number=said["carry"], host=said["host"], port=said["port"], family=FAMILIES[said["family"]], inner=inner
        )
        self._ways[way.number] = way
        if said["stream"]:
            inner.setblocking(True)
            threading.Thread(
                target=_serve_stream, args=(way, self._say), name=f"stream-{way.number}", daemon=True
            ).start()
            return True
        _widen(inner)
        self._resolve(way)
        return True

    def _resolve(self, way: _Way) -> None:
        """Ask for the name in a thread: a resolver may take half a minute, and packets do not wait."""
        if not way.resolving and way.inner.type == socket.SOCK_DGRAM:
            way.resolving = True
            threading.Thread(target=self._ask, args=(way,), name=f"resolve-{way.number}", daemon=True).start()

    def _ask(self, way: _Way) -> None:
        try:
            rows = socket.getaddrinfo(way.host, way.port, way.family, socket.SOCK_DGRAM)
            self._found.put((way, [(row[0], (str(row[4][0]), int(row[4][1]))) for row in rows], ""))
        except OSError as error:
            self._found.put((way, [], f"the name {way.host} is not known ({_words(error)})"))
        self._waker.send(b".")

    def _resolved(self) -> None:
        self._woken.recv(MESSAGE_MAX_BYTES)
        with suppress(queue.Empty):
            while True:
                way, found, problem = self._found.get_nowait()
                way.resolving = False
                self._point(way, found, problem)

    def _point(self, way: _Way, found: list[Found], problem: str) -> None:
        """Send to the next of the addresses found, with a new socket also where it is the same: ours may have moved."""
        if problem:
            self._say(way, way.problem if way.outer else problem)
            return
        if way.current in found:
            after = found.index(way.current) + 1
            found = [*found[after:], *found[:after]]
        for each in found:
            if self._open(way, each):
                self._say(way, "")
                return

    def _open(self, way: _Way, found: Found) -> bool:
        outer = socket.socket(found[0], socket.SOCK_DGRAM)
        try:
            outer.setblocking(False)
            outer.connect(found[1])
        except OSError as error:
            outer.close()
            self._say(way, f"no route leads to {found[1][0]} ({_words(error)})")
            return False
        _widen(outer)
        if way.outer:
            self._selector.unregister(way.outer)
            way.outer.close()
        else:  # not sooner: a first handshake that found no way out would be lost, and is repeated after 5 s only
            self._watch(way.inner, lambda: self._outward(way))
        way.outer, way.current = outer, found
        self._watch(outer, lambda: self._inward(way, outer))
        while way.kept:
            self._send(way, outer, way.kept.popleft())
        return True

    def _outward(self, way: _Way) -> None:
        with suppress(BlockingIOError):
            for _ in range(BURST):
                data, way.near = way.inner.recvfrom(PACKET_MAX_BYTES)
                if way.outer:
                    self._send(way, way.outer, data)
                else:
                    way.kept.append(data)

    def _send(self, way: _Way, outer: socket.socket, data: bytes) -> None:
        try:
            outer.send(data)
        except BlockingIOError:
            return  # the line is full: lost, as any packet may be
        except OSError as error:
            self._failed(way, error)

    def _inward(self, way: _Way, outer: socket.socket) -> None:
        try:
            for _ in range(BURST):
                data = outer.recv(PACKET_MAX_BYTES)
                if way.problem:
                    self._say(way, "")
                if way.near:
                    way.inner.sendto(data, way.near)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(way, error)

    def _failed(self, way: _Way, error: OSError) -> None:
        refused = isinstance(error, ConnectionRefusedError)
        why = "nobody listens there" if refused else (error.strerror or str(error)).lower()
        if why != way.problem:
            self._say(way, why)

    def _say(self, way: _Way, problem: str) -> None:
        way.problem = problem
        address = ""
        if way.outer:
            with suppress(OSError):
                host, port = way.outer.getpeername()[:2]
                address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        said = {"number": way.number, "address": address, "problem": problem[: MESSAGE_MAX_BYTES // 4]}
        with suppress(OSError):
            self._control.send(json.dumps(said).encode())


def _serve_stream(way: _Way, say: Callable[[_Way, str], None]) -> None:
    """Carry one TCP connection after the other: OpenVPN holds one, and dials again when it has broken."""
    while True:
        near, _ = way.inner.accept()
        with near:
            try:
                outer = _connected(way)
            except OSError as error:
                say(way, "nobody listens there" if isinstance(error, ConnectionRefusedError) else _words(error))
                continue
            with outer:
                outer.settimeout(None)
                way.outer = outer
                say(way, "")
                back = threading.Thread(target=_pump, args=(outer, near), name=f"back-{way.number}", daemon=True)
                back.start()
                _pump(near, outer)
                back.join()
                way.outer = None


def _connected(way: _Way) -> socket.socket:
    """Connect to the first address that answers. Raise the last OSError."""
    failed = OSError("no address")
    for family, kind, _, _, address in socket.getaddrinfo(way.host, way.port, way.family, socket.SOCK_STREAM):
        outer = socket.socket(family, kind)
        try:
            outer.settimeout(CONNECT_S)
            outer.connect(address)
        except OSError as error:
            outer.close()
            failed = error
            continue
        return outer
    raise failed


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes until one side ends, then end both: OpenVPN has no use for half a connection."""
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _words(error: OSError) -> str:
    return "it did not answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()


def _widen(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)


def endpoint(text: str) -> tuple[str, int]:
    """Take host:port or [address]:port apart. Raise NotAvailable for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise NotAvailable("The endpoint of the VPN profile has no port.", hint="Write it as host:port.")
    return host.removeprefix("[").removesuffix("]"), int(port)
