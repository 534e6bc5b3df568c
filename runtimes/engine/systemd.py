"""Asks the systemd of an engine's host to restart, stop or start the unit that looks after a container.

A label names the unit, and whoever makes a container writes its labels: a unit is only touched after systemd itself has
said that what it starts is this very container, so that no label leads to sshd.service. Refuses units that do not say
so, among them those of `podman kube play`, which name a file.
Source: systemctl(1), systemd.service(5), podman-generate-systemd(1), podman-systemd.unit(5).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import PurePosixPath

from connectors.base import Connection, Ended, Exit, Output
from connectors.errors import ConnectionProblem
from runtimes.engine.answers import Inspected
from runtimes.engine.managers import Host
from runtimes.engine.onhost import told
from runtimes.errors import Conflict, Denied, Unavailable

ASK_MAX_S = 10.0
SAID_MAX_BYTES = 64 * 1024
"""What systemctl prints is a few lines; more than this of it is not kept."""
ARGV = re.compile(r"argv\[\]=(.*?) ; (?:ignore_errors|flags)=")
"""How `systemctl show` writes the command line of a unit."""
NAME = "--name"
ID_MIN_CHARS = 12
NOT_ALLOWED = re.compile(
    r"access denied|authentication (?:is )?required|permission denied|not permitted", re.IGNORECASE
)
DONE = {"restart": "restarted", "stop": "stopped", "start": "started"}


class Units:
    """The units of one host. Safe to use from several threads."""

    def __init__(self, connection: Connection, host: Host, *, program: str) -> None:
        """`program` is that of the engine, "docker" or "podman": another one's containers are none of ours."""
        self._connection = connection
        self.host = host
        self._program = program

    def change(self, verb: str, unit: str, container: Inspected, *, within_s: float) -> None:
        """Restart, stop or start the unit of a container, and wait until systemd says that it is done.

        Raise Conflict when the unit is not the container's or cannot do it, Denied or Unavailable as the way says.
        """
        shown = self._shown(unit)
        check(shown, unit, container, program=self._program)
        line = [*self.host.systemctl, verb, unit]
        code, said = self._run([*self._prefix, "--no-ask-password", verb, "--", unit], within_s)
        if code == 0:
            return
        if code is None:
            raise Unavailable(
                f"{shlex.join(line)} was not over after {within_s:g} s; systemd goes on with it.",
                hint=f"Look at the container again in a moment, or on the host: systemctl status {shlex.quote(unit)}",
            )
        if NOT_ALLOWED.search(said):
            raise Denied(
                f"The user of this connection may not have {unit} {DONE[verb]} by systemd.",
                hint=f"Let it by a rule of polkit, connect as one who may, or run it on the host: {shlex.join(line)}",
                detail=said,
            )
        first = said.strip().splitlines()[0].rstrip(".") if said.strip() else f"exit code {code}"
        raise Conflict(
            f"systemd could not {verb} {unit}: {first}.",
            hint=f"On the host: {shlex.join([*self.host.systemctl, 'status', unit])}",
            detail=said,
        )

    @property
    def _prefix(self) -> tuple[str, ...]:
        """A session over SSH may know nothing of its user's systemd: the socket's folder says where that listens."""
        if not self.host.user:
            return self.host.systemctl
        return ("env", f"XDG_RUNTIME_DIR=/run/user/{self.host.user}", *self.host.systemctl)

    def _shown(self, unit: str) -> str:
        wanted = ("--property=LoadState", "--property=ExecStart")
        code, said = self._run([*self._prefix, "show", *wanted, "--", unit], ASK_MAX_S)
        if code == 0:
            return said
        words = said.strip().splitlines()[0] if said.strip() else "it said nothing"
        raise Unavailable(
            f"systemd on the host does not say what {unit} is: {words.rstrip('.')}.",
            hint="The user of this connection must reach the systemd that runs the unit. Try on the host: "
            + shlex.join([*self.host.systemctl, "status", unit]),
            detail=said,
        )

    def _run(self, argv: Sequence[str], within_s: float) -> tuple[int | None, str]:
        """Run a program on the host; give its exit code, None when its time was over, and what it printed."""
        try:
            with closing(self._connection.run(argv, timeout_s=within_s)) as stream:
                return _collected(stream)
        except ConnectionProblem as problem:
            raise told(problem, there=self._connection.has_host) from problem


def check(shown: str, unit: str, container: Inspected, *, program: str) -> None:
    """Raise Conflict unless systemd says that this unit starts this container: a label alone is only a claim."""
    said = properties(shown)
    if said.get("LoadState", [""])[0] != "loaded":
        raise Conflict(
            f"The host's systemd knows no unit {unit}, which the label of {container.own_name} names.",
            hint="A unit of another user, or one that was removed: look on the host with systemctl list-units --all.",
        )
    for line in said.get("ExecStart", []):
        found = ARGV.search(line)
        if found and starts(found[1].split(), container, program=program):
            return
    raise Conflict(
        f"The unit {unit}, which the label of {container.own_name} names, does not say that it starts this container.",
        hint=f"Nothing was done. Look on the host: systemctl cat {shlex.quote(unit)}",
    )


def properties(shown: str) -> Mapping[str, list[str]]:
    """Read what `systemctl show` prints: a property may come several times."""
    found: dict[str, list[str]] = {}
    for line in shown.splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name, []).append(value)
    return found


def starts(argv: Sequence[str], container: Inspected, *, program: str) -> bool:
    """Say whether a command line is that of an engine's program which runs or starts this very container.

    Only the place where the program reads a name counts: a container may be called "run".
    """
    if not argv or PurePosixPath(argv[0]).name != program:
        return False
    named = _named(argv)
    return named == container.own_name or (len(named) >= ID_MIN_CHARS and container.id.startswith(named))


def _named(argv: Sequence[str]) -> str:
    """Give the container of `run --name NAME …`, `run --name=NAME …` or `start … NAME`."""
    for word, following in zip(argv[1:], [*argv[2:], ""], strict=False):
        if word == NAME:
            return following
        if word.startswith(f"{NAME}="):
            return word.removeprefix(f"{NAME}=")
    return argv[-1] if "start" in argv[1:-1] else ""


def _collected(stream: Iterable[Output | Exit]) -> tuple[int | None, str]:
    said = b""
    for each in stream:
        if isinstance(each, Output):
            said = (said + each.data)[:SAID_MAX_BYTES]
        elif each.reason is Ended.LOST:
            raise Unavailable(
                each.sentence or "The line to the host was lost: whether systemd did it is not known.",
                hint="Look at the container again in a moment.",
            )
        else:
            code = None if each.reason is Ended.TIMEOUT else each.code
            return code, said.decode("utf-8", errors="replace")
    raise Unavailable("The host ended the command without a word.", hint="Try again in a moment.")
