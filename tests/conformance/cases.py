"""The table of cases: what is typed, and what a real cluster answers. `cases/*.yaml` is the data, this its reading.

A topic is a file: manifests and command lines that prepare a namespace, then lines that are typed in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("cases")
Match = str
"""How `out` is compared: `whole`, `has` (each of its lines, in their order), `sorted` (in any order), `none`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line that is typed. `within_s` lets an answer come true; `real` False says in `why` where it holds."""

    id: str
    line: str
    code: int = 0
    out: str = ""
    err: str = ""
    match: Match = "whole"
    within_s: float = 0.0
    user: str = "admin"
    typed: str = ""
    masks: tuple[tuple[str, str], ...] = ()
    real: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One file: `files` lie in the folder where lines are typed, `setup` lines must succeed before the first case."""

    name: str
    files: dict[str, str]
    setup: tuple[str, ...]
    cases: tuple[Case, ...] = field(default=())


def _case(row: dict[str, Any]) -> Case:
    row = dict(row)
    masks = tuple((pattern, word) for pattern, word in (row.pop("masks", None) or {}).items())
    return Case(masks=masks, **row)


@cache
def topic(name: str) -> Topic:
    """Read one topic."""
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return Topic(
        name=name,
        files=document.get("files") or {},
        setup=tuple(document.get("setup") or ()),
        cases=tuple(map(_case, document["cases"])),
    )


def names() -> list[str]:
    """Give the names of all topics."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def case(topic_name: str, case_id: str) -> Case:
    """Give one case."""
    return next(case for case in topic(topic_name).cases if case.id == case_id)
