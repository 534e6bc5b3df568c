"""Whether the process lives (`/healthz`) and can serve (`/readyz`). Open to everyone, and says nothing else."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store

pages = Blueprint("health", __name__)
STORE = "opsmodal.store"


@pages.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@pages.get("/readyz")
def ready() -> Response:
    """Say whether the store answers."""
    store: Store = current_app.extensions[STORE]
    try:
        store.check()
    except (StoreProblem, SQLAlchemyError):
        return Response("the store does not answer\n", status=503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")
