"""The process that holds one managed tunnel: `python -m connectors.vpn.keeper`, its plan on the standard input.

It lives in a network namespace of its own with the VPN's program, is shared by all processes of the installation, and
hands out connected sockets over a Unix socket. It ends when nobody has used the tunnel for a while, when the VPN's
program ends, or when it is killed; then the kernel takes interface, routes and namespace away, and its children die
with it. It takes no orders beyond "dial" and "standing", dials nothing outside the allowed networks, and keeps neither
the profile nor a byte of what is carried.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, LoginRefused, NotAvailable, Unreachable, WrongRoute
from connectors.vpn import letters, namespace
from connectors.vpn.allowed import Address, Allowed, allowed
from connectors.vpn.carried import carried
from connectors.vpn.letters import Plan
from connectors.vpn.names import first, look_up
from connectors.vpn.outside import Outside
from connectors.vpn.profile import BadProfile
from connectors.vpn.tunnels import LOCK, START_S

TICK_S = 1.0
DIALS_MAX = 256
"""Dials at a time; more wait at the door as long as the socket's queue takes them."""
BACKLOG = 128
QUESTION_S = 5.0
"""A question follows its connection at once: both are one call of the server."""
BACK_OFF_S = 10.0
LOGIN_BACK_OFF_S = 60.0
"""After a refused login: servers lock accounts that try often."""
JITTER = 0.3
SOONEST_S = 0.1
UNROUTED = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EDESTADDRREQ, errno.ENOKEY}
"""What the namespace itself answers, and WireGuard in the kernel for an address of no peer."""


class Tunnel(Protocol):
    """What the keeper needs of the two kinds of VPN."""

    allowed: Allowed
    dns: tuple[str, ...]

    def start(self) -> None: ...

    def tick(self) -> ConnectionProblem | None: ...

    def open(self, *, timeout_s: float) -> None: ...

    def admit(self, target: Address) -> None: ...

    def mark(self, target: Address) -> int: ...

    def silence(self, target: Address, port: int, *, since: int, waited_s: float) -> ConnectionProblem: ...

    def standing(self) -> Standing: ...

    def stop(self) -> None: ...


class Keeper:
    """Serves one tunnel until nobody needs it any more."""

    def __init__(self, plan: Plan, folder: int, tunnel: Tunnel, outside: Outside, listener: socket.socket) -> None:
        self._plan = plan
        self._folder = folder
        self._tunnel = tunnel
        self._outside = outside
        self._listener = listener
        self._places = threading.BoundedSemaphore(DIALS_MAX)
        self._dialling = 0
        self._lock = threading.Lock()
        self._used = time.monotonic()
        self._over: ConnectionProblem | None = None
        self._ends = float("inf")

    def serve(self) -> None:
        """Answer until it is time to end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, self._accept)
            selector.register(self._outside, selectors.EVENT_READ, self._hear)
            ticked = 0.0
            while not self._finished():
                for key, _ in selector.select(TICK_S):
                    key.data()
                if time.monotonic() - ticked >= TICK_S / 2:
                    ticked = time.monotonic()
                    self._tick()

    def _tick(self) -> None:
        if self._over is None and (problem := self._tunnel.tick()):
            self._over = problem
            wait_s = LOGIN_BACK_OFF_S if isinstance(problem, LoginRefused) else BACK_OFF_S
            self._ends = time.monotonic() + wait_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)
        if self._dialling or carried():
            self._used = time.monotonic()

    def _hear(self) -> None:
        if not self._outside.listen():
            self._over = Unreachable("The tunnel was lost: the process that carries its packets ended.")
            self._ends = 0.0

    def _finished(self) -> bool:
        """Tell whether to end; nobody can come in between, because who comes first holds the same lock."""
        now = time.monotonic()
        if now < self._ends and now - self._used < self._plan.idle_s:
            return False
        with (Path(self._plan.folder).parent / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if self._accept() and self._over is None:
                return False
            with suppress(OSError):
                os.unlink(letters.SOCKET, dir_fd=self._folder)
                Path(self._plan.folder).rmdir()
            self._tunnel.stop()
        return True

    def _accept(self) -> bool:
        try:
            line, _ = self._listener.accept()
        except BlockingIOError:
            return False
        line.settimeout(QUESTION_S)
        if not _ours(line) or not self._places.acquire(blocking=False):
            line.close()
            return False
        threading.Thread(target=self._serve_one, args=(line,), name="answer", daemon=True).start()
        return True

    def _serve_one(self, line: socket.socket) -> None:
        try:
            with line:
                self._answer(line, json.loads(line.recv(letters.LETTER_MAX_BYTES) or b"{}"))
        except (OSError, ValueError):
            return  # who asked has gone, or is not one of us
        finally:
            self._places.release()

    def _answer(self, line: socket.socket, question: dict[str, Any]) -> None:
        if question.get("do") == "standing":
            letters.answer(line, letters.standing(self._standing()))
        elif question.get("do") == "dial":
            with self._lock:
                self._dialling += 1
            try:
                self._answer_dial(line, question)
            except ConnectionProblem as problem:
                letters.answer(line, letters.problem(problem))
            finally:
                self._used = time.monotonic()
                with self._lock:
                    self._dialling -= 1

    def _standing(self) -> Standing:
        if self._over is not None:
            return Standing(phase=Phase.DOWN, sentence=self._over.sentence, hint=self._over.hint)
        told = self._tunnel.standing()
        facts = (*told.facts, ("connections", str(carried())))
        return Standing(phase=told.phase, since=told.since, sentence=told.sentence, hint=told.hint, facts=facts)

    def _answer_dial(self, line: socket.socket, question: dict[str, Any]) -> None:
        host, port, timeout_s = str(question["host"]), int(question["port"]), float(question["timeout_s"])
        deadline = time.monotonic() + timeout_s
        if self._over is not None:
            raise self._over
        self._tunnel.open(timeout_s=timeout_s)
        target = self._address(host, question.get("addresses"), timeout_s=deadline - time.monotonic())
        if target is None:
            letters.answer(line, {"unknown": host})
            return
        self._tunnel.admit(target)
        with self._dial(target, port, deadline=deadline, timeout_s=timeout_s) as far:
            letters.answer(line, {"done": True}, given=far)

    def _address(self, host: str, known: Sequence[str] | None, *, timeout_s: float) -> Address | None:
        """Give the address to dial; None where the server has to look the name up itself."""
        may = self._tunnel.allowed
        with suppress(ValueError):
            return may.judge(host)
        if self._tunnel.dns:
            return look_up(host, self._tunnel.dns, may, timeout_s=timeout_s)
        return None if known is None else first(known, may)

    def _dial(self, target: Address, port: int, *, deadline: float, timeout_s: float) -> socket.socket:
        since = self._tunnel.mark(target)
        far = socket.socket(socket.AF_INET if target.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        try:
            far.settimeout(max(deadline - time.monotonic(), SOONEST_S))
            far.connect((str(target), port))
        except OSError as error:
            far.close()
            if isinstance(error, TimeoutError):
                raise self._tunnel.silence(target, port, since=since, waited_s=timeout_s) from None
            raise _failed(error, str(target), port, self._plan.name) from None
        far.settimeout(None)
        return far


def main() -> None:
    """Leave the process that started us, open the tunnel, say on the standard output whether it is, and keep it."""
    plan = Plan.opened(sys.stdin.buffer.read())
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    signal.alarm(START_S)
    report = os.dup(1)
    try:
        keeper = _opened(plan)
    except ConnectionProblem as problem:
        os.write(report, json.dumps(letters.problem(problem)).encode())
        os._exit(1)
    signal.alarm(0)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    os.write(report, b"{}")
    os.close(report)
    keeper.serve()
    os._exit(0)  # threads that still answer have nothing more to say


def _opened(plan: Plan) -> Keeper:
    folder = os.open(plan.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chdir("/")
    outside = Outside()
    tunnel = _tunnel(plan, outside)
    namespace.enter()
    namespace.configure(plan.programs["ip"], ["link set dev lo up"])
    try:
        tunnel.start()
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(f"The tunnel {plan.name} could not be made: {_words(error)}.") from None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with suppress(FileNotFoundError):
        os.unlink(letters.SOCKET, dir_fd=folder)
    listener.bind(letters.address(folder))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return Keeper(plan, folder, tunnel, outside, listener)


def _tunnel(plan: Plan, outside: Outside) -> Tunnel:
    """Make the tunnel of a profile. Raise NotAvailable for a profile that is refused."""
    try:
        return _openvpn(plan, outside) if plan.kind == "openvpn" else _wireguard(plan, outside)
    except BadProfile as bad:
        raise NotAvailable(bad.sentence, hint=bad.hint) from None


def _wireguard(plan: Plan, outside: Outside) -> Tunnel:
    from connectors.vpn.wireguard import WireGuard
    from connectors.vpn.wireguard_profile import read

    profile = read(plan.config)
    offered = [network for peer in profile.peers for network in peer.allowed_ips]
    may = allowed(plan.name, written=plan.allowed_networks, offered=offered)
    return WireGuard(plan.name, profile, may, outside, plan.programs)


def _openvpn(plan: Plan, outside: Outside) -> Tunnel:
    from connectors.vpn.openvpn import OpenVpn
    from connectors.vpn.openvpn_profile import read

    profile = read(plan.config)
    return OpenVpn(plan.name, profile, outside, plan.programs, login=plan.login, written=plan.allowed_networks)


def _ours(line: socket.socket) -> bool:
    """Tell whether a process of our own user asks; the folder keeps others out as well."""
    _, user, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.geteuid())


def _failed(error: OSError, host: str, port: int, name: str) -> ConnectionProblem:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(
            f"{where}: connection refused at the far end of the tunnel {name}: is the server running?",
            hint="The tunnel carries; look at the target itself.",
        )
    if error.errno in UNROUTED:
        return WrongRoute(
            f"No route of the tunnel {name} leads to {where}.", hint="Compare allowedNetworks with the profile."
        )
    return Unreachable(f"{where} cannot be reached through the tunnel {name}: {_words(error)}.")


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", "") or type(error).__name__).lower()


if __name__ == "__main__":
    main()
