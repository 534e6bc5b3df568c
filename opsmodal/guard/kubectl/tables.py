"""The flags of each kubectl command, and the kinds that every cluster has: data, read once when it is first asked for.

`python -m tests.unit.guard.tables --write` writes the flags from the help of the installed program; a test holds the
two together. A newer kubectl that knows more than the table is safe: what is not in it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from opsmodal.guard.pflag import Flag, Table, Takes

TABLES = Path(__file__).parents[1] / "tables"


@cache
def verb_tables() -> Mapping[str, Table]:
    """Give the table of each command by its words, as `rollout status`. A command's own flags hide global ones."""
    data = _read("kubectl.json")
    common = tuple(map(_flag, data["globals"]))
    return {path: Table.of((*common, *map(_flag, own)), underscores=True) for path, own in data["verbs"].items()}


@cache
def global_table() -> Table:
    """Give the flags that every command knows."""
    return Table.of(map(_flag, _read("kubectl.json")["globals"]), underscores=True)


@cache
def kinds_data() -> Mapping[str, list[list[str]]]:
    """Give the built-in kinds by scope: rows of group, plural, singular and short names."""
    return {scope: [row.split() for row in rows] for scope, rows in _read("kubernetes-kinds.json").items()}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLES.joinpath(name).read_text(encoding="utf-8"))
    return found


def _flag(row: Mapping[str, str]) -> Flag:
    return Flag(
        name=row["name"],
        short=row.get("short", ""),
        takes=Takes(row.get("takes", "value")),
        implied=row.get("implied", "true"),
    )
