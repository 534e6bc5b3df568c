"""Podman connections: podman-connections.json (Podman 5) and [engine.service_destinations] of containers.conf (4).

Source: containers.conf(5) and podman-system-connection(1). Both are in ~/.config/containers; a name in the newer file
stands for that in the older one, as it does for podman.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from opsmodal.contexts.reading import Unreadable, read_text, shown_path
from opsmodal.contexts.suggestion import NoAddress, Suggestion, entry_of, shown

FOLDER = Path(".config/containers")
CONNECTIONS, CONF, CONF_FOLDER = "podman-connections.json", "containers.conf", "containers.conf.d"
CONNECTIONS_MAX = 100
FILES_MAX = 20


class Destination(msgspec.Struct, frozen=True):
    """One connection; `identity` is the path of a private key."""

    uri: str = ""
    identity: str = ""


def connections(home: Path) -> Iterator[Suggestion]:
    """Give the connections of a home by name, each once, and what could not be read."""
    found: dict[str, Suggestion] = {}
    for path in _files(home):
        told = shown_path(path, home=home)
        try:
            text = read_text(path, home=home)
            if text is None:
                continue
            for name, destination in _destinations(text, is_json=path.name == CONNECTIONS).items():
                found.setdefault(name, _made(name, destination, home))
        except Unreadable as problem:
            yield _broken(told, str(problem))
        except (ValueError, RecursionError):
            yield _broken(told, f"{told} is not what podman writes there.")
    yield from [found[name] for name in sorted(found)][:CONNECTIONS_MAX]


def _files(home: Path) -> list[Path]:
    folder = home / FOLDER
    try:
        more = sorted(each for each in (folder / CONF_FOLDER).iterdir() if each.suffix == ".conf")[:FILES_MAX]
    except OSError:
        more = []
    return [folder / CONNECTIONS, *reversed(more), folder / CONF]


def _destinations(text: str, *, is_json: bool) -> dict[str, Destination]:
    if is_json:
        listed = _at(msgspec.json.decode(text.encode()), "Connection", "Connections")
        renamed = {name: _lowered(each) for name, each in listed.items()}
        return msgspec.convert(renamed, dict[str, Destination])
    return msgspec.convert(_at(tomllib.loads(text), "engine", "service_destinations"), dict[str, Destination])


def _at(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = _table(value).get(key) or {}
    return _table(value)


def _table(value: Any) -> dict[str, Any]:
    return msgspec.convert(value, dict[str, Any])


def _lowered(each: Any) -> Any:
    return {str(key).lower(): value for key, value in each.items()} if isinstance(each, dict) else each


def _made(name: str, destination: Destination, home: Path) -> Suggestion:
    id_, source = f"podman-{hashlib.sha256(name.encode()).hexdigest()[:12]}", f"Podman connection {shown(name)}"
    identity = destination.identity
    key = home / identity.removeprefix("~/") if identity.startswith("~/") else Path(identity)
    try:
        entry, notes = entry_of(destination.uri, name=name, kind="podman", identity=key.name if identity else "")
    except NoAddress as problem:
        return Suggestion(id=id_, source=source, kind="podman", problem=str(problem))
    files = {f"connections.{entry['name']}.identityFile": str(key)} if identity and "connections" in entry else {}
    return Suggestion(id=id_, source=source, kind="podman", entry=entry, files=files, notes=tuple(notes))


def _broken(told: str, problem: str) -> Suggestion:
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    return Suggestion(id=f"broken-{digest}", source="Podman connections", kind="podman", problem=problem)
