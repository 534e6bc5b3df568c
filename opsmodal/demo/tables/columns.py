"""A printed table of a kind: its columns, and how a row is read out of an object. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.tables.ages import since

Cells = Callable[[Obj, datetime], list[Any]]
NONE = "<none>"
TYPES = {"#": "integer", "?": "boolean", "@": "date"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Those of `wide` show with `-o wide` only."""

    name: str
    wide: bool = False
    type: str = "string"
    format: str = ""

    def definition(self) -> Obj:
        """Give the column as the Table says it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.name,
            "priority": int(self.wide),
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a kind and what fills them."""

    columns: tuple[Column, ...]
    cells: Cells


def layout(plain: str, wide: str, cells: Cells) -> Layout:
    """Make a layout out of column names divided by `|`; those of `wide`, or with a `+` before them, show only there.

    A sign after a name is its type, where that is not text: `#` a whole number, `?` yes or no, `@` a time.
    """
    names = [*plain.split("|"), *(f"+{name}" for name in filter(None, wide.split("|")))]
    return Layout(tuple(map(_column, names)), cells)


def _column(text: str) -> Column:
    name, type_ = text.lstrip("+"), TYPES.get(text[-1], "string")
    name = name[:-1] if name[-1] in TYPES else name
    return Column(name, wide=text.startswith("+"), type=type_, format="name" if name == "Name" else "")


def name(document: Obj) -> str:
    """Give the name of an object."""
    return str(document["metadata"]["name"])


def age(document: Obj, now: datetime) -> str:
    """Give the age of an object."""
    return since(dig(document, "metadata", "creationTimestamp"), now)


def selector_text(selector: Obj | None) -> str:
    """Write a selector of an object, or the plain map of a Service."""
    if not selector:
        return NONE
    labels = selector.get("matchLabels", selector if "matchExpressions" not in selector else {}) or {}
    terms = [f"{key}={value}" for key, value in sorted(labels.items())]
    for expression in selector.get("matchExpressions") or ():
        values = ",".join(expression.get("values") or ())
        operator = {"In": "in", "NotIn": "notin"}.get(expression["operator"], "")
        terms.append(f"{expression['key']} {operator} ({values})" if operator else expression["key"])
    return ",".join(terms) or NONE


def containers_of(document: Obj, *path: str) -> tuple[str, str]:
    """Give the names and the images of a template's containers, as two texts."""
    containers = dig(document, *path, "containers") or ()
    return ",".join(c["name"] for c in containers), ",".join(c.get("image", "") for c in containers)
