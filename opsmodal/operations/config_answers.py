"""The values that the Config tab hands to the page and to the API, made of the runtime's by pure functions.

A value of a Secret is in them only after a reveal. No value is in what is printed of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsmodal.answers import Done
from opsmodal.listing import ListQuery, Page, SortKey, part_of
from opsmodal.operations.config_edits import Clash, Merged
from opsmodal.operations.config_values import is_text
from runtimes.base import EVERY
from runtimes.config import CertificateFacts, ConfigContent, ConfigList, ConfigObject, Use

KINDS = {"configmaps": "ConfigMap", "secrets": "Secret"}
SORTS: Mapping[str, SortKey] = {
    "name": lambda row: row.name,
    "kind": lambda row: (row.kind, row.name),
    "type": lambda row: row.type,
    "keys": lambda row: len(row.keys),
    "size": lambda row: row.size_bytes,
    "age": lambda row: row.age_s,
}
FILTERS = ("holder",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRow:
    """One of them, as a row."""

    holder: str
    kind: str
    name: str
    type: str
    keys: tuple[str, ...]
    size_bytes: int
    immutable: bool
    managed_by: str
    locked: str
    made_at: datetime | None
    age_s: int | None
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key. `seen` names the value that is shown, for saving it: 412 or a merge when it is another by then."""

    key: str
    size_bytes: int
    text: bool
    masked: bool
    seen: str
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigAnswer:
    """One with its keys. `values` is text, `binary` base64; null where it is masked: sent back so, it stays."""

    holder: str
    kind: str
    name: str
    type: str
    immutable: bool
    managed_by: str
    locked: str
    made_at: datetime | None
    size_bytes: int
    revision: str
    revealed: bool
    keys: tuple[KeyRow, ...]
    values: Mapping[str, str | None] = field(repr=False)
    binary: Mapping[str, str | None] = field(repr=False)
    certificate: CertificateFacts | None
    registries: tuple[str, ...]
    uses: tuple[Use, ...]
    restartable: tuple[str, ...]
    """Workloads of this service that see a new value only after a restart."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDone(Done):
    """What was done, and the revision that there is now."""

    revision: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """An edit of what moved meanwhile. `revision` is what there is now."""

    holder: str
    kind: str
    name: str
    revision: str
    clashes: tuple[Clash, ...]
    shows_values: bool


def page_of(found: ConfigList, query: ListQuery, now: datetime) -> Page[ConfigRow]:
    """Search, sort and cut; by kind and name unless it is sorted otherwise."""
    rows = sorted((config_row(each, now) for each in found.items), key=SORTS["kind"])
    wanted = query.filters.get("holder")
    part = part_of([row for row in rows if wanted in (None, row.holder)], query, SORTS, first="kind", text=_text)
    return Page(
        items=part.items,
        total=part.total,
        next=part.next,
        as_of=found.as_of,
        counts={holder: sum(row.holder == holder for row in rows) for holder in KINDS},
        notes=found.notes,
    )


def _text(row: ConfigRow) -> str:
    return " ".join((row.name, row.kind, row.type, *row.keys))


def config_row(about: ConfigObject, now: datetime) -> ConfigRow:
    """Flatten one into a row."""
    return ConfigRow(
        holder=about.holder,
        kind=KINDS[about.holder],
        name=about.name,
        type=about.type,
        keys=about.keys,
        size_bytes=about.size_bytes,
        immutable=about.immutable,
        managed_by=about.managed_by,
        locked=about.locked,
        made_at=about.made_at,
        age_s=None if about.made_at is None else max(0, int((now - about.made_at).total_seconds())),
        revision=about.revision,
    )


def config_answer(
    content: ConfigContent, *, seen: Mapping[str, str], revealed: bool, restartable: tuple[str, ...]
) -> ConfigAnswer:
    """Give one with its keys, and with values where they are no secret or were revealed."""
    about, texts = content.about, {key: is_text(value) for key, value in content.values.items()}
    return ConfigAnswer(
        holder=about.holder,
        kind=KINDS[about.holder],
        name=about.name,
        type=about.type,
        immutable=about.immutable,
        managed_by=about.managed_by,
        locked=about.locked,
        made_at=about.made_at,
        size_bytes=about.size_bytes,
        revision=about.revision,
        revealed=revealed,
        keys=tuple(
            KeyRow(
                key=key,
                size_bytes=len(value),
                text=texts[key],
                masked=not revealed,
                seen=seen[key],
                uses=tuple(use for use in content.uses if use.key in (key, EVERY)),
            )
            for key, value in content.values.items()
        ),
        values={key: value.decode() if revealed else None for key, value in content.values.items() if texts[key]},
        binary={key: _encoded(value) if revealed else None for key, value in content.values.items() if not texts[key]},
        certificate=content.certificate,
        registries=content.registries,
        uses=content.uses,
        restartable=restartable,
        notes=content.notes,
    )


def merge_of(content: ConfigContent, merged: Merged) -> Merge:
    """Give both sides of an edit of what moved meanwhile."""
    about = content.about
    return Merge(
        holder=about.holder,
        kind=KINDS[about.holder],
        name=about.name,
        revision=about.revision,
        clashes=merged.clashes,
        shows_values=about.holder == "configmaps",
    )


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
