"""Signing in and out, and finding out who asks. Every sign-in, failed ones too, is an audit row."""

from __future__ import annotations

import logging

from opsmodal import actions
from opsmodal.audit import Audit, Row
from opsmodal.errors import NotRecorded, NotSignedIn, Refusal
from opsmodal.people import People, User
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry

log = logging.getLogger(__name__)

NAME_MAX_CHARS = 200


class Signing:
    """Turn a password, a ticket, a session or a token into an actor."""

    def __init__(self, people: People, registry: Registry, audit: Audit) -> None:
        self._people = people
        self._registry = registry
        self._audit = audit

    def by_password(self, name: str, password: str, *, address: str, agent: str) -> str:
        """Sign in and give the secret of the new session. Raise NotSignedIn, TooMany or NotRecorded."""
        try:
            user = self._people.sign_in(name, password, address=address)
        except Refusal as refusal:
            row = Row(actor=Actor(name=name[:NAME_MAX_CHARS], address=address), action=actions.SIGN_IN.name)
            self._audit.refused(row, rule="password" if isinstance(refusal, NotSignedIn) else "too-many")
            raise
        return self._begin(user, "by password", address=address, agent=agent)

    def by_ticket(self, ticket: str, *, address: str, agent: str) -> str:
        """Use up a one-time link and give the secret of the new session. Raise NotSignedIn or NotRecorded."""
        user = self._people.redeem(ticket)
        if user is None:
            row = Row(actor=Actor(name="", address=address), action=actions.SIGN_IN.name)
            self._audit.refused(row, rule="ticket")
            raise NotSignedIn("This link has been used or has expired.", hint="Ask for a new one, or sign in.")
        return self._begin(user, "by one-time link", address=address, agent=agent)

    def out(self, secret: str, *, address: str) -> None:
        """End a session. Giving a right up is never refused because it cannot be recorded."""
        found = self._people.session(secret)
        if found is None:
            return
        actor = self._actor(found.user, via=f"session:{found.id}", address=address)
        self._people.end_session(secret)
        try:
            self._audit.event(Row(actor=actor, action=actions.SIGN_OUT.name), outcome="done")
        except NotRecorded:
            log.exception("sign-out not recorded", extra={"actor": actor.name})

    def by_session(self, secret: str, *, address: str) -> Actor | None:
        """Give who has this session; None when it has ended."""
        found = self._people.session(secret)
        return self._actor(found.user, via=f"session:{found.id}", address=address) if found else None

    def by_token(self, secret: str, *, address: str) -> Actor | None:
        """Give who has this token, narrowed to what it is for; None when it is not valid."""
        found = self._people.token(secret)
        if found is None:
            return None
        return Actor(
            name=found.user.name,
            admin=found.user.admin,
            auditor=found.user.auditor,
            groups=self._registry.groups_of(found.user.name),
            services=found.services,
            permissions=found.permissions,
            via=f"token:{found.id}",
            address=address,
        )

    def _begin(self, user: User, how: str, *, address: str, agent: str) -> str:
        actor = self._actor(user, via="", address=address)
        intent = self._audit.intend(Row(actor=actor, action=actions.SIGN_IN.name))
        secret = self._people.start_session(user.name, address=address, agent=agent)
        self._audit.close(intent, outcome="done", duration_ms=0, detail=how)
        return secret

    def _actor(self, user: User, *, via: str, address: str) -> Actor:
        return Actor(
            name=user.name,
            admin=user.admin,
            auditor=user.auditor,
            groups=self._registry.groups_of(user.name),
            via=via,
            address=address,
        )
