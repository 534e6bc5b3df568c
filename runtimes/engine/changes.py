"""Restarts, stops and starts one container: by the engine, or by the systemd of its host where that looks after it.

What swarm schedules, and what systemd looks after where no host can be reached, is left alone with the right command.
"""

from __future__ import annotations

import contextlib

from runtimes.base import Scope
from runtimes.engine.answers import Inspected
from runtimes.engine.api import Api, escaped
from runtimes.engine.containers import Containers
from runtimes.engine.live import LiveContainers
from runtimes.engine.managers import locked, unit_of
from runtimes.engine.recent import RecentRestarts
from runtimes.engine.refusals import Refusals
from runtimes.engine.scope import missing
from runtimes.engine.systemd import Units
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem

STOP_GRACE_S = 10
"""How long both engines wait for a container to stop before they kill it, where nothing else is set."""
CHANGE_MAX_S = 120.0
"""Longest that a person is kept waiting for a change; the engine goes on with it by itself."""
_FAILED = {
    "restart": ("could not be started again", "Mend what the engine names, then restart it."),
    "stop": ("could not be stopped", "Mend what the engine names, then stop it."),
    "start": ("could not be started", "Mend what the engine names, then start it."),
}
_PATIENT = frozenset({"restart", "stop"})


class Changes:
    """What is done to containers one by one."""

    def __init__(
        self, api: Api, *, containers: Containers, live: LiveContainers, units: Units, past: RecentRestarts
    ) -> None:
        self.refusals = Refusals()
        self._api = api
        self._containers = containers
        self._live = live
        self._units = units
        self._past = past

    def make(self, verb: str, scope: Scope, instance: str) -> None:
        """Restart, stop or start a container, and wait until that is done.

        Raise Missing when it is not the service's, Conflict for one that is locked, is already as it is wanted, or
        cannot be started.
        """
        container = self._containers.one(scope, instance)
        if lock := locked(container.labels, name=container.own_name, host=self._units.host, verb=verb):
            raise Conflict(lock.sentence, hint=lock.hint)
        _check(verb, container)
        grace_s = (container.config.stop_timeout or STOP_GRACE_S) if verb in _PATIENT else 0
        within_s = min(grace_s + self._api.timeout_s, CHANGE_MAX_S)
        if unit := unit_of(container.labels):
            self._units.change(verb, unit, container, within_s=CHANGE_MAX_S)
        else:
            self._ask(verb, container, missing(instance, service=scope.service), within_s)
        if verb == "stop":
            self._note_stop(container)
        self._live.changed(container)

    def _note_stop(self, container: Inspected) -> None:
        """Remember that it did not end by itself, and let lists say so."""
        with contextlib.suppress(RuntimeProblem):  # it may be gone with its end, and then has no row
            after = self._containers.inspected(container.id)
            if not after.state.running:
                self._past.note_stop(after)
                self._live.stir()

    def _ask(self, verb: str, container: Inspected, gone: Missing, within_s: float) -> None:
        try:
            self._api.post(f"/containers/{escaped(container.id)}/{verb}", timeout_s=within_s)
        except Missing as problem:
            # Podman answers 404 as well for what a container needs: only one that is gone is not there any more.
            if "no such container" in problem.detail.lower() or not problem.detail:
                raise gone from None
            raise self._failed(verb, container, problem.detail) from problem
        except (Conflict, Invalid) as problem:  # Docker answers 400 for a mounted path that has gone
            raise self._failed(verb, container, problem.detail) from problem

    def _failed(self, verb: str, container: Inspected, said: str) -> Conflict:
        if verb != "stop":
            self.refusals.note(container, said)
        words, hint = _FAILED[verb]
        return Conflict(f"{container.own_name} {words}: {said.rstrip('.')}.", hint=hint, detail=said)


def _check(verb: str, container: Inspected) -> None:
    name, running = container.own_name, container.state.running
    if verb == "stop" and not running and not container.state.restarting:
        raise Conflict(f"{name} is not running.", hint="Nothing was done. Look at the list again.")
    if verb == "start" and running:
        raise Conflict(f"{name} is running already.", hint="Nothing was done. Restart it to have it begin anew.")
