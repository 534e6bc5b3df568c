"""What administrators do to others: add, disable, flags, passwords, one-time links, sessions and tokens.

Nobody disables himself here, and nobody renews what he himself signs in with: a stolen session or token would outlive
its discovery that way. One's own password and tokens are changed on the account page, where the old password is asked
for. Secrets go to whoever asked for them, once, and into no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotPermitted, NotThere, Problem, Rejected
from opsmodal.operations.carried import IssuedToken
from opsmodal.operations.door import Door, Leave
from opsmodal.operations.guards import Asked, Confirmation, Consent, Verdict
from opsmodal.people import People, User
from opsmodal.people.links import INVITATION, INVITATION_S
from opsmodal.permissions import Action, Actor, Permission
from opsmodal.registry.registry import Registry

ADMIN, AUDITOR = FLAGS = ("admin", "auditor")
TAKES = {
    ADMIN: "the registry, people, the audit log, and every service that no grant gives them",
    AUDITOR: "reading the audit log",
}
WORDS = {ADMIN: "an administrator", AUDITOR: "an auditor"}
TARGET_MAX_CHARS = 200
OWN_HINT = "Your account page is where you change your own password and tokens."


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Somebody who was added or given a link. `ticket` signs them in once until `ends_at`; empty without a link."""

    user: str
    sentence: str
    ends_at: datetime | None = None
    ticket: str = ""

    def __repr__(self) -> str:
        """Leave the ticket out of whatever writes values down."""
        return f"Invited(user={self.user!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserToAdd:
    """A user to be added. Without a password they are given a one-time link."""

    name: str
    password: str | None = None
    admin: bool = False
    auditor: bool = False

    def __repr__(self) -> str:
        """Leave the password out of whatever writes values down."""
        return f"UserToAdd(name={self.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWish:
    """A token to be made: None of services or permissions is all that its owner may."""

    label: str = ""
    lifetime_s: float | None = None
    services: Sequence[str] | None = None
    permissions: Sequence[Permission] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOneself:
    """The guard that lets nobody do to himself what somebody else has to see."""

    name: str
    sentence: str
    hint: str = OWN_HINT

    def __call__(self, asked: Asked) -> Verdict:
        """Refuse when it is the actor's own."""
        is_own = asked.leave.actor.name == self.name
        return Verdict(rule="oneself", refusal=NotPermitted(self.sentence, hint=self.hint) if is_own else None)


class PeopleChanges:
    """Change others. For administrators."""

    def __init__(self, door: Door, people: People, registry: Registry) -> None:
        self._door = door
        self._people = people
        self._registry = registry

    def add(self, actor: Actor, wanted: UserToAdd, *, consent: Consent) -> Invited:
        """Add a user, with a password or a link. Raise Rejected."""
        target = wanted.name[:TARGET_MAX_CHARS]
        leave = self._door.administer(actor, actions.USER_ADD, target)
        with self._door.act(leave, target=target, consent=consent) as outcome:
            user = self._people.add(wanted.name, password=wanted.password, admin=wanted.admin, auditor=wanted.auditor)
            flags = " and ".join(WORDS[flag] for flag in FLAGS if getattr(user, flag))
            outcome.detail = f"{'with a password' if user.has_password else 'with a one-time link'}" + (
                f", as {flags}" if flags else ""
            )
            sentence = f"{user.name} was added{f' as {flags}' if flags else ''}."
            return self._invited(user, sentence, link=not user.has_password)

    def link(self, actor: Actor, name: str, *, consent: Consent) -> Invited:
        """Make a link that signs somebody in once. Raise NotThere, or Rejected for who is disabled."""
        leave, user = self._leave(actor, actions.USER_LINK, name)
        if user.disabled:
            sentence = f"{name} is disabled and could not sign in."
            raise Rejected(sentence, [Problem(field="name", sentence=sentence)], hint="Enable them first.")
        own = NotOneself(name=name, sentence="You are signed in: a link for yourself would only outlive this session.")
        with self._door.act(leave, target=name, consent=consent, guards=(own,)):
            return self._invited(user, f"A new one-time link for {name}.", link=True)

    def disable(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """Shut somebody out now. Raise NotThere or LastAdministrator."""
        leave, user = self._leave(actor, actions.USER_DISABLE, name)
        sessions, tokens = len(self._people.sessions(name)), len(self._people.tokens(name))
        hits = [
            f"user {name}: can no longer sign in, and one-time links for them no longer work",
            f"{_counted(sessions, 'session')}: over at once, with what it follows",
            f"{_counted(tokens, 'API token')}: refused until {name} is enabled again",
        ]
        own = NotOneself(name=name, sentence="Nobody can disable himself.", hint="Ask another administrator to do it.")
        asked = Confirmation(hits=hits, label=f"Disable {name}", command=f"opsmodal user disable {name}")
        with self._door.act(leave, target=name, consent=consent, guards=(own, asked)):
            self._people.disable(user.name)
        return Done(sentence=f"{name} is disabled.", targets=(name,))

    def enable(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """Let somebody in again. Raise NotThere."""
        leave, _ = self._leave(actor, actions.USER_ENABLE, name)
        with self._door.act(leave, target=name, consent=consent):
            self._people.enable(name)
        return Done(sentence=f"{name} is enabled.", targets=(name,))

    def give_flag(self, actor: Actor, name: str, flag: str, *, consent: Consent) -> Done:
        """Make somebody an administrator or auditor. Raise NotThere."""
        leave, _ = self._leave(actor, actions.USER_GIVE_FLAG, name, flag)
        with self._door.act(leave, target=f"{name}: {flag}", consent=consent):
            self._people.set_flags(name, **{flag: True})
        return Done(sentence=f"{name} is {WORDS[flag]} now.", targets=(name,))

    def take_flag(self, actor: Actor, name: str, flag: str, *, consent: Consent) -> Done:
        """Make somebody no longer an administrator or auditor. Raise NotThere or LastAdministrator."""
        leave, _ = self._leave(actor, actions.USER_TAKE_FLAG, name, flag)
        asked = Confirmation(
            hits=[f"user {name}: loses {TAKES[flag]}"],
            label=f"Take “{flag}” from {name}",
            command=f"opsmodal user flags {name} --no-{flag}",
        )
        with self._door.act(leave, target=f"{name}: {flag}", consent=consent, guards=(asked,)):
            self._people.set_flags(name, **{flag: False})
        return Done(sentence=f"{name} is no longer {WORDS[flag]}.", targets=(name,))

    def password(self, actor: Actor, name: str, password: str, *, consent: Consent) -> Done:
        """Give somebody another password, and end their sessions. Raise NotThere or Rejected."""
        leave, _ = self._leave(actor, actions.USER_PASSWORD, name)
        own = NotOneself(name=name, sentence="Your own password is changed with the old one.")
        with self._door.act(leave, target=name, consent=consent, guards=(own,)):
            self._people.set_password(name, password)
        return Done(sentence=f"{name} has another password; their sessions have ended.", targets=(name,))

    def end_session(self, actor: Actor, name: str, session: str, *, consent: Consent) -> Done:
        """End one session of somebody. Raise NotThere."""
        leave, _ = self._leave(actor, actions.SESSION_END, name)
        with self._door.act(leave, target=f"{name}: {session}"[:TARGET_MAX_CHARS], consent=consent):
            self._people.end_session_of(name, session)
        return Done(sentence=f"That session of {name} has ended.", targets=(session,))

    def end_sessions(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """End every session of somebody, and their one-time links. Raise NotThere."""
        leave, _ = self._leave(actor, actions.SESSION_END, name)
        with self._door.act(leave, target=f"{name}: all", consent=consent) as outcome:
            outcome.detail = _counted(self._people.end_sessions(name), "session")
        return Done(sentence=f"{name} is signed out everywhere: {outcome.detail}.", targets=(name,))

    def create_token(self, actor: Actor, name: str, wish: TokenWish, *, consent: Consent) -> IssuedToken:
        """Make a token for somebody. Raise NotThere or Rejected."""
        leave, _ = self._leave(actor, actions.TOKEN_CREATE, name)
        own = NotOneself(name=name, sentence="Your own tokens are made on your account page.")
        with self._door.act(leave, target=name, consent=consent, guards=(own,)) as outcome:
            issued = issue(self._people, self._registry, name, wish)
            outcome.detail = f"token {issued.id}"
        return issued

    def revoke_token(self, actor: Actor, name: str, token: str, *, consent: Consent) -> Done:
        """End one token of somebody. Raise NotThere."""
        leave, _ = self._leave(actor, actions.TOKEN_REVOKE, name)
        found = next((each for each in self._people.tokens(name) if each.id == token), None)
        if found is None:
            raise NotThere("There is no such token.", hint="It may have been revoked already.")
        hits = [
            f"token {found.id}{f' “{found.label}”' if found.label else ''}: programs that use it are refused at once"
        ]
        asked = Confirmation(hits=hits, label="Revoke token", command=f"opsmodal token revoke {found.id}")
        with self._door.act(leave, target=f"{name}: {found.id}", consent=consent, guards=(asked,)):
            self._people.revoke_token(found.id, user=name)
        return Done(sentence=f"Token {found.id} of {name} is revoked.", targets=(found.id,))

    def revoke_tokens(self, actor: Actor, name: str, *, consent: Consent) -> Done:
        """End every token of somebody. Raise NotThere."""
        leave, _ = self._leave(actor, actions.TOKEN_REVOKE, name)
        hits = [f"{_counted(len(self._people.tokens(name)), 'API token')} of {name}: refused at once"]
        asked = Confirmation(hits=hits, label=f"Revoke all tokens of {name}")
        with self._door.act(leave, target=f"{name}: all", consent=consent, guards=(asked,)) as outcome:
            outcome.detail = _counted(self._people.revoke_tokens(name), "API token")
        return Done(sentence=f"Revoked of {name}: {outcome.detail}.", targets=(name,))

    def _leave(self, actor: Actor, action: Action, name: str, flag: str = ADMIN) -> tuple[Leave, User]:
        leave = self._door.administer(actor, action, name[:TARGET_MAX_CHARS])
        user = self._people.user(name)
        if user is None:
            raise NotThere(f"There is no user {name[:80]!r}.", hint="The page of people lists everybody.")
        if flag not in FLAGS:
            raise NotThere(f"There is no flag {flag[:40]!r}.", hint=f"There are: {', '.join(FLAGS)}.")
        return leave, user

    def _invited(self, user: User, sentence: str, *, link: bool) -> Invited:
        if not link:
            return Invited(user=user.name, sentence=sentence)
        ticket = self._people.issue_ticket(user.name, INVITATION_S, purpose=INVITATION)
        ends_at = datetime.now(UTC) + timedelta(seconds=INVITATION_S)
        return Invited(user=user.name, sentence=sentence, ticket=ticket, ends_at=ends_at)


def issue(people: People, registry: Registry, name: str, wish: TokenWish) -> IssuedToken:
    """Make a token. Raise NotThere for a disabled user, Rejected for a service that there is not."""
    known = {service.name for service in registry.services()}
    unknown = [service for service in wish.services or () if service not in known]
    if unknown:
        sentence = f"There is no service {unknown[0][:80]!r}."
        raise Rejected(sentence, [Problem(field="services", sentence=sentence)])
    issued = people.new_token(
        name,
        label=wish.label,
        lifetime_s=wish.lifetime_s,
        services=wish.services,
        permissions=wish.permissions,
    )
    return IssuedToken(id=issued.id, token=issued.secret, sentence=f"A new API token for {name}.")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
