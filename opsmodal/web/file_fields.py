"""Texts of files that a form sends: pasted into a field or chosen as a file; and which fields an entry asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request

from opsmodal.errors import BadRequest, Problem
from opsmodal.registry.files import CREDENTIAL_MAX_BYTES
from opsmodal.registry.named import SECRETS, login_refs

UPLOAD = ".upload"
"""A field X is pasted into X, or chosen as X.upload; what is pasted wins."""
LABELS = {
    "identityFile": "Private key",
    "certificate": "Certificate of the key",
    "passphrase": "Passphrase of the key",
    "password": "Password",
    "knownHosts": "Known host keys",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileField:
    """A field for a file that a connection names; `stored`: it is there already, and stays when nothing is given."""

    name: str
    label: str
    hint: str
    problem: str
    stored: bool
    one_line: bool


def given(sent: Request) -> dict[str, str]:
    """Read the texts of a form, by field, with plain line ends. Raise BadRequest for a file that is no text."""
    texts = {name: text.replace("\r\n", "\n") for name, text in sent.form.items() if text.strip()}
    for name, upload in sent.files.items():
        field = name.removesuffix(UPLOAD)
        data = upload.stream.read(CREDENTIAL_MAX_BYTES + 1)
        if not data or field in texts:
            continue
        try:
            texts[field] = data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise BadRequest(f"The file for {field} is not a text.", hint="Choose the text file itself.") from None
    return texts


def login_fields(connections: Any, problems: Sequence[Problem] = ()) -> list[FileField]:
    """List the fields for the files that the SSH logins of an entry name, each with what is wrong with it."""
    told = {problem.field: f"{problem.sentence} {problem.hint}".strip() for problem in problems}
    return [
        FileField(
            name=field,
            label=_label(field, path[-1]),
            hint=_hint(ref),
            problem=told.get(_spoken(path), ""),
            stored=_is_stored(ref),
            one_line=path[-1] in SECRETS,
        )
        for field, path, ref in login_refs(connections)
    ]


def login_texts(connections: Any, texts: Mapping[str, str]) -> dict[str, str]:
    """Take those texts of a form that are for files of SSH logins."""
    return {field: texts[field] for field, _, _ in login_refs(connections) if texts.get(field)}


def _label(field: str, key: object) -> str:
    parts = field.split(".")
    way = f"jump host {int(parts[3]) + 1} of {parts[1]}" if "jump" in parts[2:3] else parts[1]
    return f"{LABELS[str(key)]}, {way}"


def _hint(ref: Any) -> str:
    name = ref.get("file", "") if isinstance(ref, dict) else ref
    if _is_stored(ref):
        return f"Stored: {name}. It is not shown; give another one to replace it."
    return f"The text of {name}. Stored encrypted and never shown again."


def _is_stored(ref: Any) -> bool:
    return isinstance(ref, dict) and bool(ref.get("fingerprint"))


def _spoken(path: Sequence[object]) -> str:
    """Write a path as problems have it: connections[0].identityFile."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
