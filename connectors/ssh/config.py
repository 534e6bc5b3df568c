"""From a person's ~/.ssh/config to the entry of the registry that goes the same way. Pure: reads no file, runs nothing.

A registry is applied by a server, for many people. So whatever would run a program of that person's machine
(ProxyCommand, Match exec, LocalCommand, KnownHostsCommand, a PKCS#11 library) is refused with its name, and what is
left out of the entry is said rather than dropped.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.config import SSH_PORT
from paramiko.ssh_exception import ConfigParseError, CouldNotCanonicalize

from connectors.errors import NotAvailable

JUMPS_MAX = 8
KNOWN_HOSTS = "~/.ssh/known_hosts"
DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
PROGRAMS = ("proxycommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider")
JUDGED = frozenset({"all", "final", "host", "originalhost", "user", "localuser"})
"""What a Match block may ask for here; paramiko takes a word that it does not know for a match."""
LEFT_OUT = {
    "forwardagent": "ForwardAgent: the agent is never forwarded.",
    "forwardx11": "ForwardX11: no display is forwarded.",
    "localforward": "LocalForward: tunnels are made as they are needed.",
    "remoteforward": "RemoteForward: nothing is forwarded from the far side.",
    "dynamicforward": "DynamicForward: tunnels are made as they are needed.",
    "remotecommand": "RemoteCommand: commands are run as they are asked for.",
    "hostkeyalias": "HostKeyAlias: the key must stand in known_hosts under the name or address of the host itself.",
    "stricthostkeychecking": "StrictHostKeyChecking: host keys are always checked.",
}
LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.+)")


@dataclass(frozen=True, slots=True)
class Imported:
    """The entry, in the words of the registry, and what a person should know about it."""

    entry: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose configuration it is: the name that signs in where none is named, the home, and what files are there."""

    name: str
    home: str
    is_file: Callable[[str], bool]

    def path(self, written: str) -> str:
        """Write a path out: `apply` may be run by somebody else, whose ~ is another one."""
        return f"{self.home}{written[1:]}" if written.startswith("~/") else written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    """One host as the configuration has it."""

    host: str
    port: int
    user: str
    identity_file: str
    certificate: str
    known_hosts: str

    def files(self) -> dict[str, Any]:
        """Give the keys of the registry that say who signs in, and whom to trust."""
        named = {"identityFile": self.identity_file, "certificate": self.certificate, "knownHosts": self.known_hosts}
        found: dict[str, Any] = {key: path for key, path in named.items() if path}
        return found if self.identity_file else {"agent": True, **found}

    @property
    def shown(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def address(self) -> str:
        return f"{self.user}@{self.shown}" + (f":{self.port}" if self.port != SSH_PORT else "")


def imported(text: str, alias: str, *, person: Person) -> Imported:
    """Give the entry for `ssh alias`, as it works for this person. Raise NotAvailable for what cannot be taken over."""
    _refuse_programs(text)
    try:
        config = paramiko.SSHConfig.from_text(text)
        found = config.lookup(alias)
        mine = _login(found, alias, person)
        jumps = [_jump(_login(options, name, person), mine) for name, options in _chain(config, alias, ())]
    except (ConfigParseError, CouldNotCanonicalize, ValueError) as error:
        raise NotAvailable(f"The SSH configuration cannot be read: {str(error)[:200]}.") from error
    entry: dict[str, Any] = {"name": _name(alias), "kind": "ssh", "host": mine.shown}
    if mine.port != SSH_PORT:
        entry["port"] = mine.port
    entry |= {"user": mine.user, **mine.files()}
    if jumps:
        entry["jump"] = jumps
    return Imported(entry=entry, notes=tuple(_notes(found, mine)))


def _refuse_programs(text: str) -> None:
    """Refuse what paramiko would run, read or look up while it reads the file."""
    for word, value in _lines(text):
        if word == "include":
            raise NotAvailable(
                f"The SSH configuration includes other files: Include {value[:100]}.",
                hint="Give the one that has the host by --config, or what ssh -G HOST prints.",
            )
        if word == "canonicalizehostname" and value.lower() not in ("no", "none", "false"):
            raise NotAvailable("CanonicalizeHostname looks names up.", hint="Give the host by its full name.")
        if word == "match" and (strange := [kind for kind in _kinds(value) if kind not in JUDGED]):
            why = "runs a program" if "exec" in strange else "cannot be judged here"
            raise NotAvailable(
                f"The SSH configuration has a Match {strange[0][:40]}, which {why}.",
                hint="Give what ssh -G HOST prints by --config: there it is resolved.",
            )


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if (found := LINE.match(line)) and not line.lstrip().startswith("#"):
            yield found[1].lower(), found[2].strip()


def _kinds(value: str) -> Iterator[str]:
    try:
        words = shlex.split(value)
    except ValueError:
        raise NotAvailable("The SSH configuration has a Match with an open quotation mark.") from None
    while words:
        kind = words.pop(0).removeprefix("!").lower()
        yield kind
        if kind not in ("all", "canonical", "final") and words:
            words.pop(0)


def _chain(config: paramiko.SSHConfig, alias: str, seen: tuple[str, ...]) -> list[tuple[str, paramiko.SSHConfigDict]]:
    """List the jump hosts in the order in which they are passed, each with its own options."""
    if alias in seen or len(seen) > JUMPS_MAX:
        raise NotAvailable(f"The jump hosts of {alias[:100]} lead back to themselves.", hint="Look at its ProxyJump.")
    written = config.lookup(alias).get("proxyjump", "none")
    if written.lower() == "none":
        return []
    chain: list[tuple[str, paramiko.SSHConfigDict]] = []
    for number, jump in enumerate(written.split(",")):
        asked, host, port = _split(jump.strip())
        if number == 0:  # ssh passes the others by -J itself, so only the first one's own ProxyJump counts
            chain += _chain(config, host, (*seen, alias))
        options = config.lookup(host)
        options |= {"port": port} if port else {}
        options |= {"user": asked} if asked else {}
        chain.append((host, options))
    return chain


def _split(jump: str) -> tuple[str, str, str]:
    """Take [user@]host[:port] or ssh://… apart, as ssh_config(5) has it. Gives (user, host, port)."""
    user, _, rest = jump.removeprefix("ssh://").rstrip("/").rpartition("@")
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        return user, host, port.removeprefix(":")
    host, _, port = rest.partition(":")
    return (user, rest, "") if ":" in port else (user, host, port)


def _login(options: paramiko.SSHConfigDict, alias: str, person: Person) -> _Login:
    _refuse_program(options, alias)
    written = options.get("identityfile", list(DEFAULT_KEYS))
    keys = [path for path in map(person.path, written) if person.is_file(path)]
    hosts = [person.path(path) for path in options.get("userknownhostsfile", KNOWN_HOSTS).split()]
    beside = f"{keys[0]}-cert.pub" if keys else ""
    certificate = person.path(options.get("certificatefile", beside))
    return _Login(
        host=options["hostname"],
        port=int(options.get("port", SSH_PORT)),
        user=options.get("user", person.name),
        identity_file=keys[0] if keys else "",
        certificate=certificate if certificate and person.is_file(certificate) else "",
        known_hosts=next(filter(person.is_file, hosts), ""),
    )


def _refuse_program(options: paramiko.SSHConfigDict, alias: str) -> None:
    for word in PROGRAMS:
        if (value := options.get(word)) and value.lower() not in ("none", "internal", "(null)"):
            raise NotAvailable(
                f"{alias[:100]} is reached by a program: {word} {value[:100]}.",
                hint="Name jump hosts by ProxyJump instead; the server runs nothing of a person's machine.",
            )
    if options.get("permitlocalcommand", "no").lower() == "yes" and options.get("localcommand"):
        raise NotAvailable(f"{alias[:100]} runs a LocalCommand.", hint="Take it out, or register the host by hand.")


def _jump(login: _Login, mine: _Login) -> str | dict[str, Any]:
    """Write a jump host as a text where it is signed in to as the host itself."""
    return login.address() if login.files() == mine.files() else {"host": login.address(), **login.files()}


def _name(alias: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", alias.lower()).strip("-")[:63].strip("-") or "ssh"


def _notes(options: paramiko.SSHConfigDict, mine: _Login) -> Iterator[str]:
    for word, note in LEFT_OUT.items():
        harmless = ("yes", "true", "ask") if word == "stricthostkeychecking" else ("no", "none", "false")
        if word in options and str(options[word]).lower() not in harmless:
            yield f"Not taken over: {note}"
    if not mine.identity_file:
        yield "No key file was found, so the agent of the user that runs opsmodal is asked."
    if not mine.known_hosts:
        yield "No known_hosts file was found: an administrator trusts each host's key on its page."
