"""Who asks, and whom: the actor of the request and the operations of the application."""

from __future__ import annotations

from typing import cast

from flask import current_app, g, request

from opsmodal.errors import NotSignedIn
from opsmodal.operations import Operations
from opsmodal.permissions import Actor

EXTENSION = "opsmodal"


def actor() -> Actor:
    """Give who asks. Raise NotSignedIn when nobody has signed in."""
    who = g.get("actor")
    if who is None:
        raise NotSignedIn("Sign in first.", hint="Programs send Authorization: Bearer with an API token.")
    return cast(Actor, who)


def actor_now() -> Actor:
    """Give who asks as the store knows them at this moment: their session may have ended while a stream runs."""
    g.actor = operations().signing.actor(request)
    return actor()


def operations() -> Operations:
    """Give the one door's operations."""
    return cast(Operations, current_app.extensions[EXTENSION])
