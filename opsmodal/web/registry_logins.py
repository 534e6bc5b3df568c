"""Logins for image registries: on the page of their runtime, and in the API. A password comes in and never goes out."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.registry_logins import LoginRow
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import consent, done, json_answer, sent
from opsmodal.web.routes import CONFIRM, REASON, Routes

routes = Routes("registry_logins")
ALL = "/registry/runtimes/<name>/logins"
ONE = f"{ALL}/<host>"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBody:
    """How to sign in: `password` may be an access token."""

    user: str
    password: str


@routes.get(ALL, actions.REGISTRY_VIEW, tuple[LoginRow, ...], page=None)
def listing(name: str) -> Response:
    """List the logins of a runtime for image registries, without their passwords."""
    return json_answer(operations().registry_logins.rows(actor(), name))


@routes.put(ONE, actions.REGISTRY_LOGIN_PUT, Done, body=LoginBody, parameters=(REASON,))
def put(name: str, host: str) -> Response:
    """Give the login for a registry (host or host:port, docker.io for Docker Hub), in place of the one there is."""
    operation = operations().registry_logins.put
    value = operation(actor(), name, host, sent("user"), sent("password"), consent=consent())
    return done(value, to=_runtime(name))


@routes.post(ALL, actions.REGISTRY_LOGIN_PUT, Done, api=False)
def add(name: str) -> Response:
    """Give a login from the form, which names its registry."""
    return put(name, sent("host"))


@routes.delete(ONE, actions.REGISTRY_LOGIN_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove(name: str, host: str) -> Response:
    """Forget the login for a registry."""
    value = operations().registry_logins.remove(actor(), name, host, consent=consent())
    return done(value, to=_runtime(name))


def _runtime(name: str) -> str:
    return url_for("page.registry_runtime", name=name)
