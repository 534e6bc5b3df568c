"""The server's side of managed tunnels: find the keeper of a profile or start it, and have it dial.

All processes of an installation share one keeper for equal options: the folder named by their digest holds its socket,
and one lock lets only one process start what is not there. Nothing of a profile is ever on a command line, in an
environment or in a file: the keeper reads it from memory that only it was given.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import connectors
from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, NotAvailable, Unreachable
from connectors.options import VpnOptions
from connectors.vpn import letters
from connectors.vpn.letters import Plan

log = logging.getLogger(__name__)

LOCK = "lock"
SAID_MAX_BYTES = 2000
IDLE_S = 120.0
"""A page that is looked at again within two minutes finds the tunnel up."""
START_S = 20
"""wireguard-go is there after 0.3 s; on a busy machine Python alone has taken 5 s."""
GRACE_S = 5.0
"""An answer of the keeper may come that much later than the deadline that it was given."""
LOOK_S = 2.0
POLL_S = 0.05
FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")
"""A server's PATH often leaves out where ip and openvpn are."""
PROGRAMS = {"wireguard": ("ip", "wg"), "openvpn": ("ip", "openvpn")}
OPTIONAL = {"wireguard": ("wireguard-go",), "openvpn": ()}
PACKAGES = {"ip": "iproute2", "wg": "wireguard-tools", "openvpn": "openvpn"}


class Tunnel:
    """One managed tunnel as this process sees it. Making it starts nothing; safe to use from several threads."""

    def __init__(self, folder: Path, options: VpnOptions, *, idle_s: float = IDLE_S) -> None:
        self._home = folder
        self._options = options
        self._idle_s = idle_s
        self._folder = folder / _digest(options, idle_s)
        self._problem: ConnectionProblem | None = None

    def dial(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
        """Give a socket that is connected to host:port behind the tunnel; the caller closes it.

        Raise a ConnectionProblem: WrongRoute for what lies outside the tunnel's networks, Unreachable and LoginRefused
        for what did not answer, NotAvailable where tunnels cannot be made.
        """
        question = {"do": "dial", "host": host, "port": port, "timeout_s": timeout_s}
        said, far = self._asked(question, timeout_s)
        if "unknown" in said:  # no DNS inside: the machine's own may know the name, the keeper judges the address
            said, far = self._asked({**question, "addresses": _addresses(host)}, timeout_s)
        if far is None:
            raise Unreachable(f"The tunnel {self._options.name} gave no connection.", hint="Try again.")
        return far

    def standing(self) -> Standing:
        """Say how the tunnel is, without opening it."""
        with suppress(OSError), letters.knock(self._folder, timeout_s=LOOK_S) as line:
            said, _ = letters.ask(line, {"do": "standing"})
            return letters.standing_of(said)
        if self._problem is not None:
            return Standing(phase=Phase.DOWN, sentence=self._problem.sentence, hint=self._problem.hint)
        return Standing(phase=Phase.IDLE, sentence=f"The tunnel {self._options.name} is opened when it is used.")

    def _asked(self, question: Mapping[str, object], timeout_s: float) -> tuple[dict[str, Any], socket.socket | None]:
        """Ask the keeper; one that was just ending is replaced once."""
        for knocked in (self._knock, self._started, self._started):
            try:
                line = knocked()
            except TimeoutError:
                raise self._silent(LOOK_S) from None
            except OSError:
                continue
            with line:
                line.settimeout(timeout_s + GRACE_S)
                try:
                    return letters.ask(line, question)
                except TimeoutError:
                    raise self._silent(timeout_s + GRACE_S) from None
                except OSError:
                    continue
        raise Unreachable(f"The tunnel {self._options.name} ended as soon as it was opened.", hint="Try again.")

    def _silent(self, waited_s: float) -> Unreachable:
        return Unreachable(
            f"The process that holds the tunnel {self._options.name} did not answer within {waited_s:g} s.",
            hint="The machine may be out of memory or very busy; try again.",
        )

    def _knock(self) -> socket.socket:
        return letters.knock(self._folder, timeout_s=LOOK_S)

    def _started(self) -> socket.socket:
        """Connect to the keeper, and start it when it is not there."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._home / LOCK):
            with suppress(*letters.GONE):
                return self._knock()
            _sweep(self._home)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            try:
                _start(self._plan())
            except BaseException as failed:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._problem = failed if isinstance(failed, ConnectionProblem) else None
                raise
            self._problem = None
            return self._knock()

    def _plan(self) -> Plan:
        options = self._options
        return Plan(
            name=options.name,
            kind=options.kind,
            config=options.config,
            login=options.login,
            allowed_networks=options.allowed_networks,
            programs=programs(options.kind),
            folder=str(self._folder.absolute()),
            idle_s=self._idle_s,
        )


def programs(kind: str, path: str | None = None) -> dict[str, str]:
    """Find what a tunnel of this kind needs. Raise NotAvailable naming the package of what is absent."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS]) if path is None else path
    found = {name: shutil.which(name, path=path) for name in (*PROGRAMS[kind], *OPTIONAL[kind])}
    for name in PROGRAMS[kind]:
        if found[name] is None:
            raise NotAvailable(
                f"The program {name}, which this VPN needs, is not installed.",
                hint=f"Install the package {PACKAGES[name]}, or register the profile with mode: external.",
            )
    return {name: where for name, where in found.items() if where}


def _start(plan: Plan) -> None:
    """Start a keeper and wait until its tunnel is there. Raise what it says."""
    sheet = plan.sealed()
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", "connectors.vpn.keeper"],
            stdin=sheet,
            capture_output=True,
            env={},
            cwd=Path(connectors.__file__).parents[1],
            start_new_session=True,
            check=False,
            timeout=START_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(f"The tunnel {plan.name} could not be started.", hint="Look at the server's log.") from error
    finally:
        os.close(sheet)
    if not done.stdout:
        log.error("a keeper ended at its start", extra={"tunnel": plan.name, "said": done.stderr[-SAID_MAX_BYTES:]})
        raise Unreachable(f"The keeper of the tunnel {plan.name} ended before it was ready.", hint="Try again.")
    if said := json.loads(done.stdout):
        raise letters.problem_of(said)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that lets one process start or end a keeper. Raise Unreachable when it stays taken."""
    deadline = time.monotonic() + 2 * START_S
    with path.open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # waiting in flock would stop every other greenlet
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unreachable(
                        "Another tunnel is being opened and does not get done.", hint="Try again."
                    ) from None
                time.sleep(POLL_S)
        yield


def _sweep(home: Path) -> None:
    """Remove what killed keepers left: folders whose socket nobody listens on. Only with the lock held."""
    for folder in (each for each in home.iterdir() if each.is_dir()):
        try:
            letters.knock(folder, timeout_s=LOOK_S).close()
        except letters.GONE:
            shutil.rmtree(folder, ignore_errors=True)
        except TimeoutError:
            continue


def _addresses(host: str) -> list[str]:
    """Ask the machine's own resolver. Raise Unreachable for a name that it does not know."""
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(
            f'No address is known for the name "{host}": the profile has no DNS, and this machine does not know it.',
            hint="Register the target by its address inside the VPN.",
        ) from None
    return [str(row[4][0]) for row in rows]


def _digest(options: VpnOptions, idle_s: float) -> str:
    """Name a tunnel by all that makes it; the folder it names stands in one that only our user reads."""
    parts = (options.name, options.kind, options.config, options.login, *options.allowed_networks, str(idle_s))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
