"""The forms of the Config tab as they are shown: of what there is, or once more as they were sent, and what is wrong.

What somebody typed comes back whole, values of a Secret too: in the answer to what they sent, and nowhere else. A file
that no field can show is held in the form, so that it need not be chosen again. It judges nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connectors.errors import ConnectionProblem
from opsmodal.errors import Problem, Refusal, Rejected
from opsmodal.operations.config_answers import KINDS, ConfigAnswer, KeyRow
from opsmodal.operations.config_edits import Edit, Edits
from opsmodal.operations.config_values import Login, is_text
from opsmodal.web.again import grant_of, problem_of
from opsmodal.web.config_form import HELD_MAX_BYTES, ROWS_SHOWN_MAX, Sent, is_plain
from runtimes.errors import RuntimeProblem

BLANK_ROWS, NEW_ROWS = 2, 3
"""Rows for new keys: in a form with others, and in that of a new object."""
LOST = "This value was not shown here, so it is not known any more. Its versions may have it."
TLS_KEYS = (("tls.crt", "Certificate and chain, in PEM"), ("tls.key", "Private key, in PEM, not encrypted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    """One row. `text` is in its field; `held` are bytes that no field shows, as base64; `kept` what stays unseen."""

    number: int
    key: str = ""
    was: str = ""
    seen: str = ""
    text: str = field(default="", repr=False)
    shown: bool = False
    kept: str = ""
    removed: bool = False
    emptied: bool = False
    held: str = field(default="", repr=False)
    held_bytes: int = 0
    size_bytes: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigForm:
    """A form. `problems` are by the id of their field, "" for what is none's; `focus` is the first of those fields.

    `grant` is the role that would have let it pass, `reason` what was given for the audit log already.
    """

    holder: str
    kind: str
    name: str = ""
    type: str = ""
    revision: str = ""
    rows: tuple[FormRow, ...] = ()
    login: Login | None = None
    has_login: bool = False
    restart: tuple[str, ...] = ()
    immutable: bool = False
    problems: Mapping[str, Problem] = field(default_factory=dict)
    focus: str = ""
    grant: str = ""
    reason: str = ""


def form_of(value: ConfigAnswer) -> ConfigForm:
    """Give the form that changes what there is."""
    shown = value.keys[:ROWS_SHOWN_MAX]
    rows = [_row(number, each, value) for number, each in enumerate(shown, 1)]
    return ConfigForm(
        holder=value.holder,
        kind=value.kind,
        name=value.name,
        type=value.type,
        revision=value.revision,
        rows=(*rows, *_blank(len(rows))),
        has_login=".dockerconfigjson" in {each.key for each in value.keys},
    )


def new_form(holder: str, kind: str) -> ConfigForm:
    """Give the form of a new one; `kind` is the type of a Secret."""
    rows = _labelled(()) if kind == "kubernetes.io/tls" else tuple(FormRow(number=each + 1) for each in range(NEW_ROWS))
    return ConfigForm(holder=holder, kind=KINDS[holder], type=kind, rows=rows)


def form_again(sent: Sent, fields: Mapping[str, str], *, holder: str, name: str, error: Exception) -> ConfigForm:
    """Give a form as it was sent, with what was wrong; `fields` are those beside the keys."""
    kind, edits = fields.get("type", "").strip(), [each for each in sent.edits.items if each.login is None]
    rows = [_sent_row(number, each, holder) for number, each in enumerate(edits, 1)]
    is_pair = kind == "kubernetes.io/tls" and not any(each.was for each in edits)
    all_rows = _labelled(rows) if is_pair else (*rows, *_blank(len(rows)))
    problems = problems_of(error, all_rows)
    return ConfigForm(
        holder=holder,
        kind=KINDS[holder],
        name=name,
        type=kind,
        revision=fields.get("revision", ""),
        rows=all_rows,
        login=next((each.login for each in sent.edits.items if each.login), None),
        has_login=any(each.login and each.was for each in sent.edits.items) or bool(fields.get("login.was")),
        restart=sent.restart,
        immutable=bool(fields.get("immutable")),
        problems=problems,
        focus=_first(problems, all_rows),
        grant=grant_of(error),
        reason=fields.get("reason", ""),
    )


def form_anew(sent: Sent, fields: Mapping[str, str], *, holder: str, name: str, error: Exception) -> ConfigForm:
    """Give the form of a new one for what was sent to one that is gone; what nobody saw of it has to be given anew."""
    left = tuple(replace(each, was="", seen="", shown=False) for each in sent.edits.items if not each.removed)
    form = form_again(replace(sent, edits=Edits(left)), fields, holder=holder, name=name, error=error)
    rows = [each for each in left if each.login is None]
    unseen = [f"value.{number}" for number, each in enumerate(rows, 1) if each.value is None]
    lost = {each: Problem(field=each, sentence=LOST) for each in unseen}
    return replace(form, revision="", problems={**form.problems, **lost}, focus=next(iter(lost), "name"))


def problems_of(error: Exception, rows: tuple[FormRow, ...]) -> dict[str, Problem]:
    """Say what is wrong, by the id of the field that it is about."""
    if isinstance(error, Rejected):
        return {each.field: each for each in reversed(error.problems)}
    if not isinstance(error, Refusal | RuntimeProblem | ConnectionProblem):
        raise TypeError(f"{type(error).__name__} is no problem of a form")
    named = getattr(error, "field", "")
    part, _, key = named.partition(".")
    numbers = [row.number for row in rows if key and row.key == key and not row.removed]
    if part in ("keys", "values"):
        named = f"{part.removesuffix('s')}.{numbers[-1]}" if numbers else ""
    return {named: problem_of(error, named)}


def _first(problems: Mapping[str, Problem], rows: tuple[FormRow, ...]) -> str:
    """Give the field that is wrong and comes first on the page; "" where none is."""
    order = ["name", "type", "login.server", "login.user", "login.password"]
    order += [f"{part}.{row.number}" for row in rows for part in ("key", "value")]
    return next((each for each in order if each in problems), "")


def _row(number: int, row: KeyRow, value: ConfigAnswer) -> FormRow:
    text = "" if row.masked or not row.text else value.values[row.key] or ""
    shown = not row.masked and row.text and is_plain(text)
    return FormRow(
        number=number,
        key=row.key,
        was=row.key,
        seen=row.seen,
        text=text if shown else "",
        shown=shown,
        kept="" if shown else _unseen(is_masked=row.masked),
        size_bytes=row.size_bytes,
    )


def _sent_row(number: int, edit: Edit, holder: str) -> FormRow:
    value, text = edit.value or b"", ""
    if is_text(value) and is_plain(value.decode()):
        value, text = b"", value.decode()
    return FormRow(
        number=number,
        key=edit.key,
        was=edit.was,
        seen=edit.seen,
        text=text,
        shown=edit.shown,
        kept=_unseen(is_masked=holder == "secrets") if edit.was and not edit.shown else "",
        removed=edit.removed,
        emptied=bool(edit.was and not edit.shown and edit.value == b""),
        held=base64.b64encode(value).decode() if len(value) <= HELD_MAX_BYTES else "",
        held_bytes=len(value),
    )


def _unseen(*, is_masked: bool) -> str:
    if is_masked:
        return "Stays as it is, unseen"
    return "Stays as it is: not text, or with characters that a page cannot show"


def _blank(rows: int) -> tuple[FormRow, ...]:
    return tuple(FormRow(number=rows + each + 1) for each in range(BLANK_ROWS))


def _labelled(rows: list[FormRow] | tuple[()]) -> tuple[FormRow, ...]:
    """Give the two rows of a certificate and its key, as they were sent where they were."""
    sent = {row.key: row for row in rows}
    made = []
    for number, (key, label) in enumerate(TLS_KEYS, 1):
        row = sent.get(key, FormRow(number=number))
        made.append(
            FormRow(number=number, key=key, label=label, text=row.text, held=row.held, held_bytes=row.held_bytes)
        )
    return tuple(made)
