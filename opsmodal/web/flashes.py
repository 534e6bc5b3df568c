"""The cookie that carries "it was done" over a redirect: signed, for this site's pages only, and over TLS where we are.

It holds sentences and never says who somebody is: that is the session's own cookie.
"""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface


class Flashes(SecureCookieSessionInterface):
    """Flask's signed cookie, with the scheme of the request deciding whether it is for TLS only."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  (Flask asks by application, one serves both)
        """Tell whether the cookie must stay on TLS."""
        return request.is_secure

    def get_cookie_samesite(self, app: Flask) -> str:  # noqa: ARG002  (as above)
        """Keep the cookie out of requests that other sites' pages send."""
        return "Lax"
