"""One value, two representations: a page for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, flash, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.answers import Done
from opsmodal.errors import BadRequest
from opsmodal.operations.guards import Consent
from opsmodal.reasons import checked_reason


def wants_json() -> bool:
    """Tell whether this request came in by the API. The path decides, never a header: a page is always a page."""
    return request.path.startswith("/api/")


def respond(value: Any, template: str, *, status: int = 200, **context: Any) -> AnyResponse:
    """Answer with `value`: as JSON in the API, else rendered by `template` as `value`, beside `context`."""
    if wants_json():
        return json_answer(value, status=status)
    return Response(render_template(template, value=value, **context), status=status)


def done(value: Done, *, to: str) -> AnyResponse:
    """Answer a finished action: JSON in the API, else back to a page that says what was done."""
    if wants_json():
        return json_answer(value)
    flash(value.sentence)
    return redirect(to, code=303)


def json_answer(value: Any, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Encode a value of ours (dataclasses, times, enums) as JSON."""
    return Response(msgspec.json.encode(value), status=status, mimetype=media_type)


def sent(name: str, default: str = "") -> str:
    """Read one field of the request: of its JSON body, its form or its query, in this order."""
    body = body_fields()
    value = body.get(name)
    if value is not None:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return request.args.get(name, default)


def consent() -> Consent:
    """Read what somebody says to an action: the word of its confirmation, and why. Raise BadRequest."""
    return Consent(confirm=sent("confirm"), reason=checked_reason(sent("reason")))


def why() -> Consent:
    """Read why something is done that needs no confirmation, and whose body is an entry: from a form or the query."""
    return Consent(reason=checked_reason(request.form.get("reason") or request.args.get("reason", "")))


def body_fields() -> Mapping[str, Any]:
    """Give the fields of a JSON or form body; empty without one. Raise BadRequest for JSON that is none."""
    if not request.is_json:
        return request.form
    data = request.get_data()
    if not data:
        return {}
    try:
        # Not the standard library's: it gives half a surrogate pair, which nothing here can store, hash or send.
        fields = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise BadRequest("The body is not a JSON object.")
    return fields


def flag(name: str) -> bool:
    """Read a yes/no field."""
    return said(sent(name), name)


def said(text: str, name: str) -> bool:
    """Read what a yes/no field says. Raise BadRequest for anything else."""
    value = text.lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise BadRequest(f"{name} must be true or false.")
