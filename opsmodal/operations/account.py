"""One's own account, for everybody: sessions, tokens and the password. Nothing here reaches anybody else's.

A token makes no token and changes no password: whoever found one could otherwise stay after it was revoked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotPermitted, NotThere, Problem, Rejected
from opsmodal.operations.carried import IssuedToken, SessionRow, TokenRow, session_row, token_row
from opsmodal.operations.door import Door
from opsmodal.operations.guards import Asked, Confirmation, Consent, Verdict
from opsmodal.operations.people_changes import TokenWish, issue
from opsmodal.people import People, User
from opsmodal.permissions import Actor, Permission
from opsmodal.registry.registry import Registry

SESSION = "session:"
LINK = "link"
FOREIGN = ("oidc", "header")
"""Sign-ins that somebody else vouches for: who is shut out there must not keep a password here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAnswer:
    """Who asks, and what they carry. `services` and `permissions` are what a token of theirs may be narrowed to.

    `session` is the one that asks; None for a token. `may_set_password`: they have one, or may give themselves one.
    """

    name: str
    admin: bool
    auditor: bool
    groups: tuple[str, ...]
    has_password: bool
    may_set_password: bool
    session: SessionRow | None
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]
    services: tuple[str, ...]
    permissions: tuple[Permission, ...]


class Account:
    """Read and change what is one's own."""

    def __init__(self, door: Door, people: People, registry: Registry, *, takes_passwords: bool = True) -> None:
        self._door = door
        self._people = people
        self._registry = registry
        self._takes_passwords = takes_passwords

    def read(self, actor: Actor) -> AccountAnswer:
        """Read one's account."""
        self._door.own(actor, actions.ACCOUNT_VIEW)
        now, user = datetime.now(UTC), self._user(actor)
        sessions = tuple(session_row(each, via=actor.via) for each in self._people.sessions(actor.name))
        current = next((each for each in sessions if each.current), None)
        services, permissions = self._rights(actor)
        return AccountAnswer(
            name=actor.name,
            admin=actor.admin,
            auditor=actor.auditor,
            groups=tuple(sorted(actor.groups)),
            has_password=user.has_password,
            may_set_password=self._may_set_password(user, current),
            session=current,
            sessions=sessions,
            tokens=tuple(token_row(each, now) for each in self._people.tokens(actor.name)),
            services=services,
            permissions=permissions,
        )

    def password(self, actor: Actor, *, old: str, new: str, consent: Consent) -> Done:
        """Change one's password, and end the other sessions. Raise NotPermitted, Rejected or TooMany.

        Who came by a link and has none yet gives none.
        """
        leave = self._door.own(actor, actions.ACCOUNT_PASSWORD)
        with self._door.act(leave, target=actor.name, consent=consent, guards=(_in_session,)):
            keep = actor.via.removeprefix(SESSION)
            self._demand_own_sign_in(actor)
            if self._user(actor).has_password:
                self._people.change_password(actor.name, old=old, new=new, address=actor.address, keep=keep)
            else:
                self._people.set_password(actor.name, new, keep=keep)
        return Done(sentence="Your password is changed; your other sessions have ended.", targets=(actor.name,))

    def end_session(self, actor: Actor, session: str, *, consent: Consent) -> Done:
        """End one of one's sessions. Raise NotThere."""
        leave = self._door.own(actor, actions.ACCOUNT_END_SESSION)
        with self._door.act(leave, target=session[:80], consent=consent):
            self._people.end_session_of(actor.name, session)
        return Done(sentence="That session has ended.", targets=(session,))

    def end_other_sessions(self, actor: Actor, *, consent: Consent) -> Done:
        """End all of one's sessions but the one that asks."""
        leave = self._door.own(actor, actions.ACCOUNT_END_SESSION)
        with self._door.act(leave, target="all others", consent=consent) as outcome:
            ended = self._people.end_sessions(actor.name, keep=actor.via.removeprefix(SESSION))
            outcome.detail = f"{ended} {'session' if ended == 1 else 'sessions'}"
        return Done(sentence=f"You are signed out everywhere else: {outcome.detail}.", targets=(actor.name,))

    def create_token(self, actor: Actor, wish: TokenWish, *, consent: Consent) -> IssuedToken:
        """Make a token that can do what one can oneself, or less. Raise NotPermitted or Rejected."""
        leave = self._door.own(actor, actions.ACCOUNT_CREATE_TOKEN)
        with self._door.act(leave, target=wish.label[:80], consent=consent, guards=(_in_session,)) as outcome:
            self._demand_own_rights(actor, wish)
            issued = issue(self._people, self._registry, actor.name, wish)
            outcome.detail = f"token {issued.id}"
        return issued

    def revoke_token(self, actor: Actor, token: str, *, consent: Consent) -> Done:
        """End one of one's tokens. Raise NotThere."""
        leave = self._door.own(actor, actions.ACCOUNT_REVOKE_TOKEN)
        found = next((each for each in self._people.tokens(actor.name) if each.id == token), None)
        if found is None:
            raise NotThere("You have no such token.", hint="It may have been revoked already.")
        hits = [
            f"token {found.id}{f' “{found.label}”' if found.label else ''}: programs that use it are refused at once"
        ]
        asked = Confirmation(hits=hits, label="Revoke token")
        with self._door.act(leave, target=found.id, consent=consent, guards=(asked,)):
            self._people.revoke_token(found.id, user=actor.name)
        return Done(sentence=f"Token {found.id} is revoked.", targets=(found.id,))

    def _user(self, actor: Actor) -> User:
        user = self._people.user(actor.name)
        if user is None:
            raise NotThere("There is no such user any more.", hint="Sign in again.")
        return user

    def _rights(self, actor: Actor) -> tuple[tuple[str, ...], tuple[Permission, ...]]:
        visible = self._door.visible(actor)
        held = frozenset().union(*(given for _, given in visible)) if visible else frozenset()
        return tuple(service.name for service, _ in visible), tuple(each for each in Permission if each in held)

    def _may_set_password(self, user: User, session: SessionRow | None) -> bool:
        if session is None or not self._takes_passwords:
            return False
        return user.has_password or session.how not in FOREIGN

    def _demand_own_rights(self, actor: Actor, wish: TokenWish) -> None:
        services, permissions = self._rights(actor)
        problems = [
            Problem(field="services", sentence=f"There is no service {name[:80]!r} for you.")
            for name in wish.services or ()
            if name not in services
        ]
        problems += [
            Problem(field="permissions", sentence=f"You hold “{each}” nowhere.")
            for each in wish.permissions or ()
            if each not in permissions
        ]
        if problems:
            raise Rejected("A token can do no more than you can.", problems)

    def _demand_own_sign_in(self, actor: Actor) -> None:
        if not self.read(actor).may_set_password:
            raise NotPermitted(
                "You sign in by another program, which keeps your password.",
                hint="Change it there; a password here would still work after you were shut out there.",
            )


def _in_session(asked: Asked) -> Verdict:
    """The guard of what no token may do."""
    if asked.leave.actor.via.startswith(SESSION):
        return Verdict(rule="session")
    refusal = NotPermitted(
        "An API token makes no tokens and changes no password.",
        hint="Sign in with a browser: whoever finds a token must not be able to stay when it is revoked.",
    )
    return Verdict(rule="session", refusal=refusal)
