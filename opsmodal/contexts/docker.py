"""Docker contexts: ~/.docker/contexts/meta/HASH/meta.json, and PEM files in ~/.docker/contexts/tls/HASH/docker.

Source: docs.docker.com, "Docker contexts"; cli/context/store of docker/cli. HASH is the SHA-256 of the name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from opsmodal.contexts.reading import Unreadable, read_text, shown_path
from opsmodal.contexts.suggestion import NoAddress, Suggestion, entry_of, shown

CONTEXTS_MAX = 100
FOLDER = Path(".docker/contexts")
PARTS = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}


class Endpoint(msgspec.Struct, frozen=True):
    host: str = msgspec.field(default="", name="Host")
    skips_check: bool = msgspec.field(default=False, name="SkipTLSVerify")


class Meta(msgspec.Struct, frozen=True):
    name: str = msgspec.field(default="", name="Name")
    endpoints: dict[str, Endpoint] = msgspec.field(default_factory=dict, name="Endpoints")


def contexts(home: Path) -> Iterator[Suggestion]:
    """Give the contexts of a home, by folder."""
    metas = home / FOLDER / "meta"
    try:
        folders = sorted(each.name for each in metas.iterdir())[:CONTEXTS_MAX]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        told = f"{shown_path(metas, home=home)} cannot be read: {error.strerror}."
        yield Suggestion(id="docker", source="Docker contexts", kind="docker", problem=told)
        return
    for folder in folders:
        found = _context(home, folder)
        if found is not None:
            yield found


def _context(home: Path, folder: str) -> Suggestion | None:
    path = home / FOLDER / "meta" / folder / "meta.json"
    id_ = f"docker-{hashlib.sha256(folder.encode(errors='replace')).hexdigest()[:12]}"
    nameless = "Docker context"
    try:
        text = read_text(path, home=home)
        if text is None:
            return None
        meta = msgspec.json.decode(text.encode(), type=Meta)
    except Unreadable as problem:
        return Suggestion(id=id_, source=nameless, kind="docker", problem=str(problem))
    except (ValueError, RecursionError):
        told = f"{shown_path(path, home=home)} is not what docker writes there."
        return Suggestion(id=id_, source=nameless, kind="docker", problem=told)
    return _made(home, meta, folder, id_)


def _made(home: Path, meta: Meta, folder: str, id_: str) -> Suggestion | None:
    endpoint, source = meta.endpoints.get("docker"), f"Docker context {shown(meta.name) or 'without a name'}"
    if endpoint is None or not endpoint.host:
        return None  # a context of the default socket, or of something else than an engine
    try:
        entry, notes = entry_of(endpoint.host, name=meta.name, kind="docker")
    except NoAddress as problem:
        return Suggestion(id=id_, source=source, kind="docker", problem=str(problem))
    files: dict[str, str] = {}
    if entry["socket"].startswith("tcp://"):
        pems = home / FOLDER / "tls" / folder / "docker"
        files = {f"tls.{part}": str(pems / name) for part, name in PARTS.items() if (pems / name).exists()}
        entry["tls"] = {field.removeprefix("tls."): {"file": Path(path).name} for field, path in files.items()}
        if endpoint.skips_check:
            notes.append("It does not check the engine's certificate; here one is always checked.")
    entry = {key: value for key, value in entry.items() if value}
    return Suggestion(id=id_, source=source, kind="docker", entry=entry, files=files, notes=tuple(notes))
