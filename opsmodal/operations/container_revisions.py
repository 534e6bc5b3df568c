"""Keeps the revisions of containers as they are changed, shows them, and masks what a comparison of two would tell.

A revision that cannot be kept is logged: what changes a container must not fail by what is remembered of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from connectors.errors import ConnectionProblem
from opsmodal.audit.redaction import MASK, is_sensitive, redacted
from opsmodal.errors import Refusal
from opsmodal.operations.deployment_answers import RevisionRow
from opsmodal.revisions import By, Container, Kept, Revisions
from opsmodal.store.errors import StoreProblem
from runtimes.base import Scope, Updates
from runtimes.changes import Restore, Rollback, SetResources, SetRestartPolicy
from runtimes.errors import RuntimeProblem
from runtimes.planning import Difference, Plan
from runtimes.updates import VARIABLE, Spec, Update

log = logging.getLogger(__name__)

SETTINGS = "settings changed in place"
OTHER = f"{MASK} (another)"


class ContainerRevisions:
    """The revisions of the containers of services."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    def found(self, updates: Updates, scope: Scope, whose: Container) -> None:
        """Keep what is there before a change, unless it is the newest revision already."""
        self._kept(updates, scope, whose, By())

    def made(self, updates: Updates, scope: Scope, whose: Container, update: Update, person: str) -> None:
        """Keep what an update has made; once, however often it is told."""
        self._kept(
            updates, scope, whose, By(person=person, cause=update.cause, reason=update.reason, id=f"update-{update.id}")
        )

    def changed(
        self, updates: Updates, scope: Scope, whose: Container, change: SetResources | SetRestartPolicy, person: str
    ) -> None:
        """Keep what a change in place has left, also what the engine does not show of it."""
        try:
            shown = updates.spec(scope, whose.name)
            before = self._revisions.unshown(whose, shown.container)
            left = updates.spec_after(scope, change, before or shown)
            by = By(person=person, cause=SETTINGS, reason=change.reason)
            self._revisions.keep(whose, left, by, unshown=left.settings != shown.settings)
        except (RuntimeProblem, StoreProblem) as problem:
            _told(whose, problem)

    def unshown(self, whose: Container, container: str) -> Spec | None:
        """Give what was set in a container in place and its engine does not show; None where there is nothing."""
        return self._revisions.unshown(whose, container)

    def restore(self, whose: Container, change: Rollback) -> Restore:
        """Give the change that goes back to a revision. Raise NotThere for one that is not kept."""
        kept, spec = self._revisions.get(whose, change.revision)
        return Restore(
            workload=change.workload, reason=change.reason, revision=kept.number, spec=spec, pull=change.pull
        )

    def rows(self, whose: Container, running: Callable[[], Spec], now: datetime) -> tuple[RevisionRow, ...]:
        """Give the revisions of a container, newest first; the one that is `running` now is current.

        None is while that cannot be asked.
        """
        kept = self._revisions.list(whose)
        current = self._current(kept, _asked(running)) if kept else None
        return tuple(_row(each, now, current=each == current) for each in kept)

    def newest(self, runtime: str, service: str) -> dict[str, int]:
        """Give the number of the newest revision of each container of a service, by name."""
        return dict(self._revisions.newest(runtime, service))

    def _kept(self, updates: Updates, scope: Scope, whose: Container, by: By) -> None:
        try:
            self._revisions.keep(whose, updates.spec(scope, whose.name), by)
        except (RuntimeProblem, StoreProblem) as problem:
            _told(whose, problem)

    def _current(self, kept: tuple[Kept, ...], running: Spec | None) -> Kept | None:
        """Give the newest revision that is what runs now; one of which not all is shown goes by its container."""
        if running is None:
            return None
        digest = self._revisions.digest(running)
        same = (
            each for each in kept if each.digest == digest or (each.unshown and each.container == running.container)
        )
        return next(same, None)


def masked(plan: Plan) -> Plan:
    """Give a plan without the values of secrets: those whose name says so, and what looks like one in the others."""
    return replace(plan, differences=tuple(map(_masked, plan.differences)))


def _masked(each: Difference) -> Difference:
    if each.what.startswith(VARIABLE) and is_sensitive(each.what):
        return replace(each, before=each.before and MASK, after=each.after and (OTHER if each.before else MASK))
    named = f"{each.what.removeprefix(VARIABLE)}="
    before, after = (redacted(f"{named}{text}").removeprefix(named) for text in (each.before, each.after))
    return replace(each, before=before, after=OTHER if before == after and before else after)


def _asked(running: Callable[[], Spec]) -> Spec | None:
    try:
        return running()
    except (RuntimeProblem, ConnectionProblem):
        return None


def _told(whose: Container, problem: Refusal | RuntimeProblem | StoreProblem) -> None:
    why = {"service": whose.service, "container": whose.name, "why": problem.sentence}
    log.warning("a revision of a container was not kept", extra=why)


def _row(kept: Kept, now: datetime, *, current: bool) -> RevisionRow:
    return RevisionRow(
        revision=kept.number,
        images=(kept.image,),
        age_s=max(0, int((now - kept.at).total_seconds())),
        made_at=kept.at,
        change_cause=": ".join(filter(None, (kept.cause, redacted(kept.reason)))),
        current=current,
        ready=0,
        desired=0,
        person=kept.person,
    )
