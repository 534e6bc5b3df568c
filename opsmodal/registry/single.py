"""Entries of which there is one at most, kept among the store's named values: a table for one row would say no more.

It keeps no credentials: these are sealed beside those of every other entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from opsmodal.registry.reading import SINGLE, plain, revived
from opsmodal.registry.schema import Spec
from opsmodal.store.tables import Mark

VALUE_MAX_CHARS = 4096
"""What the column of a named value takes on PostgreSQL (`opsmodal.store.tables.registry.Mark`)."""
NOTED_CHARS = 350
"""Of these, what the author (at most 255 characters) and the moment take."""
SPEC_MAX_CHARS = VALUE_MAX_CHARS - NOTED_CHARS


def load(session: Session, section: str) -> dict[str, Spec]:
    """Read the only entry of a section, if there is one, by its key."""
    row = session.get(Mark, _name(section))
    return {} if row is None else {section: revived(section, msgspec.json.decode(row.value)["spec"])}


def save(session: Session, section: str, spec: Spec, now: datetime, by: str) -> None:
    """Write the only entry of a section, and who did."""
    value = _written({"spec": plain(spec), "by": by, "at": now})
    row = session.get(Mark, _name(section), with_for_update=True)
    if row is None:
        session.add(Mark(name=_name(section), value=value))
    else:
        row.value = value
    session.flush()


def remove(session: Session, section: str) -> bool:
    """Remove the only entry of a section; tell whether it was there."""
    row = session.get(Mark, _name(section))
    if row is not None:
        session.delete(row)
    return row is not None


def too_large(spec: Spec) -> bool:
    """Tell whether an entry is larger than what can be kept of it."""
    return len(_written(plain(spec))) > SPEC_MAX_CHARS


def _written(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _name(section: str) -> str:
    if section not in SINGLE:
        raise ValueError(f"there may be many entries of {section!r}")
    return f"registry-{section}"
