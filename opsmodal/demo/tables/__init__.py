"""Lists as kubectl prints them: the server decides the columns and fills them (`as=Table`).

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from opsmodal.demo.documents import Obj, dig, encode
from opsmodal.demo.storage import Record
from opsmodal.demo.tables import pods, rest, workloads
from opsmodal.demo.tables.columns import Layout

LAYOUTS: dict[str, Layout] = {"pods": pods.LAYOUT, **workloads.LAYOUTS, **rest.LAYOUTS}
PARTIAL: Obj = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
DONE = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
COMPLETED = "Completed"
View = Callable[[Record], Record]


def _as_kept(record: Record) -> Record:
    return record


def layout_of(plural: str) -> Layout:
    """Give the layout of a kind; kinds without one of their own show name and age."""
    return LAYOUTS.get(plural, rest.PLAIN)


def _object(record: Record, include: str) -> bytes:
    if include == "Object":
        return record.raw
    if include == "None":
        return b"null"
    return encode(PARTIAL | {"metadata": record.document["metadata"]})


def _row(record: Record, layout: Layout, include: str, now: datetime, view: View) -> bytes:
    row: Obj = {"cells": layout.cells(record.document, now)}
    phase = dig(record.document, "status", "phase")
    if record.document.get("kind") == "Pod" and phase in DONE:
        condition = {"type": COMPLETED, "status": "True", "reason": phase, "message": DONE[phase]}
        row["conditions"] = [condition]
    return b'%b,"object":%b}' % (encode(row)[:-1], _object(view(record), include))


def table(
    records: Sequence[Record],
    *,
    plural: str,
    metadata: Obj,
    include: str,
    now: datetime,
    columns: bool = True,
    layout: Layout | None = None,
    view: View = _as_kept,
) -> bytes:
    """Write a Table. `include` is what each row carries: Metadata, Object or None; a watch sends columns once.

    `layout` is that of a custom kind; `view` gives the object of a row in the version that was asked for.
    """
    layout = layout or layout_of(plural)
    definitions = [column.definition() for column in layout.columns] if columns else None
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions}
    rows = b",".join(_row(record, layout, include, now, view) for record in records)
    return b'%b,"rows":[%b]}' % (encode(head)[:-1], rows)
