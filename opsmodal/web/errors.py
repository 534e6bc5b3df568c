"""One table from error to HTTP status and title; views do not catch.

In the API an error is `application/problem+json` (RFC 9457); on a page it is a sentence with what to do next. What
nobody foresaw is logged with its trace and answered without.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from connectors import errors as way
from opsmodal import errors as own
from opsmodal.oidc.errors import ProviderAway
from opsmodal.store import errors as stored
from opsmodal.web.metrics import meter
from opsmodal.web.respond import wants_json
from runtimes import errors as runtime

log = logging.getLogger(__name__)

STATUSES: dict[type[Exception], tuple[int, str]] = {
    own.NotSignedIn: (401, "not-signed-in"),
    own.AccessEnded: (403, "access-ended"),
    own.NotPermitted: (403, "not-permitted"),
    own.CommandRefused: (422, "command-refused"),
    own.ForeignOrigin: (403, "foreign-origin"),
    own.ReadOnly: (403, "read-only"),
    own.NotThere: (404, "not-found"),
    own.BadRequest: (400, "bad-request"),
    own.Rejected: (422, "rejected"),
    own.ConfirmationRequired: (409, "confirmation-required"),
    own.InUse: (409, "in-use"),
    own.LastAdministrator: (409, "last-administrator"),
    own.ProgramMissing: (424, "program-missing"),
    own.TooMany: (429, "too-many"),
    own.NotRecorded: (503, "not-recorded"),
    ProviderAway: (503, "provider-away"),
    runtime.Missing: (404, "not-found"),
    runtime.Denied: (502, "runtime-denied"),
    runtime.Stale: (412, "changed-meanwhile"),
    runtime.Conflict: (409, "conflict"),
    runtime.AutoscalerActive: (409, "autoscaler-active"),
    runtime.Lacking: (424, "missing"),
    runtime.Invalid: (422, "runtime-rejected"),
    runtime.Disallowed: (422, "disallowed"),
    runtime.Unsupported: (422, "unsupported"),
    runtime.Expired: (410, "expired"),
    runtime.Malformed: (502, "runtime-malformed"),
    runtime.Unavailable: (503, "runtime-unavailable"),
    stored.WrongKey: (500, "wrong-key"),
    stored.StoreProblem: (503, "store-unavailable"),
    way.Unreachable: (503, "unreachable"),
    way.LoginRefused: (502, "login-refused"),
    way.HostKeyUnknown: (502, "host-key-unknown"),
    way.HostKeyChanged: (502, "host-key-changed"),
    way.Forbidden: (502, "connection-forbidden"),
    way.WrongRoute: (503, "wrong-route"),
    way.NotAvailable: (503, "connection-not-available"),
}
"""`Denied` is the runtime's refusal of opsmodal's identity, not of the person: hence 502 and not 403."""

MEDIA_TYPE = "application/problem+json"
OWN_HTTP_WORDS = {
    404: ("There is nothing at this address.", "The services page lists what you can open."),
    405: ("This address does not take that method.", "See /api/v1/openapi.json for what it takes."),
}
HELD_MAX = "A ConfigMap or a Secret holds 1 MiB of values: split it up, or keep what is large in a volume."


class ErrorBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of an error in the API."""

    type: str
    title: str
    code: str
    status: int
    detail: str
    hint: str = ""
    rule: str = ""
    suggestion: str = ""
    request_id: str = ""
    hits: tuple[str, ...] = ()
    confirm: str = ""
    command: str = ""
    grant: str = ""
    """YAML that gives a right which the runtime's identity lacks."""
    reason_wanted: bool = False
    problems: tuple[own.Problem, ...] = ()


def install(app: Flask) -> None:
    """Answer every error from the table."""
    for error_type in (own.Refusal, stored.StoreProblem, runtime.RuntimeProblem, way.ConnectionProblem):
        app.register_error_handler(error_type, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def answer(error: Exception) -> AnyResponse:
    """Answer one of our own errors."""
    status, word = known(error)
    count_refusal(error)
    body = msgspec.structs.replace(
        _body(word, status, getattr(error, "sentence", str(error)), getattr(error, "hint", "")),
        rule=getattr(error, "rule", ""),
        suggestion=getattr(error, "suggestion", ""),
        hits=getattr(error, "hits", ()),
        confirm=getattr(error, "confirm", ""),
        command=getattr(error, "command", ""),
        grant=getattr(error, "grant", ""),
        reason_wanted=getattr(error, "reason_wanted", False),
        problems=getattr(error, "problems", ()),
    )
    response = shown(body, error)
    retry_after_s = getattr(error, "retry_after_s", None)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="opsmodal"'
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(int(retry_after_s) or 1)
    return response


def _body(word: str, status: int, detail: str, hint: str = "") -> ErrorBody:
    """Name an error for programs (`type`, `code`) and for people (`title`)."""
    title, request_id = word.replace("-", " ").capitalize(), g.get("request_id", "")
    return ErrorBody(
        type=f"urn:opsmodal:{word}",
        title=title,
        code=word,
        status=status,
        detail=detail,
        hint=hint,
        request_id=request_id,
    )


def known(error: Exception) -> tuple[int, str]:
    """Give the status and the word of one of our own errors."""
    status, word = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return status, f"{error.what}-{word}" if isinstance(error, runtime.Lacking) else word


def count_refusal(error: Exception) -> None:
    """Count what is refused, wherever it is answered."""
    if isinstance(error, own.Refusal):
        meter().refused(known(error)[1])


def shown(body: ErrorBody, error: Exception | None = None) -> AnyResponse:
    """Show an error: JSON in the API, else a page; a confirmation is a page with a form."""
    if wants_json():
        return Response(msgspec.json.encode(body), status=body.status, content_type=MEDIA_TYPE)
    template = "confirm.html" if isinstance(error, own.ConfirmationRequired) else "error.html"
    # Only what has been read is read again: the form itself may be what cannot be (too large, cut off, out of shape).
    sent = request.form if isinstance(error, own.ConfirmationRequired) else {}
    context: dict[str, Any] = {"error": body, "refusal": error, "sent": sent}
    return Response(render_template(template, **context), status=body.status)


def _http(error: HTTPException) -> AnyResponse:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    title = HTTPStatus(error.code).phrase
    detail, hint = OWN_HTTP_WORDS.get(error.code, (f"{title}.", ""))
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail, hint = _too_large()
    response = shown(_body(title.lower().replace(" ", "-"), error.code, detail, hint))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _too_large() -> tuple[str, str]:
    """Say how much is taken at this address, and what to do with what is more."""
    most = request.max_form_memory_size or 0
    sentence = f"The request is too large: {most:,} bytes are taken here." if most else "The request is too large."
    return sentence, f"Nothing was changed. {HELD_MAX if '/config' in request.path else 'Send less at once.'}"


def _unforeseen(error: Exception) -> AnyResponse:
    log.error("request failed", exc_info=error, extra={"request_id": g.get("request_id", ""), "path": request.path})
    sentence = "Something went wrong inside opsmodal. Nothing more was done."
    return shown(_body("internal", 500, sentence, "The server's log has the details under this request id."))
