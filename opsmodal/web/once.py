"""Secrets that are shown once: a new API token, a one-time link.

A form's answer leads on to a page, so that loading it again makes nothing a second time. The secret travels there in a
cookie, sealed by the server, for one page, one session and a minute; the page that shows it takes the cookie away. It
stands in no address, no log and no table, and never in the clear on the disk of a browser.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Response, after_this_request, current_app, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.web.asking import actor

COOKIE = "opsmodal-once"
LIFETIME_S = 60
KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What a page shows once. `kind` is token or link; `sentence` says whose it is."""

    kind: str
    secret: str
    sentence: str
    until: str = ""

    def __repr__(self) -> str:
        """Leave the secret out of whatever writes values down."""
        return f"Once(kind={self.kind!r})"


def shown_at(path: str, secret: Once) -> AnyResponse:
    """Lead on to a page of ours that takes the secret and shows it."""
    sealed = _seal().encrypt(msgspec.json.encode([unquote(path), actor().name, actor().via, secret]))
    response = redirect(path, code=303)
    response.set_cookie(
        COOKIE,
        sealed.decode("ascii"),
        max_age=LIFETIME_S,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def taken() -> Once | None:
    """Take the secret that this page is to show, if there is one: the next time it is gone."""
    sealed = request.cookies.get(COOKIE)
    if not sealed or request.method != "GET":
        return None
    try:
        path, name, via, secret = msgspec.json.decode(
            _seal().decrypt(sealed.encode(), ttl=LIFETIME_S), type=tuple[str, str, str, Once]
        )
    except (InvalidToken, msgspec.DecodeError):
        after_this_request(_forget)
        return None
    # Whom a proxy names has no session: the name alone tells those apart.
    if (path, name, via) != (request.path, actor().name, actor().via):
        return None
    after_this_request(_forget)
    return secret


def _forget(response: Response) -> Response:
    response.delete_cookie(COOKIE, path="/", secure=request.is_secure, httponly=True, samesite="Strict")
    return response


def _seal() -> Fernet:
    return _fernet(str(current_app.secret_key))


@lru_cache(maxsize=2)
def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"opsmodal shown once").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
