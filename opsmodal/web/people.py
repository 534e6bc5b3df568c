"""The pages and the API of people, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import Problem
from opsmodal.listing import Page, parsed
from opsmodal.operations.carried import IssuedToken
from opsmodal.operations.people import SORTS, UserAnswer, UserRow
from opsmodal.operations.people_changes import Invited, UserToAdd
from opsmodal.people.links import invitation_link
from opsmodal.web.asking import actor, operations
from opsmodal.web.bodies import NewPassword, NewToken, NewUser, or_again, sent_as, wish
from opsmodal.web.once import Once, shown_at, taken
from opsmodal.web.respond import consent, done, json_answer, respond, wants_json
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Parameter, Routes

routes = Routes("people")
USER = "/people/<name>"
FLAG, SESSIONS, TOKENS = f"{USER}/flags/<flag>", f"{USER}/sessions", f"{USER}/tokens"
PARAMETERS = (
    *LIST_PARAMETERS,
    Parameter(name="kind", description="Only admin, auditor or disabled ones"),
    Parameter(name="group", description="Only members of this group"),
)
CREATED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Somebody who was added or given a link. `url` signs them in once, until `ends_at`; None without a link."""

    name: str
    sentence: str
    url: str | None
    ends_at: datetime | None

    def __repr__(self) -> str:
        """Leave the link out of whatever writes values down."""
        return f"Invitation(name={self.name!r})"


@routes.get("/people", actions.PEOPLE_VIEW, Page[UserRow], parameters=PARAMETERS)
def listing() -> AnyResponse:
    """List the users."""
    return _listing({})


@routes.post("/people", actions.USER_ADD, Invitation, body=NewUser, status=CREATED)
def create() -> AnyResponse:
    """Add a user, with a password or with a one-time link that is shown once."""

    def add() -> AnyResponse:
        body = sent_as(NewUser)
        wanted = UserToAdd(name=body.name, password=body.password, admin=body.admin, auditor=body.auditor)
        return _invited(operations().people_changes.add(actor(), wanted, consent=consent()))

    return or_again(add, _listing)


@routes.get(USER, actions.PEOPLE_VIEW, UserAnswer)
def one(name: str) -> AnyResponse:
    """Read one user: flags, groups, grants, sessions and tokens."""
    return _one(name, {})


@routes.put(FLAG, actions.USER_GIVE_FLAG, Done)
def give_flag(name: str, flag: str) -> AnyResponse:
    """Make a user an administrator or auditor (`admin`, `auditor`)."""
    return _back(name, operations().people_changes.give_flag(actor(), name, flag, consent=consent()))


@routes.delete(FLAG, actions.USER_TAKE_FLAG, Done, parameters=(CONFIRM, REASON))
def take_flag(name: str, flag: str) -> AnyResponse:
    """Make a user no longer an administrator or auditor."""
    return _back(name, operations().people_changes.take_flag(actor(), name, flag, consent=consent()))


@routes.post(f"{USER}/disable", actions.USER_DISABLE, Done, parameters=(CONFIRM, REASON))
def disable(name: str) -> AnyResponse:
    """Shut a user out now: sessions and links end, tokens no longer work."""
    return _back(name, operations().people_changes.disable(actor(), name, consent=consent()))


@routes.post(f"{USER}/enable", actions.USER_ENABLE, Done)
def enable(name: str) -> AnyResponse:
    """Let a user in again."""
    return _back(name, operations().people_changes.enable(actor(), name, consent=consent()))


@routes.put(f"{USER}/password", actions.USER_PASSWORD, Done, body=NewPassword)
def password(name: str) -> AnyResponse:
    """Give a user another password, and end their sessions."""

    def change() -> AnyResponse:
        given = sent_as(NewPassword).password
        return _back(name, operations().people_changes.password(actor(), name, given, consent=consent()))

    return or_again(change, lambda problems: _one(name, problems))


@routes.post(f"{USER}/link", actions.USER_LINK, Invitation, status=CREATED)
def link(name: str) -> AnyResponse:
    """Make a link that signs a user in once; it is shown once."""
    return _invited(operations().people_changes.link(actor(), name, consent=consent()))


@routes.delete(SESSIONS, actions.SESSION_END, Done)
def end_sessions(name: str) -> AnyResponse:
    """End every session of a user, and their one-time links."""
    return _back(name, operations().people_changes.end_sessions(actor(), name, consent=consent()))


@routes.delete(f"{SESSIONS}/<session>", actions.SESSION_END, Done)
def end_session(name: str, session: str) -> AnyResponse:
    """End one session of a user."""
    return _back(name, operations().people_changes.end_session(actor(), name, session, consent=consent()))


@routes.post(TOKENS, actions.TOKEN_CREATE, IssuedToken, body=NewToken, status=CREATED)
def create_token(name: str) -> AnyResponse:
    """Create an API token for a user; it is shown once."""

    def create() -> AnyResponse:
        wanted = wish(sent_as(NewToken))
        issued = operations().people_changes.create_token(actor(), name, wanted, consent=consent())
        return token_shown(issued, url_for("page.people_one", name=name))

    return or_again(create, lambda problems: _one(name, problems))


@routes.delete(TOKENS, actions.TOKEN_REVOKE, Done, parameters=(CONFIRM, REASON))
def revoke_tokens(name: str) -> AnyResponse:
    """Revoke every API token of a user."""
    return _back(name, operations().people_changes.revoke_tokens(actor(), name, consent=consent()))


@routes.delete(f"{TOKENS}/<token>", actions.TOKEN_REVOKE, Done, parameters=(CONFIRM, REASON))
def revoke_token(name: str, token: str) -> AnyResponse:
    """Revoke one API token of a user."""
    return _back(name, operations().people_changes.revoke_token(actor(), name, token, consent=consent()))


def token_shown(issued: IssuedToken, path: str) -> AnyResponse:
    """Answer a new token: as JSON, else by the page that shows it once."""
    if wants_json():
        return json_answer(issued, status=CREATED)
    return shown_at(path, Once(kind="token", secret=issued.token, sentence=issued.sentence))


def _invited(invited: Invited) -> AnyResponse:
    path = url_for("page.people_one", name=invited.user)
    url = invitation_link(request.host_url, invited.ticket) if invited.ticket else None
    if wants_json():
        answer = Invitation(name=invited.user, sentence=invited.sentence, url=url, ends_at=invited.ends_at)
        return json_answer(answer, status=CREATED)
    if url is None or invited.ends_at is None:
        return done(Done(sentence=invited.sentence, targets=(invited.user,)), to=path)
    until = invited.ends_at.isoformat()
    return shown_at(path, Once(kind="link", secret=url, sentence=invited.sentence, until=until))


def _back(name: str, value: Done) -> AnyResponse:
    to = url_for("page.people_listing") if request.form.get("from") == "list" else url_for("page.people_one", name=name)
    return done(value, to=to)


def _listing(problems: Mapping[str, Problem]) -> AnyResponse:
    query = parsed(request.args, sorts=tuple(SORTS), filters=("kind", "group"))
    value = operations().people.list(actor(), query)
    status = 422 if problems else 200
    return respond(value, "people/people.html", status=status, query=query, problems=problems)


def _one(name: str, problems: Mapping[str, Problem]) -> AnyResponse:
    value = operations().people.one(actor(), name)
    shown = {"problems": problems, "choices": operations().grants.choices(actor()), "once": taken()}
    return respond(value, "people/user.html", status=422 if problems else 200, **shown)
