"""Writes audit rows for other programs, pure: JSON lines that anybody can check, and CSV that a spreadsheet may open.

Every row is written as it stands, hash and all. A cell of CSV is never a formula: whoever writes a log line, a name
or a command would otherwise run something on the desk of the auditor (OWASP, "CSV Injection"). Nor does it break a
line, so that what reads line by line takes no name for a row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from opsmodal.store.tables import AuditRow

COLUMNS = (
    "id",
    "at",
    "entry",
    "intent_id",
    "actor",
    "via",
    "address",
    "service",
    "action",
    "target",
    "verdict",
    "rule",
    "outcome",
    "exit_code",
    "duration_ms",
    "bytes",
    "detail",
    "reason",
    "request_id",
    "hash",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a cell for a formula, the full-width forms as well."""


def fields(row: AuditRow) -> dict[str, Any]:
    """Give the fields of a row by the names of the export."""
    return {column: getattr(row, "bytes_count" if column == "bytes" else column) for column in COLUMNS}


def json_lines(rows: Iterable[AuditRow]) -> Iterator[bytes]:
    """Write one JSON object for each row."""
    for row in rows:
        yield msgspec.json.encode(fields(row)) + b"\n"


def csv_lines(rows: Iterable[AuditRow]) -> Iterator[bytes]:
    """Write a head and one line for each row (RFC 4180)."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line([_cell(value) for value in fields(row).values()])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    text = f"'{text}" if text.startswith(FORMULA) else text
    return "\\n".join(text.splitlines())


def _line(cells: Iterable[str]) -> bytes:
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerow(cells)
    return target.getvalue().encode()


FORMATS = {"jsonl": (json_lines, "application/x-ndjson"), "csv": (csv_lines, "text/csv")}
"""How an export can be written, and what it then is."""
