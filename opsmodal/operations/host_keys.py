"""The connections of a runtime for administrators: how each is, which host keys are trusted, trust and forget.

A key is only ever trusted as the server shows it now and as the person saw it: when the two differ, nothing is done. A
changed key cannot be trusted here at all: the old one has to be forgotten first, by somebody who knows why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.errors import HostKeyUnknown
from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.candidates import Candidate, candidates
from opsmodal.choices import AUTO
from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.fleet import Fleet
from opsmodal.operations.connection import TEST_DEADLINE_S
from opsmodal.operations.door import Door
from opsmodal.operations.guards import UNASKED, Confirmation, Consent
from opsmodal.operations.trying import Trying
from opsmodal.permissions import Actor
from opsmodal.registry.hostkeys import Trusted
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import RuntimeSpec, SshConnection
from opsmodal.shown_key import ShownKey, shown_key
from opsmodal.ways import split

AGAIN_S = 0.25
"""How often a server is asked for its key again within the pause between two tries of a connection."""
RELOAD = "Reload the page of the runtime, and compare again."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A host key that somebody has trusted by hand."""

    host: str
    port: int
    algorithm: str
    fingerprint: str
    trusted_by: str
    trusted_at: datetime


class HostKeys:
    """Look at the connections of a runtime, and say which keys of their servers are the right ones."""

    def __init__(self, door: Door, registry: Registry, fleet: Fleet) -> None:
        self._door = door
        self._registry = registry
        self._fleet = fleet
        self._trying = Trying()

    def ways(self, actor: Actor, runtime: str) -> tuple[Candidate, ...]:
        """Read how every connection of a runtime is, without trying any."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        self._spec(runtime)
        return self._ways(runtime)

    def test(self, actor: Actor, runtime: str) -> tuple[Candidate, ...]:
        """Try every connection of a runtime now, side by side. Raise TooMany while somebody else does."""
        target = f"runtimes/{runtime}"
        leave = self._door.administer(actor, actions.REGISTRY_TEST, target)
        self._spec(runtime)
        with self._door.act(leave, target=target, slot=self._trying.slot(runtime)) as outcome:
            self._fleet.test_ways(runtime, deadline_s=TEST_DEADLINE_S, at_once=True)
            found = self._ways(runtime)
            outcome.detail = ", ".join(f"{each.name} {each.word}" for each in found)
        return found

    def trusted(self, actor: Actor, runtime: str = "") -> tuple[TrustedKey, ...]:
        """List the keys that were trusted by hand: all, or those of the servers on the way to one runtime."""
        self._door.administer(actor, actions.REGISTRY_VIEW)
        servers = _servers(self._spec(runtime)) if runtime else None
        return tuple(
            TrustedKey(
                host=key.host,
                port=key.port,
                algorithm=key.algorithm,
                fingerprint=key.fingerprint,
                trusted_by=key.trusted_by,
                trusted_at=key.trusted_at,
            )
            for key in self._registry.state().host_keys
            if servers is None or (key.host, key.port) in servers
        )

    def trust(
        self, actor: Actor, runtime: str, connection: str, fingerprint: str, *, consent: Consent = UNASKED
    ) -> Done:
        """Trust the key of this fingerprint. Raise Rejected unless it is what the server shows now."""
        target = f"runtimes/{runtime}/{connection} {fingerprint}"[:200]
        leave = self._door.administer(actor, actions.HOST_KEY_TRUST, target)
        key = self._shown(self._spec(runtime), connection, fingerprint)
        asked = Confirmation(hits=_meaning(key), label="Trust this key")
        with self._door.act(leave, target=target, consent=consent, guards=(asked,)) as outcome:
            outcome.detail = f"{key.where}, {key.algorithm} {key.fingerprint}"
            trusted = Trusted(
                host=key.host,
                port=key.port,
                algorithm=key.algorithm,
                line=key.line,
                fingerprint=key.fingerprint,
                trusted_by=actor.name,
                trusted_at=datetime.now(UTC),
            )
            self._registry.trust(trusted)
        self._fleet.refresh()
        return Done(sentence=f"The key of {key.where} is trusted: {key.fingerprint}.", targets=(key.fingerprint,))

    def forget(self, actor: Actor, host: str, port: str, *, consent: Consent = UNASKED) -> Done:
        """Forget every key of a server that was trusted by hand. Raise NotThere when there is none."""
        target = f"{host}:{port}"[:200]
        leave = self._door.administer(actor, actions.HOST_KEY_FORGET, target)
        found = [key for key in self._registry.state().host_keys if (key.host, str(key.port)) == (host, port)]
        if not found:
            raise NotThere(f"No key of {host[:80]} port {port[:8]} was trusted by hand.")
        hits = [
            *(f"{key.algorithm} {key.fingerprint} of {host} port {port}" for key in found),
            "connections over this server are refused until a key of it is trusted again",
        ]
        asked = Confirmation(hits=hits, label="Forget the key" if len(found) == 1 else f"Forget {len(found)} keys")
        with self._door.act(leave, target=target, consent=consent, guards=(asked,)) as outcome:
            outcome.detail = ", ".join(key.fingerprint for key in found)
            self._registry.forget_host_keys(host, int(port))
        self._fleet.refresh()
        return Done(sentence=f"No key of {host} port {port} is trusted by hand any more.", targets=(target,))

    def _ways(self, runtime: str) -> tuple[Candidate, ...]:
        return candidates(self._fleet.ways(runtime), in_use=self._fleet.connection_in_use(runtime, AUTO))

    def _shown(self, spec: RuntimeSpec, connection: str, fingerprint: str) -> ShownKey:
        if not any(way.name == connection for way in spec.ways()):
            raise NotThere(f"The runtime {spec.name} has no connection {connection[:80]!r}.")
        shown = self._asked_anew(spec.name, connection)
        if shown is None:
            sentence = "No server on this connection shows a key that is unknown."
            problem = Problem(field="fingerprint", sentence=sentence, hint=RELOAD)
        elif shown.fingerprint != fingerprint:
            sentence = f"{shown.where} shows another key by now: {shown.fingerprint}."
            problem = Problem(field="fingerprint", sentence=sentence, hint=RELOAD)
        else:
            return shown
        raise Rejected("The key was not trusted.", [problem], hint=RELOAD)

    def _asked_anew(self, runtime: str, connection: str) -> ShownKey | None:
        """Let the server show its key once more: what it showed to the person may be as old as their page.

        A try may be answered from the one before, within its pause: it carries the very same problem then.
        """
        before, ends_at = self._problem(runtime, connection), time.monotonic() + TEST_DEADLINE_S
        while True:
            self._fleet.test_ways(runtime, (connection,), deadline_s=max(0.1, ends_at - time.monotonic()))
            found = self._problem(runtime, connection)
            if found is None or found is not before:
                return shown_key(found) if found else None
            if time.monotonic() >= ends_at:
                return None
            time.sleep(AGAIN_S)

    def _problem(self, runtime: str, connection: str) -> HostKeyUnknown | None:
        return next((way.host_key for way in self._fleet.ways(runtime) if way.name == connection), None)

    def _spec(self, name: str) -> RuntimeSpec:
        spec = self._registry.runtime(name)
        if spec is None:
            raise NotThere(f"There is no runtime {name[:80]!r}.", hint="The registry page lists those that are.")
        return spec


def _meaning(key: ShownKey) -> tuple[str, ...]:
    return (
        f"server: {key.where}",
        f"key: {key.algorithm} {key.fingerprint}",
        "whoever holds this key is taken for that server from now on, and is given its sign-in",
        f"before: {key.advice[:1].lower()}{key.advice[1:]}",
    )


def _servers(spec: RuntimeSpec) -> set[tuple[str, int]]:
    """Name every SSH server on the way to a runtime."""
    found = set()
    for way in spec.ways():
        if isinstance(way, SshConnection):
            found.add((way.host, way.port))
            found |= {split(each if isinstance(each, str) else each.host)[:2] for each in way.jump}
    return found
