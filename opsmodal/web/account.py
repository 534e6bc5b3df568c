"""The account page of everybody: who one is here, one's sessions, password and tokens."""

from __future__ import annotations

from collections.abc import Mapping

from flask import url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import Problem
from opsmodal.operations.account import AccountAnswer
from opsmodal.operations.carried import IssuedToken
from opsmodal.web.asking import actor, operations
from opsmodal.web.bodies import NewToken, OwnPassword, or_again, sent_as, wish
from opsmodal.web.once import taken
from opsmodal.web.people import CREATED, token_shown
from opsmodal.web.respond import consent, done, respond
from opsmodal.web.routes import CONFIRM, REASON, Routes

routes = Routes("account")


@routes.get("/account", actions.ACCOUNT_VIEW, AccountAnswer)
def read() -> AnyResponse:
    """Read your account: name, flags, groups, sessions and tokens."""
    return _page({})


@routes.put("/account/password", actions.ACCOUNT_PASSWORD, Done, body=OwnPassword)
def password() -> AnyResponse:
    """Change your password, and end your other sessions."""

    def change() -> AnyResponse:
        body = sent_as(OwnPassword)
        return _back(operations().account.password(actor(), old=body.old, new=body.new, consent=consent()))

    return or_again(change, _page)


@routes.delete("/account/sessions", actions.ACCOUNT_END_SESSION, Done)
def end_other_sessions() -> AnyResponse:
    """End all of your sessions but this one."""
    return _back(operations().account.end_other_sessions(actor(), consent=consent()))


@routes.delete("/account/sessions/<session>", actions.ACCOUNT_END_SESSION, Done)
def end_session(session: str) -> AnyResponse:
    """End one of your sessions."""
    return _back(operations().account.end_session(actor(), session, consent=consent()))


@routes.post("/account/tokens", actions.ACCOUNT_CREATE_TOKEN, IssuedToken, body=NewToken, status=CREATED)
def create_token() -> AnyResponse:
    """Create an API token that can do what you can, or less; it is shown once."""

    def create() -> AnyResponse:
        issued = operations().account.create_token(actor(), wish(sent_as(NewToken)), consent=consent())
        return token_shown(issued, url_for("page.account_read"))

    return or_again(create, _page)


@routes.delete("/account/tokens/<token>", actions.ACCOUNT_REVOKE_TOKEN, Done, parameters=(CONFIRM, REASON))
def revoke_token(token: str) -> AnyResponse:
    """Revoke one of your API tokens."""
    return _back(operations().account.revoke_token(actor(), token, consent=consent()))


def _back(value: Done) -> AnyResponse:
    return done(value, to=url_for("page.account_read"))


def _page(problems: Mapping[str, Problem]) -> AnyResponse:
    value = operations().account.read(actor())
    return respond(value, "account/account.html", status=422 if problems else 200, problems=problems, once=taken())
