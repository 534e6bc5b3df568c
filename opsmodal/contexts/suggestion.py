"""A way to an engine that was found, as an entry of the registry; and the address that it is made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

Kind = Literal["docker", "podman"]

SOCKETS: Mapping[Kind, str] = {"docker": "/var/run/docker.sock", "podman": "/run/podman/podman.sock"}
SSH_PORT = 22
NAME_MAX_CHARS = 63
SHOWN_MAX_CHARS = 100
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:\]-]{0,253}")
_PATH = re.compile(r"/[^\x00-\x1f\x7f]{1,1000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What may be registered. `entry` is empty where nothing can be made of it; `problem` then says why.

    `id` tells it from the others for as long as it is called the same; `source` says in words where it is from. `files`
    names, by field, the files that go with it; their texts are read when it is taken over.
    """

    id: str
    source: str
    kind: Kind
    entry: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""


class NoAddress(ValueError):
    """An address that nothing can be made of; the text is a sentence."""


def plain_name(name: str) -> str:
    """Make a name of the registry out of any text."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:NAME_MAX_CHARS].strip("-") or "engine"


def shown(text: str) -> str:
    """Make any text fit to be shown: on one line, of a bounded length."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:SHOWN_MAX_CHARS])


def entry_of(address: str, *, name: str, kind: Kind, identity: str = "") -> tuple[dict[str, Any], list[str]]:
    """Make the entry of a runtime out of an address, and say what was left out. Raise NoAddress."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise NoAddress("Its address cannot be read.") from None
    entry: dict[str, Any] = {"name": plain_name(name), "kind": kind}
    if parts.scheme == "ssh":
        way, notes = _ssh(parts, port, name=plain_name(name), identity=identity)
        return {**entry, "socket": _path(parts) or SOCKETS[kind], "connections": [way]}, notes
    if parts.scheme == "unix" and _path(parts):
        return {**entry, "socket": _path(parts)}, []
    if parts.scheme in ("tcp", "http", "https") and parts.hostname and _HOST.fullmatch(parts.netloc.rpartition("@")[2]):
        return {**entry, "socket": f"tcp://{parts.netloc.rpartition('@')[2]}"}, _without_password(parts)
    raise NoAddress(f"An address of the kind “{shown(parts.scheme) or 'none'}” is not reached from here.")


def _ssh(parts: SplitResult, port: int | None, *, name: str, identity: str) -> tuple[dict[str, Any], list[str]]:
    host, user = parts.hostname or "", unquote(parts.username or "")
    if not _HOST.fullmatch(host):
        raise NoAddress("Its address names no host.")
    if user and not _USER.fullmatch(user):
        raise NoAddress("Its address names a user that is none.")
    notes = _without_password(parts)
    if not user:
        notes.append("It names no user: put in the one to sign in as.")
    way: dict[str, Any] = {"name": name, "kind": "ssh", "host": host, "user": user or "root"}
    if port not in (None, SSH_PORT):
        way["port"] = port
    if identity:
        way["identityFile"] = {"file": identity}
    else:
        way["agent"] = True
        notes.append("It names no key: the agent of the user that runs opsmodal is used, or put in an identityFile.")
    return way, notes


def _path(parts: SplitResult) -> str:
    path = unquote(parts.path)
    return path if _PATH.fullmatch(path) and ".." not in path.split("/") else ""


def _without_password(parts: SplitResult) -> list[str]:
    return ["Its address holds a password, which is not taken over."] if parts.password else []
