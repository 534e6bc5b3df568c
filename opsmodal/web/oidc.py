"""Signing in with a provider: away to it, and back from it. What goes wrong is said on the sign-in page.

The cookie that carries a sign-in to its callback is none of the session's: it lives for ten minutes, opens nothing, and
is sent along when the provider's page leads back here (SameSite=Lax), which a stricter one would not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.errors import ForeignOrigin, Refusal
from opsmodal.oidc.pending import LIFE_S
from opsmodal.web.asking import address_of, operations
from opsmodal.web.origin import HINT, is_visit, own_origin
from opsmodal.web.signing import browser, local, refused_form, started

COOKIE = "opsmodal-oidc"
SECURE_COOKIE = "__Host-opsmodal-oidc"
START, CALLBACK = "/sign-in/oidc", "/sign-in/oidc/callback"

pages = Blueprint("oidc", __name__)


@pages.get(START)
def start() -> AnyResponse:
    """Lead away to the provider."""
    target = local(request.args.get("next", ""))
    try:
        begun = operations().oidc.begin(
            redirect_uri=f"{own_origin(request)}{CALLBACK}",
            target=target,
            address=address_of(request),
            request_id=g.get("request_id", ""),
        )
    except Refusal as refusal:
        return refused_form(refusal, target=target)
    response = redirect(begun.url, code=303)
    response.set_cookie(_cookie_name(), begun.cookie, max_age=LIFE_S, **_how_kept())
    return response


@pages.get(CALLBACK)
def callback() -> AnyResponse:
    """Take who comes back from the provider."""
    if request.method == "HEAD" or not is_visit(request):  # a preview or a frame must not use the answer up
        raise ForeignOrigin("The provider's page may lead a person here, and nothing else.", hint=HINT)
    cookie = request.cookies.get(_cookie_name(), "")
    try:
        came = operations().oidc.finish(request.args.to_dict(flat=False), cookie, **browser())
        response = started(came.secret, target=came.target)
    except Refusal as refusal:
        response = refused_form(refusal, target=operations().oidc.target(cookie))
    response.delete_cookie(_cookie_name(), **_how_kept())
    return response


def _cookie_name() -> str:
    return SECURE_COOKIE if request.is_secure else COOKIE


def _how_kept() -> Mapping[str, Any]:
    return {"path": "/", "secure": request.is_secure, "httponly": True, "samesite": "Lax"}
