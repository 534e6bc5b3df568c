"""What pages and programs send, as typed values: one class for the form and for the JSON of an action.

A form that is sent back with its mistakes is shown again with what was typed; nothing of it comes out of an address,
where a log would keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_type_hints

import msgspec
from flask import request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.durations import span_s
from opsmodal.errors import BadRequest, Problem, Rejected
from opsmodal.operations.people_changes import TokenWish
from opsmodal.permissions import Permission, Role
from opsmodal.web.errors import count_refusal
from opsmodal.web.respond import body_fields, wants_json

T = TypeVar("T")
ERROR_MAX_CHARS = 200
Again = Callable[[Mapping[str, Problem]], AnyResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be added; without a password they are given a one-time link."""

    name: str = ""
    password: str | None = None
    admin: bool = False
    auditor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """Another password for somebody."""

    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPassword:
    """Another password for oneself; `old` is left out by who has none yet."""

    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token: `expires` is a span such as 30d, without one it never ends; without services or permissions it is as
    wide as its owner."""

    label: str = ""
    expires: str | None = None
    services: tuple[str, ...] | None = None
    permissions: tuple[Permission, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBody:
    """All members of a group."""

    users: tuple[str, ...] | None = None
    as_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleBody:
    """Another role for a grant."""

    role: Role | None = None


def sent_as(kind: type[T]) -> T:
    """Read the body as one of these. Raise BadRequest for values that are of another type."""
    plain = dict(body_fields()) if request.is_json else _form(kind)
    try:
        return msgspec.convert(plain, kind, strict=True)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"The body is not as it should be: {str(error)[:ERROR_MAX_CHARS]}.", hint="See /api/v1/openapi.json."
        ) from error


def wish(body: NewToken) -> TokenWish:
    """Read what token is wanted. Raise BadRequest for a span that is none, Rejected for narrowing to nothing."""
    for name in ("services", "permissions"):
        if getattr(body, name) == ():
            sentence = f"A token for no {name} could do nothing."
            raise Rejected(sentence, [Problem(field=name, sentence=sentence, hint="Name one, or leave it out.")])
    return TokenWish(
        label=body.label.strip(),
        lifetime_s=span_s(body.expires) if body.expires else None,
        services=body.services,
        permissions=body.permissions,
    )


def or_again(act: Callable[[], AnyResponse], again: Again) -> AnyResponse:
    """Act; a mistake in a form is shown in the form itself. Programs are answered by the table of errors."""
    try:
        return act()
    except Rejected as rejected:
        if wants_json():
            raise
        count_refusal(rejected)
        problems = {each.field.split("[")[0]: each for each in reversed(rejected.problems)}
        return again(problems or {"": Problem(field="", sentence=rejected.sentence, hint=rejected.hint)})


def _form(kind: type[Any]) -> dict[str, Any]:
    """Take what a form sent for these fields: a box that is not ticked is not sent, and neither is an empty list."""
    hints, taken = get_type_hints(kind), dict[str, Any]()
    for field in fields(kind):
        if hints[field.name] is bool:
            taken[field.name] = bool(request.form.get(field.name))
        elif "tuple" in str(hints[field.name]):
            taken[field.name] = request.form.getlist(field.name) or None
        elif request.form.get(field.name) or field.default is MISSING:
            taken[field.name] = request.form.get(field.name, "")
    return taken
