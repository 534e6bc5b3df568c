"""Sign in by password or one-time link, sign out; and who asks, for every other request."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.errors import Refusal, TooMany
from opsmodal.operations.signing import OIDC
from opsmodal.people.links import FIELD, INVITATION, ticket_in
from opsmodal.web.asking import address_of, cookie_name, identified, nobody, operations, session_secrets
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.headers import FORGET
from opsmodal.web.named import header_person
from opsmodal.web.origin import is_visit, own_origin
from opsmodal.web.respond import wants_json

OPEN_PREFIXES = ("/sign-in", "/sign-out", "/static/", "/healthz", "/readyz", "/metrics")
"""What answers to nobody in particular. Everything else needs somebody; to sign out one may be two."""

LEFT = "left"
"""In the address of the sign-in page: by what the session that has just ended began."""

pages = Blueprint("signing", __name__)


def demand_sign_in(app: Flask) -> None:
    """Find out who asks before anything else is done; send people who are nobody to the sign-in page."""

    @app.before_request
    def who_asks() -> AnyResponse | None:
        if request.path.startswith(OPEN_PREFIXES):
            return None
        g.actor = identified(request)
        if g.actor is not None:
            return None
        if wants_json() or request.method != "GET":
            raise nobody()
        target = request.full_path.rstrip("?") if request.path != "/" else ""
        return redirect(f"/sign-in?{urlencode({'next': target})}" if target else "/sign-in", code=303)


@pages.get("/sign-in")
def ask() -> AnyResponse:
    """Show the form, or take a one-time link that was opened."""
    ticket = request.args.get(FIELD)
    # Who only looks whether the link is there, a preview, a prefetch or a frame, must not use it up.
    if not ticket or request.method == "HEAD" or not is_visit(request):
        return _form()
    return _let_in(lambda: operations().signing.by_ticket(ticket, **browser()))


@pages.post("/sign-in")
def sign_in() -> AnyResponse:
    """Sign in with a name and a password, or with the ticket of a link that was handed on."""
    if FIELD in request.form:
        ticket = ticket_in(request.form[FIELD])
        return _let_in(lambda: operations().signing.by_ticket(ticket, purpose=INVITATION, **browser()))
    name, password = request.form.get("name", ""), request.form.get("password", "")
    return _let_in(lambda: operations().signing.by_password(name, password, **browser()))


def _let_in(begin: Callable[[], str]) -> AnyResponse:
    """Start a session and go on; a refusal is said on the form itself."""
    target = request.values.get("next", "")
    try:
        return started(begin(), target=target)
    except Refusal as refusal:
        return refused_form(refusal, target=target)


def refused_form(refusal: Refusal, *, target: str) -> AnyResponse:
    """Say on the form why nobody was signed in."""
    count_refusal(refusal)
    response = _form(refusal, status=known(refusal)[0], target=target)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(int(refusal.retry_after_s) or 1)
    return response


def started(secret: str, *, target: str) -> AnyResponse:
    """Give a browser its new session, and lead it to where it wanted to go."""
    response = redirect(local(target), code=303)
    response.set_cookie(cookie_name(request), secret, path="/", secure=request.is_secure, httponly=True, samesite="Lax")
    return response


@pages.post("/sign-out")
def sign_out() -> AnyResponse:
    """End this session."""
    who = {"address": address_of(request), "request_id": g.get("request_id", "")}
    began = [operations().signing.out(secret, **who) for secret in session_secrets(request)]
    response = redirect(f"/sign-in?{LEFT}={OIDC}" if OIDC in began else "/sign-in", code=303)
    response.delete_cookie(cookie_name(request), path="/", secure=request.is_secure, httponly=True, samesite="Lax")
    response.headers["Clear-Site-Data"] = FORGET
    return response


def local(target: str) -> str:
    """Give a path of this installation to go on to; the services page for anything else (open redirects)."""
    try:
        parts = urlsplit(target)
    except ValueError:  # `//[`: no address at all
        return "/services"
    safe = target.startswith("/") and not target.startswith("//") and not parts.scheme and not parts.netloc
    # Browsers read \ as / and skip tabs and line breaks; the latter cannot stand in a header either.
    return target if safe and "\\" not in target and target.isprintable() else "/services"


def browser() -> dict[str, str]:
    """Give what is noted of who signs in: address, program, and the id of the request."""
    agent = request.headers.get("User-Agent", "")
    return {"address": address_of(request), "agent": agent, "request_id": g.get("request_id", "")}


def _form(refusal: Refusal | None = None, *, status: int = 200, target: str | None = None) -> AnyResponse:
    shown = {
        "problem": refusal.sentence if refusal else "",
        "hint": refusal.hint if refusal else "",
        "next": request.values.get("next", "") if target is None else target,
        "invited": FIELD in request.form,
        "provider": operations().oidc.name(),
        "leave": operations().oidc.leave_url(f"{own_origin(request)}/sign-in") if LEFT in request.args else "",
        "passwords": operations().signing.takes_passwords,
        "header_person": header_person(request),
    }
    return Response(render_template("sign-in/sign-in.html", **shown), status=status)
