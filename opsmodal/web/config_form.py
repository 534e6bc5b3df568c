"""What the forms of the Config tab send, as edits; and edits carried from a plan or a merge to the next step.

A browser writes CR LF for every line end of a field: what is shown in one has neither, so they are taken out again.
Files are taken as they are. It judges no key and no value.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from flask import Request

from opsmodal.errors import BadRequest
from opsmodal.operations.config_edits import Edit, Edits
from opsmodal.operations.config_values import Login
from opsmodal.web.ansi import ACTING

PACKED_MAX_BYTES = 8_000_000
"""What carried edits may unfold to: values of 3 MB at most, as base64 in JSON, and then some."""
PARTS_MAX = 20_000
ROWS_MAX = 3_000
"""Rows of a form at most; keys that a form does not name stay as they are."""
HELD_MAX_BYTES = 1_048_576
"""Of a file that a form holds on to: what is larger is in no ConfigMap or Secret, and fits into no second request."""
BROKEN = "Open the page again and repeat them."
ROWS_SHOWN_MAX = 500
"""Rows that a form shows; what has more keys is edited by the API."""
LOGIN_KEY = ".dockerconfigjson"
LEVEL = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form sent: `packed` is the same for the next step, `restart` the workloads that were ticked."""

    edits: Edits
    packed: str
    restart: tuple[str, ...] = ()


class _Row(msgspec.Struct, omit_defaults=True, array_like=True):
    key: str
    was: str = ""
    seen: str = ""
    value: bytes | None = None
    removed: bool = False
    login: tuple[str, str, str] | None = None
    shown: bool = False

    def __repr__(self) -> str:
        return "_Row()"


def sent_edits(asked: Request) -> Sent:
    """Read the edits of a form. Raise BadRequest or Rejected for what is none."""
    asked.max_form_parts = PARTS_MAX
    restart = tuple(dict.fromkeys(name for each in asked.form.getlist("restart") for name in each.split()))
    packed = asked.form.get("edits", "")
    if packed:
        edits = _settled(unpacked(packed), asked.form)
        return Sent(edits, pack(edits), restart)
    edits = Edits((*_rows(asked), *_login(asked.form)))
    return Sent(edits, pack(edits), restart)


def is_plain(text: str) -> bool:
    """Tell whether a field shows a text as it is: characters that act are shown as others, and would be saved so."""
    return ACTING.search(text) is None


def pack(edits: Edits) -> str:
    """Write edits as one field of a form."""
    rows = [
        _Row(
            key=each.key,
            was=each.was,
            seen=each.seen,
            value=each.value,
            removed=each.removed,
            login=(each.login.server, each.login.user, each.login.password) if each.login else None,
            shown=each.shown,
        )
        for each in edits.items
    ]
    return base64.urlsafe_b64encode(zlib.compress(msgspec.msgpack.encode(rows), LEVEL)).decode()


def unpacked(packed: str) -> Edits:
    """Read what `pack` wrote. Raise BadRequest for anything else."""
    try:
        unfolding = zlib.decompressobj()
        data = unfolding.decompress(base64.urlsafe_b64decode(packed.encode("ascii")), PACKED_MAX_BYTES)
        rows = _ROWS.decode(data) if unfolding.eof else None
    except (ValueError, binascii.Error, zlib.error, msgspec.MsgspecError):
        rows = None
    if rows is None:
        raise BadRequest("The edits of this form are broken.", hint=BROKEN)
    return Edits(tuple(_edit(row) for row in rows))


def _settled(edits: Edits, form: Mapping[str, str]) -> Edits:
    """Take what was chosen for each key on the page that shows both sides; nothing where that was not asked."""
    theirs, mine = set(), {}
    for number in range(1, ROWS_MAX):
        key = form.get(f"clash.{number}")
        if key is None:
            break
        if form.get(f"take.{number}") == "mine":
            mine[key] = form.get(f"clash-seen.{number}", "")
        else:
            theirs.add(key)
    return edits.settled(theirs=theirs, mine=mine)


def _edit(row: _Row) -> Edit:
    login = Login(server=row.login[0], user=row.login[1], password=row.login[2]) if row.login else None
    return Edit(
        key=row.key,
        was=row.was,
        seen=row.seen,
        value=row.value,
        removed=row.removed,
        login=login,
        shown=row.shown,
    )


def _rows(asked: Request) -> Iterator[Edit]:
    """Read the rows of a form; a row for a new key that was left empty is none."""
    form = asked.form
    numbers = sorted({name[4:] for name in form if name.startswith("key.") and name[4:].isdigit()}, key=int)
    for number in numbers[:ROWS_MAX]:
        key, was = form.get(f"key.{number}", "").strip(), form.get(f"was.{number}", "")
        value, is_removed = _value(asked, number), bool(form.get(f"remove.{number}"))
        if not was and (is_removed or (not key and not value)):
            continue
        yield Edit(
            key=key or (was if is_removed else ""),
            was=was,
            seen=form.get(f"seen.{number}", ""),
            value=b"" if value is None and not was else value,
            removed=is_removed,
            shown=form.get(f"shown.{number}") == "true",
        )


def _value(asked: Request, number: str) -> bytes | None:
    """Give the value of a row: a file that was chosen, the text, the file of before; None keeps what is there."""
    upload = asked.files.get(f"file.{number}")
    if upload is not None and upload.filename:
        return upload.stream.read()
    text = asked.form.get(f"value.{number}")
    if text:
        return text.replace("\r\n", "\n").encode()
    if asked.form.get(f"held.{number}") and not asked.form.get(f"drop.{number}"):
        return _held(asked.form[f"held.{number}"])
    is_shown = asked.form.get(f"shown.{number}") == "true"
    return b"" if text is not None and (is_shown or asked.form.get(f"empty.{number}")) else None


def _held(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadRequest("A file of this form is broken.", hint=BROKEN) from error


def _login(form: Mapping[str, str]) -> Iterator[Edit]:
    server, user, password = (form.get(f"login.{part}", "") for part in ("server", "user", "password"))
    if server or user or password:
        was = LOGIN_KEY if form.get("login.was") else ""
        yield Edit(key=LOGIN_KEY, was=was, login=Login(server=server, user=user, password=password))


_ROWS: msgspec.msgpack.Decoder[list[_Row]] = msgspec.msgpack.Decoder(list[_Row])
