"""Follows a rollout until it is through, stuck or held: as a job that outlives the request which began it.

It only reads. A cluster that does not answer for a while is waited for; what it refuses ends the job. The rollout
itself goes on in the cluster whatever becomes of the job.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic

from connectors.errors import ConnectionProblem
from opsmodal.errors import TooMany
from opsmodal.fleet import Fleet
from opsmodal.operations.permits import Pass
from opsmodal.tasks import Task, Tasks, Telling
from runtimes.base import Runtime
from runtimes.errors import Unavailable, Unsupported
from runtimes.planning import Applied, Progress

EVERY_S = 1.0
SILENT_MAX_S = 120.0
"""How long a cluster may be silent: its API server restarts within that."""
FOLLOWED_MAX_S = 3600.0
"""A StatefulSet replaces its pods one by one; a Deployment is stuck by itself after ten minutes."""
TOO_LONG = Progress(
    state="failed",
    sentence="It is not finished after an hour, and is not followed any longer.",
    hint="Look at the workload on the Deployment tab: it says what is waited for.",
)
ROLLOUT = "rollout"

Read = Callable[[], Progress]


class Rollouts:
    """Begin jobs that follow rollouts."""

    def __init__(self, fleet: Fleet, tasks: Tasks) -> None:
        self._fleet = fleet
        self._tasks = tasks

    def follow(self, leave: Pass, workload: str, applied: Applied) -> Task | None:
        """Follow what a change began; None where too much is followed already, since the change itself is done."""
        service, over, scope = leave.service, leave.over, leave.service.scope()

        def ask(runtime: Runtime) -> Progress:
            if runtime.deployment is None:
                raise Unsupported(f"{runtime.kind.capitalize()} has no rollouts to follow.")
            return runtime.deployment.progress(scope, workload, generation=applied.generation)

        def read() -> Progress:
            return self._fleet.read(service.runtime, ask, over=over)

        try:
            return self._tasks.start(
                kind=ROLLOUT,
                service=service.name,
                person=leave.actor.name,
                target=applied.target,
                sentence=applied.sentence,
                run=lambda tell: followed(read, tell, changed=lambda: self._fleet.forget(service)),
            )
        except TooMany:
            return None


def followed(read: Read, tell: Telling, *, changed: Callable[[], None], every_s: float = EVERY_S) -> None:
    """Tell how a rollout goes until it is over; `changed` is called when something is other than before.

    Raise what `tell` raises, and what `read` raises, silence only after SILENT_MAX_S.
    """
    until, last, heard_at = monotonic() + FOLLOWED_MAX_S, None, monotonic()
    while monotonic() < until:
        try:
            progress = read()
            heard_at = monotonic()
        except (Unavailable, ConnectionProblem) as silence:
            if monotonic() - heard_at > SILENT_MAX_S:
                raise
            steps = last.steps if last else ()
            progress = Progress(state="running", sentence=f"Trying again: {silence.sentence}", steps=steps)
        if progress != last:
            changed()
        tell(progress)
        if progress.state != "running":
            return
        last = progress
        time.sleep(every_s)
    tell(TOO_LONG)
