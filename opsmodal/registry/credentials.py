"""From files named in a document to sealed credentials: read before anything is changed, settled against the store.

A file at hand wins. Where it is absent, a stored credential of the same fingerprint is kept, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete
from sqlalchemy.orm import Session

from opsmodal.registry import vpn
from opsmodal.registry.files import Files
from opsmodal.registry.named import KUBECONFIG, SECRETS, refs
from opsmodal.registry.reading import SECTIONS, Read, Reading, key_of, plain
from opsmodal.registry.shape import Path
from opsmodal.store import Vault
from opsmodal.store.tables import Credential
from runtimes.errors import RuntimeProblem

VPN_PROFILES = "vpnProfiles"
OWNERS = (VPN_PROFILES, "runtimes", "oidc")
"""The sections whose entries name files."""
OWN_FILE = "The document holds no secrets: write the secret into a file."
EXPORT_HINT = "Put the file there, or apply an export of this very installation."


@dataclass(slots=True)
class Named:
    """One named file. `text` is None where it is not at hand; `ref` is its place in the entry's plain values."""

    field: str
    path: Path
    ref: dict[str, Any]
    text: str | None = None
    is_new: bool = False


@dataclass(slots=True)
class Holder:
    """An entry that may name files, on its way into the store; `values` are its plain values."""

    read: Read
    values: dict[str, Any]
    files: list[Named]

    @property
    def key(self) -> str:
        """Give what the entry is kept by."""
        return key_of(self.read.section, str(self.values.get("name", "")))

    def text(self, field: str) -> str | None:
        """Give the text of one of its files; None where it is not at hand."""
        return next((one.text for one in self.files if one.field == field), None)

    def owner(self, one: Named) -> tuple[str, str, str]:
        """Name the record of one of its files."""
        return (self.read.section, self.key, one.field)


def gather(reading: Reading, files: Files, allowed_exec: Sequence[str]) -> list[Holder]:
    """Read every file that the entries of a reading name; tell what cannot be read or used."""
    allowed = allowed_exec if files.trusted else ()
    holders = []
    for section in OWNERS:
        for read in reading.entries[section]:
            values = plain(read.spec)
            named = [Named(field, (*read.path, *path), ref) for field, path, ref in refs(values)]
            for one in named:
                _fill(reading, one, files, allowed)
            holders.append(Holder(read, values, named))
    return holders


def settle(session: Session, vault: Vault, reading: Reading, holders: list[Holder], allowed: Sequence[str]) -> None:
    """Hold what was gathered against what is stored and put fingerprints into the entries; tell what is nowhere.

    `allowed` are the programs that a kubeconfig which is kept may start: it was checked when it was given.
    """
    for holder in holders:
        for one in holder.files:
            kept = one.text is None
            _settle(session, vault, reading, holder, one)
            if kept and one.field == KUBECONFIG and one.text is not None:
                _check_kubeconfig(reading, one, allowed)
        if holder.read.section == VPN_PROFILES:
            _check_profile(reading, holder)
        holder.read.spec = msgspec.convert(holder.values, SECTIONS[holder.read.section])


def warnings_of(holders: list[Holder]) -> Iterator[str]:
    """Say of which runtimes the kubeconfig lets anybody answer in the cluster's name, and what VPN profiles allow."""
    from runtimes.kubernetes.login import kubeconfig

    for holder in holders:
        if holder.read.section == VPN_PROFILES:
            yield from vpn.file_warnings(holder.read.spec, holder.text("configFile"))
        for one in holder.files:
            if one.field != KUBECONFIG or one.text is None:
                continue
            with suppress(RuntimeProblem):
                if kubeconfig.unchecked(one.text, one.ref.get("context") or None):
                    yield (
                        f"The runtime {holder.values['name']}: {kubeconfig.UNCHECKED}. Who is on the way can read and "
                        "change everything; give the kubeconfig certificate-authority-data."
                    )


def save(session: Session, vault: Vault, holders: list[Holder], now: datetime) -> None:
    """Write what is new, and drop what its entry no longer names."""
    for holder in holders:
        for one in holder.files:
            row = session.get(Credential, holder.owner(one))
            if row is not None:
                row.file_name = one.ref["file"]
            if not one.is_new:
                continue
            if row is None:
                kind, owner, field = holder.owner(one)
                row = Credential(owner_kind=kind, owner=owner, field=field, file_name=one.ref["file"])
                session.add(row)
            row.sealed = vault.seal(holder.owner(one), one.text or "")
            row.fingerprint, row.updated_at = one.ref["fingerprint"], now
        drop(session, holder.read.section, holder.key, keep=[one.field for one in holder.files])


def drop(session: Session, section: str, name: str, *, keep: Sequence[str] = ()) -> None:
    """Remove the credentials of an entry, but for some fields."""
    session.flush()
    session.execute(
        delete(Credential).where(
            Credential.owner_kind == section, Credential.owner == name, Credential.field.not_in(keep)
        )
    )


def opened(session: Session, vault: Vault, owner: tuple[str, str, str]) -> str | None:
    """Open a stored credential; None where there is none. Raise WrongKey."""
    row = session.get(Credential, owner)
    return None if row is None else vault.open(owner, row.sealed)


def _fill(reading: Reading, one: Named, files: Files, allowed_exec: Sequence[str]) -> None:
    name = str(one.ref["file"])
    try:
        one.text = files.read(one.field, name).decode("utf-8-sig")
        if "\0" in one.text:
            raise UnicodeError
    except FileNotFoundError:
        one.text = None
        if not one.ref.get("fingerprint"):
            reading.add(one.path, *_missing(one, name, files))
    except UnicodeError:
        one.text = None
        reading.add(one.path, f"The file “{name}” is not a text.", "Give it in PEM, YAML or its own text format.")
    except OSError as error:
        reading.add(one.path, f"The file “{name}” cannot be read: {error.strerror}.", "Check its owner and mode.")
    if one.text is not None and one.field == KUBECONFIG:
        _inline(reading, one, files, allowed_exec)


def _missing(one: Named, name: str, files: Files) -> tuple[str, str]:
    """Say that a file is not there; not its name where that may be the secret itself, put in the wrong place."""
    if one.path[-1] in SECRETS:
        return f"“{one.path[-1]}” names a file, and there is none of that name.", f"{files.missing_hint} {OWN_FILE}"
    return f"The file “{name}” is not there.", files.missing_hint


def _inline(reading: Reading, one: Named, files: Files, allowed_exec: Sequence[str]) -> None:
    """Make a kubeconfig whole, so that no file is needed when it is used."""
    from runtimes.kubernetes.login import kubeconfig

    try:
        one.text = kubeconfig.inlined(one.text or "", files.beside(str(one.ref["file"])))
    except RuntimeProblem as problem:
        reading.add(one.path, problem.sentence, problem.hint)
        return
    _check_kubeconfig(reading, one, allowed_exec)


def _check_kubeconfig(reading: Reading, one: Named, allowed_exec: Sequence[str]) -> None:
    from runtimes.kubernetes.login import kubeconfig

    try:
        kubeconfig.check(one.text or "", one.ref.get("context") or None, allowed_exec)
    except RuntimeProblem as problem:
        reading.add(one.path, problem.sentence, problem.hint)


def _check_profile(reading: Reading, holder: Holder) -> None:
    wrong = vpn.files_wrong(holder.read.spec, holder.text("configFile"), holder.text("authFile"))
    for key, sentence, hint in wrong:
        reading.add((*holder.read.path, key), sentence, hint)


def _settle(session: Session, vault: Vault, reading: Reading, holder: Holder, one: Named) -> None:
    row = session.get(Credential, holder.owner(one))
    stored = None if row is None else vault.open(holder.owner(one), row.sealed)
    if one.text is not None:
        one.is_new = one.text != stored
        kept = row.fingerprint if row is not None else ""
        one.ref["fingerprint"] = vault.fingerprint(one.text) if one.is_new else kept
        return
    wanted = one.ref.get("fingerprint")
    if row is not None and wanted == row.fingerprint:
        one.text = stored
    elif wanted:
        sentence = f"The file “{one.ref['file']}” is not there, and no credential with this fingerprint is stored."
        reading.add(one.path, sentence, EXPORT_HINT)
