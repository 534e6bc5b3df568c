"""Who a proxy in front says that makes a request: believed by its address (`opsmodal.web.named`), looked up here.

There is no session: each request is somebody's because its header says so, and nobody's as soon as it does not. A name
that is no user's is refused in a sentence instead of falling back to a cookie that may be somebody else's.
"""

from __future__ import annotations

from opsmodal import actions
from opsmodal.audit import Audit, Row
from opsmodal.errors import NotSignedIn, Rejected
from opsmodal.operations.recording import recorded
from opsmodal.operations.signing import Signing
from opsmodal.people import People, User
from opsmodal.people.identities import Identities
from opsmodal.people.users import NAME_SHAPE
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry

VIA = "header"
ASK = "Ask an administrator of this installation."


class NotNamed(NotSignedIn):
    """The proxy names nobody who may come in; `rule` is what the audit log says."""

    def __init__(self, sentence: str, *, rule: str, hint: str = ASK) -> None:
        super().__init__(sentence, hint=hint)
        self.rule = f"header-{rule}"


class NamedSigning:
    """Turn what a believed proxy says into an actor; `create` makes users of names that are new."""

    def __init__(
        self,
        *,
        signing: Signing,
        people: People,
        identities: Identities,
        registry: Registry,
        audit: Audit,
        create: bool,
    ) -> None:
        self._signing = signing
        self._people = people
        self._identities = identities
        self._registry = registry
        self._audit = audit
        self._create = create

    def actor(self, name: str, groups: frozenset[str], *, address: str, request_id: str = "") -> Actor:
        """Give who makes a request. Raise NotSignedIn, or NotRecorded when a new user cannot be written down."""
        try:
            user = self._user(name, address, request_id)
        except NotNamed as refusal:
            self._signing.refused_elsewhere(refusal, name, address=address, request_id=request_id)
            raise
        return Actor(
            name=user.name,
            admin=user.admin,
            auditor=user.auditor,
            groups=self._registry.groups_of(user.name) | groups,
            brought=groups,
            via=VIA,
            address=address,
            request_id=request_id,
        )

    def _user(self, name: str, address: str, request_id: str) -> User:
        if not NAME_SHAPE.fullmatch(name):
            shown = f"as {name[:80]!r}" if name.strip() else "with an empty name"
            hint = "An administrator must let the proxy send one name, in letters, digits, dots and dashes."
            raise NotNamed(f"The proxy in front names you {shown}, which is no user's name.", rule="name", hint=hint)
        user = self._people.user(name) or self._added(name, address, request_id)
        if user.disabled:
            raise NotNamed(f"The user {name} is disabled here.", rule="disabled")
        return user

    def _added(self, name: str, address: str, request_id: str) -> User:
        taken = self._identities.named(name)
        if not self._create or taken:
            sentence = f"The proxy in front names you {name}, and there is no such user here."
            raise NotNamed(sentence, rule="unknown", hint=f"There is a user {taken}. {ASK}" if taken else ASK)
        who = Actor(name=name, via=VIA, address=address, request_id=request_id)
        row = Row(actor=who, action=actions.USER_ADD.name, target=name)
        try:
            with recorded(self._audit, row) as outcome:
                outcome.detail = "at the first request that a proxy named"
                return self._people.add(name)
        except Rejected as race:  # two first requests at once
            found = self._people.user(name)
            if found is None:
                raise NotNamed(f"The user {name} cannot be made.", rule="unknown") from race
            return found
