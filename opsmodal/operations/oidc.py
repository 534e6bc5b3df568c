"""Signing in with the registered OpenID provider: begin, come back, leave. Every end of it is an audit row.

Who somebody is, the provider proves (`opsmodal.oidc`); who that is here, is decided here: by issuer and subject alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time

from opsmodal import actions
from opsmodal.audit import Audit, Row
from opsmodal.errors import InUse, NotThere, Refusal
from opsmodal.oidc import Client, Clients, NotVouched, Vouched, person
from opsmodal.oidc.errors import ASK
from opsmodal.oidc.pending import LIFE_S, sealed, unsealed
from opsmodal.operations.recording import recorded
from opsmodal.operations.signing import OIDC, Signing
from opsmodal.people import People, User
from opsmodal.people.identities import Identities
from opsmodal.people.once import Once
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import OidcSpec
from opsmodal.store import Vault

SECTION = "oidc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in under way: where to send the browser, and what it has to keep."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Somebody who came back and is let in: the secret of their session, and where they wanted to go."""

    secret: str
    target: str


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A sign-in that is being looked at. `name` is known once the provider has said it."""

    address: str
    request_id: str
    name: str = ""


class OidcSigning:
    """Turn the word of a provider into a session."""

    def __init__(
        self,
        *,
        signing: Signing,
        registry: Registry,
        audit: Audit,
        people: People,
        identities: Identities,
        once: Once,
        vault: Vault,
    ) -> None:
        self._signing = signing
        self._registry = registry
        self._audit = audit
        self._people = people
        self._identities = identities
        self._once = once
        self._vault = vault
        self._clients = Clients()

    def name(self) -> str:
        """Give what the provider is called on the sign-in page; "" where none is registered."""
        spec = self._registry.oidc()
        return spec.name if spec else ""

    def begin(self, *, redirect_uri: str, target: str, address: str, request_id: str = "") -> Begun:
        """Send somebody to the provider. Raise NotVouched or ProviderAway."""
        if self._registry.oidc() is None:
            raise NotThere("There is no provider to sign in with here.", hint="Use a name and password.")
        try:
            url, pending = self._client().begin(redirect_uri=redirect_uri, target=target)
        except Refusal as refusal:
            self._signing.refused_elsewhere(refusal, "", address=address, request_id=request_id)
            raise
        return Begun(url=url, cookie=sealed(self._vault, pending))

    def target(self, cookie: str) -> str:
        """Give where somebody wanted to go who comes back with this cookie."""
        pending = unsealed(self._vault, cookie, now=time())
        return pending.target if pending else ""

    def finish(
        self, answered: Mapping[str, Sequence[str]], cookie: str, *, address: str, agent: str, request_id: str = ""
    ) -> Came:
        """Let in who comes back from the provider. Raise NotVouched, ProviderAway, TooMany or NotRecorded."""
        attempt = Attempt(address=address, request_id=request_id)
        try:
            with self._people.attempt(address):
                user, groups, target = self._vouched(answered, cookie, attempt)
        except Refusal as refusal:
            self._signing.refused_elsewhere(refusal, attempt.name, address=address, request_id=request_id)
            raise
        who = {"address": address, "agent": agent, "request_id": request_id}
        secret = self._signing.begin(user, OIDC, groups=groups, **who)
        return Came(secret=secret, target=target)

    def leave_url(self, back_to: str) -> str:
        """Give where somebody may sign out of the provider too; "" where there is no such place."""
        return self._client().leave_url(back_to) if self._registry.oidc() else ""

    def _vouched(
        self, answered: Mapping[str, Sequence[str]], cookie: str, attempt: Attempt
    ) -> tuple[User, tuple[str, ...], str]:
        client = self._client()
        pending, code = client.code(unsealed(self._vault, cookie, now=time()), answered)
        if not self._once.use(pending.state, life_s=2 * LIFE_S):
            raise NotVouched("This sign-in was finished already.", rule="replayed")
        vouched = client.vouched(pending, code)
        person.demand_domain(vouched.claims, client.spec)
        user = self._user(vouched, client.spec, attempt)
        if user.disabled:
            attempt.name = user.name
            raise NotVouched(f"The user {user.name} is disabled here.", rule="disabled", hint=ASK)
        return user, person.groups_in(vouched.claims, client.spec), pending.target

    def _user(self, vouched: Vouched, spec: OidcSpec, attempt: Attempt) -> User:
        """Find the user of an identity, or make one where that is wanted and the name is free."""
        known = self._identities.owner(vouched.issuer, vouched.subject)
        if known is not None:
            return known
        name = attempt.name = person.name_of(vouched.claims, spec)
        taken = self._identities.named(name)
        if taken:
            raise _taken(taken, vouched)
        if not spec.create:
            raise _unknown(name)
        try:
            return self._adopted(vouched, attempt, spec)
        except InUse:
            again = self._identities.owner(vouched.issuer, vouched.subject)  # two tabs at once
            if again is not None:
                return again
            raise _taken(self._identities.named(name) or name, vouched) from None

    def _adopted(self, vouched: Vouched, attempt: Attempt, spec: OidcSpec) -> User:
        actor = Actor(name=attempt.name, address=attempt.address, request_id=attempt.request_id)
        with recorded(self._audit, Row(actor=actor, action=actions.USER_ADD.name, target=actor.name)) as outcome:
            outcome.detail = f"at the first sign-in with {spec.name}"
            return self._identities.adopt(vouched.issuer, vouched.subject, actor.name)

    def _client(self) -> Client:
        spec = self._registry.oidc()
        if spec is None:
            raise NotVouched("There is no provider to sign in with here.", rule="none", hint="Use a name and password.")
        return self._clients.of(spec, lambda field: self._registry.credential(SECTION, SECTION, field))


def _taken(name: str, vouched: Vouched) -> NotVouched:
    """The name is somebody's who was here before: the provider's word for a name is no proof that it is the same."""
    hint = f"An administrator can tie the two: opsmodal user identity {name} --subject {vouched.subject[:100]!r}."
    return NotVouched(f"There is a user {name} here who is not tied to this account.", rule="taken", hint=hint)


def _unknown(name: str) -> NotVouched:
    hint = "Ask an administrator to add you, and to tie you to this account."
    return NotVouched(f"There is no user {name} here.", rule="unknown", hint=hint)
