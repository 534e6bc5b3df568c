"""The verbs and flags of docker and podman, as data beside the code (`opsmodal/guard/tables/docker.json`, …).

A test holds them against the help of the installed programs. They name every flag of the verbs that run, also those
that are refused: whoever does not know that a flag takes the next word does not see what follows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct

from opsmodal.guard.pflag import Flag, Table, Takes
from opsmodal.paths import PACKAGE
from runtimes.structs import make_ready

Program = Literal["docker", "podman"]


class FlagRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flag of one verb, and what becomes of it.

    `use`: "pass" writes it anew, "follow" does so in streams only, "filter" narrows a list, "inner" belongs to an exec,
    "kind" is the type of inspect; anything else is the rule that refuses it. `shape` is what its value must match,
    `csv`: its value holds several ones parted by commas, `many`: each occurrence counts, not the last one.
    `emit` is how it is written, where versions of the program do not agree on its long name.
    """

    name: str
    short: str = ""
    takes: Takes = Takes.VALUE
    also: tuple[str, ...] = ()
    use: str = "pass"
    shape: str = ""
    csv: bool = False
    many: bool = False
    emit: str = ""


class VerbRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One verb: `spellings` are all ways to write it, `row` its row in the policy, `names` which containers it takes.

    `ends` are the flags of which one has to be given for it to end by itself, and `closing` the one to suggest.
    `narrow` is the key of the filter that leaves the service's own containers, `filters` the keys that may be added,
    `relative` those whose value is a container. `fixed` are flags that are always written.
    """

    name: str
    spellings: tuple[str, ...]
    row: Literal["view", "logs", "exec", "manage", "engine"]
    names: Literal["none", "one", "some", "all", "exec", "top", "port"]
    flags: tuple[FlagRow, ...]
    interspersed: bool = True
    confirm: bool = False
    long: bool = False
    narrow: str = ""
    filters: frozenset[str] = frozenset()
    relative: frozenset[str] = frozenset()
    ends: tuple[str, ...] = ()
    closing: str = ""
    fixed: tuple[str, ...] = ()


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: flags in front of the verb, the verbs that run, and others by the rule that refuses them."""

    globals: tuple[FlagRow, ...]
    verbs: tuple[VerbRow, ...]
    refused: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb with its flags as the parser wants them; `rows` are the same flags by name."""

    row: VerbRow
    table: Table
    rows: Mapping[str, FlagRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """One program: `verbs` by their words, `groups` the first words of two, `refused` the rule of every other verb."""

    program: Program
    front: Table
    verbs: Mapping[tuple[str, ...], Verb]
    groups: frozenset[str]
    refused: Mapping[str, str]


@cache
def grammar(program: Program) -> Grammar:
    """Read the tables of a program, once."""
    path = PACKAGE / "guard" / "tables" / f"{program}.json"
    document = msgspec.json.decode(path.read_bytes(), type=Document)
    verbs = {
        tuple(spelling.split()): verb
        for verb in (_verb(row) for row in document.verbs)
        for spelling in verb.row.spellings
    }
    return Grammar(
        program=program,
        front=_table(document.globals),
        verbs=verbs,
        groups=frozenset(words[0] for words in verbs if len(words) > 1),
        refused={verb: rule for rule, names in document.refused.items() for verb in names},
    )


def _verb(row: VerbRow) -> Verb:
    return Verb(row=row, table=_table(row.flags), rows={flag.name: flag for flag in row.flags})


def _table(rows: Sequence[FlagRow]) -> Table:
    return Table.of(Flag(name=row.name, short=row.short, takes=row.takes, also=row.also) for row in rows)


make_ready(globals())
