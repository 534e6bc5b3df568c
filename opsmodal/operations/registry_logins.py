"""Logins for image registries, for administrators: which there are, give one, take one away.

No password is ever shown again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.operations.door import Door
from opsmodal.operations.guards import UNASKED, Confirmation, Consent
from opsmodal.permissions import Actor
from opsmodal.registry.logins import KnownLogin
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import KubernetesSpec, RuntimeSpec
from runtimes.errors import Invalid, Unsupported
from runtimes.registries import typed_registry

USER_MAX_CHARS = 255
SECRET_MAX_CHARS = 8192
"""A token of Amazon's registry has about 2,500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRow:
    """A login without its password. `host` is the registry: host or host:port, docker.io for Docker Hub."""

    host: str
    user: str
    given_by: str
    given_at: datetime


class RegistryLoginOperations:
    """Look at the logins of a runtime, and change them."""

    def __init__(self, door: Door, registry: Registry) -> None:
        self._door = door
        self._registry = registry

    def rows(self, actor: Actor, runtime: str) -> tuple[LoginRow, ...]:
        """List the logins of a runtime. Raise NotThere for one that is not registered."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        _spec(self._registry, runtime)
        return tuple(
            LoginRow(host=each.host, user=each.user, given_by=each.given_by, given_at=each.given_at)
            for each in self._registry.logins.known(runtime)
        )

    def put(self, actor: Actor, runtime: str, host: str, user: str, secret: str, *, consent: Consent = UNASKED) -> Done:
        """Give the login for a registry, in place of the one there is. Raise Rejected with what is wrong with it."""
        target = _target(runtime, host)
        leave = self._door.administer(actor, actions.REGISTRY_LOGIN_PUT, target)
        found = checked(self._registry, runtime, host, user, secret)
        with self._door.act(leave, target=_target(runtime, found), consent=consent) as outcome:
            known = KnownLogin(runtime, found, user, actor.name, datetime.now(UTC))
            was_there = self._registry.logins.put(known, secret)
            outcome.detail = f"{user}, {'in place of another' if was_there else 'new'}"
        return Done(sentence=f"Images of {found} are pulled as {user}.", targets=(found,))

    def remove(self, actor: Actor, runtime: str, host: str, *, consent: Consent = UNASKED) -> Done:
        """Forget the login for a registry. Raise NotThere where there is none."""
        target = _target(runtime, host)
        leave = self._door.administer(actor, actions.REGISTRY_LOGIN_REMOVE, target)
        found = typed_registry(host)
        login = next((each for each in self._registry.logins.known(runtime) if each.host == found), None)
        if login is None:
            hint = "The page of the runtime lists those that it has."
            raise NotThere(f"The runtime {runtime[:80]} has no login for {host[:80]}.", hint=hint)
        hits = (f"the login of {login.user} for {found}", f"private images of {found} can be pulled no more")
        asked = Confirmation(hits=hits, label="Remove the login")
        with self._door.act(leave, target=target, consent=consent, guards=(asked,)) as outcome:
            self._registry.logins.remove(runtime, found)
            outcome.detail = login.user
        return Done(sentence=f"Images of {found} are pulled without a login.", targets=(found,))


def checked(registry: Registry, runtime: str, host: str, user: str, secret: str) -> str:
    """Give the registry in its one spelling. Raise Rejected with every field that is wrong, none of which is told."""
    if isinstance(_spec(registry, runtime), KubernetesSpec):
        hint = "Name a Secret of the kind kubernetes.io/dockerconfigjson in imagePullSecrets of the workload."
        raise Unsupported("The nodes of a cluster pull its images, with logins of their own.", hint=hint)
    problems, found = [], ""
    try:
        found = typed_registry(host)
    except Invalid as wrong:
        problems.append(Problem(field="host", sentence=wrong.sentence, hint=wrong.hint))
    if not user or len(user) > USER_MAX_CHARS or ":" in user or not user.isprintable() or user != user.strip():
        hint = "Give the name that the registry knows: printable, and without a colon."
        problems.append(Problem(field="user", sentence="This is no user of a registry.", hint=hint))
    if not secret or len(secret) > SECRET_MAX_CHARS or not secret.isprintable():
        hint = "Give a password or an access token that may pull, on one line."
        problems.append(Problem(field="password", sentence="This is no password.", hint=hint))
    if problems:
        raise Rejected("The login was not stored.", problems)
    return found


def _spec(registry: Registry, runtime: str) -> RuntimeSpec:
    spec = registry.runtime(runtime)
    if spec is None:
        raise NotThere(f"There is no runtime {runtime[:80]!r}.", hint="The registry page lists those that are.")
    return spec


def _target(runtime: str, host: str) -> str:
    return f"runtimes/{runtime} {host}"[:200]
