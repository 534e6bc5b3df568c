"""Updates of containers as they are written down: before each step, so that any worker finds one that stands still.

A worker that carries an update on holds its claim and is heard of every few seconds. Whoever finds one that is not
heard of any more takes the claim over, and only one of them gets it: what the other then writes raises Superseded. Two
updates of one container at once are refused. It refuses to know what a step does.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import delete, insert, select, update

from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store
from opsmodal.store.tables import UpdateRow
from runtimes.errors import Conflict
from runtimes.updates import Superseded, Update

log = logging.getLogger(__name__)

BEAT_S = 4.0
STILL_AFTER = timedelta(seconds=20)
"""Five beats: a store that is away for a moment takes no update away from its worker."""
KEPT = timedelta(days=90)
"""How long it is remembered what an update kept, so that the next one of the container removes it."""
OVER = "over"
LOCK = "updates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One update as it is written down, held by `claim`."""

    runtime: str
    service: str
    person: str
    claim: str
    update: Update


class UpdateJournal:
    """The updates of all workers."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    def open(self, wanted: Update, *, runtime: str, service: str, person: str) -> Written:
        """Write down an update that begins. Raise Conflict while one of this container goes on, and StoreProblem."""
        claim, now = secrets.token_hex(16), self._now()
        same = (UpdateRow.runtime == runtime, UpdateRow.name == wanted.name)
        with self._store.writing() as connection:
            self._store.lock(connection, LOCK)
            connection.execute(delete(UpdateRow).where(UpdateRow.stage == OVER, UpdateRow.started_at <= now - KEPT))
            if connection.scalar(select(UpdateRow.id).where(*same, UpdateRow.stage != OVER).limit(1)):
                hint = "Wait until it is over: the Deployment tab shows how far it is."
                raise Conflict(f"{wanted.name} is being updated already.", hint=hint)
            kept = select(UpdateRow.old).where(*same, UpdateRow.old != "").order_by(UpdateRow.started_at.desc())
            begun = replace(wanted, before=connection.scalar(kept.limit(1)) or "")
            values = {"runtime": runtime, "service": service, "person": person, "name": wanted.name, "old": ""}
            row = {"id": begun.id, "claim": claim, "started_at": now, **values, **self._state(begun)}
            connection.execute(insert(UpdateRow).values(row))
        return Written(runtime=runtime, service=service, person=person, claim=claim, update=begun)

    def save(self, held: Written, update_: Update) -> None:
        """Write how far an update is. Raise Superseded where another worker has it, and StoreProblem."""
        kept = update_.old if update_.stage == OVER and not update_.why else ""
        self._mine(held, {**self._state(update_), "old": kept})

    def still(self) -> tuple[Written, ...]:
        """List the updates that nobody is heard of any more who carries them on. Raise StoreProblem."""
        quiet = (UpdateRow.stage != OVER, UpdateRow.heard_at <= self._now() - STILL_AFTER)
        with self._store.reading() as session:
            rows = session.scalars(select(UpdateRow).where(*quiet).order_by(UpdateRow.started_at))
            return tuple(map(_written, rows))

    def groups_alive(self) -> frozenset[str]:
        """Name the groups of which an update is still heard of: their worker is there. Raise StoreProblem."""
        heard = (UpdateRow.stage != OVER, UpdateRow.heard_at > self._now() - STILL_AFTER)
        with self._store.reading() as session:
            return frozenset(_written(row).update.group for row in session.scalars(select(UpdateRow).where(*heard)))

    def drop(self, held: Written) -> None:
        """Forget an update of which nothing was done. Raise StoreProblem."""
        with self._store.writing() as connection:
            connection.execute(delete(UpdateRow).where(UpdateRow.id == held.update.id, UpdateRow.claim == held.claim))

    def going(self, runtime: str) -> tuple[str, ...]:
        """Name the containers of a runtime that are being updated. Raise StoreProblem."""
        going = (UpdateRow.runtime == runtime, UpdateRow.stage != OVER)
        with self._store.reading() as session:
            return tuple(session.scalars(select(UpdateRow.name).where(*going).order_by(UpdateRow.name)))

    def take(self, found: Written) -> Written | None:
        """Take over an update that stands still; None where somebody else was first. Raise StoreProblem."""
        claim = secrets.token_hex(16)
        try:
            self._mine(found, {"claim": claim, "heard_at": self._now()})
        except Superseded:
            return None
        return replace(found, claim=claim)

    @contextmanager
    def beating(self, held: Written) -> Iterator[None]:
        """Say while this lasts that the update is carried on."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT_S):
                try:
                    self._mine(held, {"heard_at": self._now()})
                except Superseded:
                    return
                except StoreProblem as problem:
                    log.warning("an update was not said to go on", extra={"why": problem.sentence})

        thread = threading.Thread(target=beat, name=f"update-{held.update.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _mine(self, held: Written, values: dict[str, object]) -> None:
        row = (UpdateRow.id == held.update.id, UpdateRow.claim == held.claim, UpdateRow.stage != OVER)
        with self._store.writing() as connection:
            if connection.execute(update(UpdateRow).where(*row).values(values)).rowcount == 0:
                raise Superseded

    def _state(self, update_: Update) -> dict[str, object]:
        written = msgspec.json.encode(update_).decode()
        return {"stage": update_.stage, "state": written, "heard_at": self._now()}


def _written(row: UpdateRow) -> Written:
    return Written(
        runtime=row.runtime,
        service=row.service,
        person=row.person,
        claim=row.claim,
        update=msgspec.json.decode(row.state, type=Update),
    )
