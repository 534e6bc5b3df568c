"""Signing in and out, and finding out who asks. Every sign-in, failed ones too, is an audit row."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from opsmodal import actions
from opsmodal.audit import Audit, Row
from opsmodal.errors import NotPermitted, NotRecorded, NotSignedIn, Refusal
from opsmodal.networks import place_of
from opsmodal.oidc.errors import NotVouched
from opsmodal.oidc.person import Brought, brought
from opsmodal.operations.recording import recorded
from opsmodal.people import People, SignedIn, User
from opsmodal.people.links import SIGN_IN
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from opsmodal.store.errors import StoreProblem

log = logging.getLogger(__name__)

NAME_MAX_CHARS = 200
DIGEST_CHARS = 12
"""48 bits of a keyed digest: enough to tell the names of one attack apart."""
PASSWORD, LINK, OIDC = "password", "link", "oidc"
SAID = {PASSWORD: "by password", LINK: "by one-time link", OIDC: "by OpenID Connect"}
"""How the audit log says how a session began."""
TOLD_EVERY_S = 60.0
TOLD_MAX = 1000
"""Places remembered as told of."""


class Signing:
    """Turn a password, a ticket, a session or a token into an actor."""

    def __init__(
        self,
        people: People,
        registry: Registry,
        audit: Audit,
        *,
        digest: Callable[[str], str],
        takes_passwords: bool = True,
    ) -> None:
        self.takes_passwords = takes_passwords
        self._people = people
        self._registry = registry
        self._audit = audit
        self._digest = digest
        self._lock = threading.Lock()
        self._told: OrderedDict[str, float] = OrderedDict()

    def by_password(self, name: str, password: str, *, address: str, agent: str, request_id: str = "") -> str:
        """Sign in and give the secret of the new session. Raise NotSignedIn, NotPermitted, TooMany or NotRecorded."""
        if not self.takes_passwords:
            raise NotPermitted("Nobody signs in by password here.", hint="Use the other way on this page.")
        try:
            user = self._people.sign_in(name, password, address=address)
        except Refusal as refusal:
            self._refused(refusal, name, "password", address=address, request_id=request_id)
            raise
        return self.begin(user, PASSWORD, address=address, agent=agent, request_id=request_id)

    def by_ticket(self, ticket: str, *, address: str, agent: str, purpose: str = SIGN_IN, request_id: str = "") -> str:
        """Use up a one-time link and give the secret of the new session. Raise NotSignedIn, TooMany or NotRecorded."""
        try:
            user = self._people.sign_in_by_ticket(ticket, address=address, purpose=purpose)
        except Refusal as refusal:
            self._refused(refusal, "", "ticket", address=address, request_id=request_id)
            raise
        return self.begin(user, LINK, address=address, agent=agent, request_id=request_id)

    def begin(
        self,
        user: User,
        how: str,
        *,
        groups: Sequence[str] | None = None,
        address: str,
        agent: str,
        request_id: str = "",
    ) -> str:
        """Start the session of somebody who has proven who they are, and give its secret. Raise NotRecorded.

        `groups` are those that the sign-in itself brought along.
        """
        actor = replace(self._actor(user, via="", address=address), request_id=request_id)
        with recorded(self._audit, Row(actor=actor, action=actions.SIGN_IN.name)) as outcome:
            secret = self._people.start_session(user.name, how=how, groups=groups, address=address, agent=agent)
            outcome.detail = SAID[how]
        return secret

    def refused_elsewhere(self, refusal: Refusal, name: str, *, address: str, request_id: str = "") -> None:
        """Record that a provider or a proxy did not bring somebody in; what is not counted, once a minute."""
        rule = getattr(refusal, "rule", "too-many")
        if isinstance(refusal, NotVouched) or self._is_news(f"{rule} {place_of(address)}"):
            actor = Actor(name=name[:NAME_MAX_CHARS], address=address, request_id=request_id)
            self._audit.refused(Row(actor=actor, action=actions.SIGN_IN.name), rule=rule)

    def out(self, secret: str, *, address: str, request_id: str = "") -> str:
        """End a session and say how it began. Giving a right up is never refused because it cannot be recorded."""
        found = self._people.session(secret)
        if found is None:
            return ""
        actor = replace(self._in_session(found, address), request_id=request_id)
        self._people.end_session(secret)
        try:
            self._audit.event(Row(actor=actor, action=actions.SIGN_OUT.name), outcome="done")
        except NotRecorded:
            log.exception("sign-out not recorded", extra={"actor": actor.name})
        return found.how

    def by_session(self, secret: str, *, address: str, used: bool = True) -> Actor | None:
        """Give who has this session; None when it has ended. What a page does by itself is no use of it."""
        found = self._people.session(secret, used=used)
        return self._in_session(found, address) if found else None

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

    def _refused(self, refusal: Refusal, name: str, rule: str, *, address: str, request_id: str) -> None:
        """Record a failure; of those above the limit one a minute, or strangers could fill the disk with them."""
        if not isinstance(refusal, NotSignedIn):
            if not self._is_news(place_of(address)):
                return
            rule = "too-many"
        actor = Actor(name=self._sayable(name), address=address, request_id=request_id)
        self._audit.refused(Row(actor=actor, action=actions.SIGN_IN.name), rule=rule)

    def _sayable(self, name: str) -> str:
        """Give a name that was typed when somebody has it. People type passwords there: of another a digest is kept."""
        try:
            is_known = not name or self._people.user(name) is not None
        except StoreProblem:
            is_known = False
        if is_known:
            return name
        plain = name.encode("utf-8", "replace").decode()
        return f"(unknown name {self._digest(f'name {plain}')[:DIGEST_CHARS]})"

    def _is_news(self, address: str) -> bool:
        with self._lock:
            now, told_at = time.monotonic(), self._told.pop(address, None)
            is_news = told_at is None or now - told_at >= TOLD_EVERY_S
            self._told[address] = now if is_news or told_at is None else told_at
            while len(self._told) > TOLD_MAX:
                self._told.popitem(last=False)
        return is_news

    def _in_session(self, found: SignedIn, address: str) -> Actor:
        actor = self._actor(found.user, via=f"session:{found.id}", address=address)
        more = brought(found.groups, self._registry.oidc()) if found.groups else Brought()
        return replace(
            actor,
            admin=actor.admin or more.admin,
            auditor=actor.auditor or more.auditor,
            groups=actor.groups | more.groups,
        )

    def _actor(self, user: User, *, via: str, address: str) -> Actor:
        return Actor(
            name=user.name,
            admin=user.admin,
            auditor=user.auditor,
            groups=self._registry.groups_of(user.name),
            via=via,
            address=address,
        )
