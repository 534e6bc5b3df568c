"""`/metrics` for Prometheus: open to this machine itself, and to whoever has the token that is made for it.

No session and no API token of a person opens it, so that a scraper needs no rights on any service. Behind a proxy that
is not named in `trusted_proxies` everybody would seem to be on this machine: a request with headers of a proxy is not.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Request, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST

from opsmodal.errors import NotPermitted
from opsmodal.meter import Meter
from opsmodal.near import Near
from opsmodal.networks import address_in
from opsmodal.web.asking import address_of
from opsmodal.web.origin import BEARER
from opsmodal.web.proxies import MARK

pages = Blueprint("metrics", __name__)
METER, TOKEN, NEAR = "opsmodal.meter", "opsmodal.metrics-token", "opsmodal.near"


@pages.get("/metrics")
def figures() -> Response:
    """Give the figures of this process and of its neighbours. Raise NotPermitted."""
    if not (_is_this_machine(request) or _has_token(request, current_app.extensions[TOKEN])):
        raise NotPermitted(
            "The figures are for this machine, and for who has their token.",
            hint="An administrator sets OPSMODAL_METRICS_TOKEN; send it as Authorization: Bearer.",
        )
    near: Near = current_app.extensions[NEAR]
    return Response(near.exposition(), content_type=CONTENT_TYPE_LATEST)


def meter() -> Meter:
    """Give the meter of the application."""
    found: Meter = current_app.extensions[METER]
    return found


def _is_this_machine(asked: Request) -> bool:
    address = address_in(address_of(asked))
    return address is not None and address.is_loopback and MARK not in asked.environ


def _has_token(asked: Request, token: str) -> bool:
    sent = asked.headers.get("Authorization", "")
    given = sent[len(BEARER) :].strip() if sent.lower().startswith(BEARER) else ""
    return bool(token) and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
