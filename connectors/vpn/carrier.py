"""Moves sealed packets between a tunnel's program, inside its namespace, and the far end, outside: see `outside`.

Packets that do not fit are lost, as on any line. A name is looked up in a thread, when it is first needed and whenever
somebody says that its address has gone silent.
"""

from __future__ import annotations

import json
import queue
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.vpn.streams import serve_stream, words_of

MESSAGE_MAX_BYTES = 4096
PACKET_MAX_BYTES = 65_535
BURST = 64
"""Packets of one way before the others get their turn."""
KEPT_PACKETS = 4
"""While the name is looked up: a first handshake that is lost is repeated after 5 s only."""
QUEUE_BYTES = 4 * 1024 * 1024
"""Asked for; the kernel gives at most net.core.rmem_max."""
FAMILIES = {"": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}

Found = tuple[int, tuple[str, int]]
"""The family and the address of an endpoint."""


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


class Carrier:
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
            work = threading.Thread(target=self._stream, args=(way,), name=f"stream-{way.number}", daemon=True)
            work.start()
            return True
        _widen(inner)
        self._resolve(way)
        return True

    def _stream(self, way: _Way) -> None:
        def say(outer: socket.socket | None, problem: str) -> None:
            way.outer = outer
            self._say(way, problem)

        serve_stream(way.inner, way.host, way.port, way.family, say)

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
            self._found.put((way, [], f"the name {way.host} is not known ({words_of(error)})"))
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
            self._say(way, f"no route leads to {found[1][0]} ({words_of(error)})")
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
        why = words_of(error)
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


def _widen(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
