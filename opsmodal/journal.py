"""The log of the process, on standard error: one JSON object a line for machines, or a line for people.

A message is constant and what varies are keyed fields, so that a log can be searched and counted. While a request is
answered each line carries its id. Secrets in messages, fields and traces are masked (opsmodal.audit.redaction). Nothing
here writes to a file, rotates or sends: that is the service manager's work.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
from flask import g, has_request_context

from opsmodal.audit.redaction import MASK, is_sensitive, redacted

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; whatever else is on one was given as a keyed field."""
TRACE_MAX_CHARS = 16_000
FIELD_MAX_CHARS = 2_000
"""A field may quote what a runtime or a stranger said."""


def keep_journal(form: str, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream`, as `json`, `text`, or `auto` by whether it is a terminal."""
    to = stream or sys.stderr
    people_watch = form == "text" or (form == "auto" and to.isatty())
    handler = logging.StreamHandler(to)
    handler.setFormatter(_Words() if people_watch else _Json())
    handler.addFilter(_with_request_id)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries; our own three packages say more
    for package in ("opsmodal", "runtimes", "connectors"):
        logging.getLogger(package).setLevel(logging.INFO)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Give the keyed fields of a record, shortened and without secrets."""
    given = ((name, value) for name, value in vars(record).items() if name not in _KNOWN and value != "")
    return {name: MASK if is_sensitive(name) else _short(value) for name, value in given}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": _short(record.getMessage()),
            "logger": record.name,
            "process": os.getpid(),
            **fields_of(record),
        }
        if record.exc_info:
            line["trace"] = redacted(self.formatException(record.exc_info))[-TRACE_MAX_CHARS:]
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Words(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="seconds")
        said = " ".join(f"{name}={_plain(value)}" for name, value in fields_of(record).items())
        line = f"{at} {record.levelname.lower():7} {_plain(redacted(record.getMessage()))} {said}".rstrip()
        return f"{line}\n{redacted(self.formatException(record.exc_info))}" if record.exc_info else line


def _with_request_id(record: logging.LogRecord) -> bool:
    if has_request_context() and not hasattr(record, "request_id"):
        record.request_id = g.get("request_id", "")
    return True


def _short(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = redacted(str(value).encode("utf-8", "replace").decode())
    return text if len(text) <= FIELD_MAX_CHARS else f"{text[:FIELD_MAX_CHARS]}…"


def _plain(value: object) -> str:
    """Put a value on one line: what a stranger sent must not look like a line of its own, or steer a terminal."""
    text = str(value)
    return text if text.isprintable() else repr(text)
