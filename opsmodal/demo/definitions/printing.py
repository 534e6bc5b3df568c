"""The printed rows of custom kinds: the columns that their definition asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsmodal.demo.definitions.jsonpath import found_at
from opsmodal.demo.documents import Obj, encode
from opsmodal.demo.kinds import Custom
from opsmodal.demo.tables.ages import UNKNOWN, since
from opsmodal.demo.tables.columns import Column, Layout, name

AGE: Mapping[str, Any] = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
"""What a kind shows that asks for no column."""


def layout_of(custom: Custom) -> Layout:
    """Give the layout of a custom kind: its name, then its columns."""
    wanted = custom.columns or (AGE,)
    columns = [
        Column(
            name=str(column["name"]),
            wide=bool(column.get("priority")),
            type=str(column["type"]),
            format=str(column.get("format", "")),
        )
        for column in wanted
    ]

    def cells(document: Obj, now: datetime) -> list[Any]:
        return [name(document), *(_cell(document, column, now) for column in wanted)]

    return Layout((Column("Name", format="name"), *columns), cells)


def _cell(document: Obj, column: Mapping[str, Any], now: datetime) -> Any:
    values = found_at(document, str(column["jsonPath"]))
    if not values or values[0] is None:
        return UNKNOWN if column["type"] == "date" else None
    value = values[0]
    if column["type"] == "date":
        return since(str(value), now)
    if column["type"] == "string":
        text = [part if isinstance(part, str) else encode(part).decode() for part in values]
        return ",".join(text)
    return value
