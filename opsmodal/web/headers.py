"""The headers of every answer: a strict content policy, no framing, no sniffing, no referrer to others.

Names from OWASP's secure-headers list (its headers_add.json); docs/security.md says where and why values differ.
Nothing here is optional per route.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, request

UNUSED_FEATURES = (
    *("accelerometer", "autoplay", "camera", "clipboard-read", "cross-origin-isolated", "display-capture"),
    *("encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection"),
    *("interest-cohort", "keyboard-map", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "sync-xhr", "unload", "usb", "xr-spatial-tracking"),
)
"""What no page of ours uses. Of OWASP's list `clipboard-write` is used, to copy a command; `web-share` is left out
because Chromium on Linux does not know it, and says so on every page."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
FIXED = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers send `Origin: null` for our own forms (Fetch, section 3.2).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-DNS-Prefetch-Control": "off",
}
FORGET = '"cache"'
"""Clear-Site-Data at sign-out. Not "cookies": that empties the whole domain, other programs on localhost included, so
ours is deleted by name. Not "storage": all that is kept there is whether somebody likes it dark."""
ONE_YEAR_S = 365 * 24 * 3600


def protect(app: Flask) -> None:
    """Put the headers on every answer of the application."""

    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in FIXED.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR_S}")
        if request.endpoint != "static" or response.status_code >= HTTPStatus.BAD_REQUEST:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
