"""Sign in by password or one-time link, sign out; and who asks, for every other request."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.errors import Refusal, TooMany
from opsmodal.people.links import FIELD, INVITATION, ticket_in
from opsmodal.web.asking import address_of, cookie_name, identified, nobody, operations, session_secrets
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.headers import FORGET
from opsmodal.web.origin import is_visit
from opsmodal.web.respond import wants_json

OPEN_PREFIXES = ("/sign-in", "/sign-out", "/static/", "/healthz", "/readyz", "/metrics")
"""What answers to nobody in particular. Everything else needs somebody; to sign out one may be two."""

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
        return _form("")
    return _let_in(lambda: operations().signing.by_ticket(ticket, **_browser()))


@pages.post("/sign-in")
def sign_in() -> AnyResponse:
    """Sign in with a name and a password, or with the ticket of a link that was handed on."""
    if FIELD in request.form:
        ticket = ticket_in(request.form[FIELD])
        return _let_in(lambda: operations().signing.by_ticket(ticket, purpose=INVITATION, **_browser()))
    name, password = request.form.get("name", ""), request.form.get("password", "")
    return _let_in(lambda: operations().signing.by_password(name, password, **_browser()))


def _let_in(begin: Callable[[], str]) -> AnyResponse:
    """Start a session and go on; a refusal is said on the form itself."""
    try:
        return _signed_in(begin())
    except Refusal as refusal:
        count_refusal(refusal)
        response = _form(refusal.sentence, status=known(refusal)[0])
        if isinstance(refusal, TooMany):
            response.headers["Retry-After"] = str(int(refusal.retry_after_s) or 1)
        return response


@pages.post("/sign-out")
def sign_out() -> AnyResponse:
    """End this session."""
    for secret in session_secrets(request):
        operations().signing.out(secret, address=address_of(request))
    response = redirect("/sign-in", code=303)
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


def _browser() -> dict[str, str]:
    return {"address": address_of(request), "agent": request.headers.get("User-Agent", "")}


def _form(problem: str, *, status: int = 200) -> AnyResponse:
    target = request.values.get("next", "")
    shown = {"problem": problem, "next": target, "invited": FIELD in request.form}
    return Response(render_template("sign-in/sign-in.html", **shown), status=status)


def _signed_in(secret: str) -> AnyResponse:
    response = redirect(local(request.values.get("next", "")), code=303)
    response.set_cookie(cookie_name(request), secret, path="/", secure=request.is_secure, httponly=True, samesite="Lax")
    return response
