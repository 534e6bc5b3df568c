"""The one watch over everything that is open: what it says ends, ends, whatever kind of stream it is.

Once a second it asks where the sign-ins of all open streams stand and which rights there are, with a handful of
questions however many streams it are, and compares. It refuses to go on blind: when the store has not answered for
BLIND_MAX_S, no stream is let go on. A stream that does not end by itself loses its connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from opsmodal.access.access import Access
from opsmodal.access.index import Index
from opsmodal.access.noted import Noted
from opsmodal.access.why import NOTHING_MORE, Ended, Needs, ended_sign_in, is_changed, lost_right, lost_right_here
from opsmodal.audit import Audit
from opsmodal.explaining import Basis
from opsmodal.people.standing import SESSION, Over, Standing, Stands
from opsmodal.permissions import Action, Actor, Permission, who_can_grant
from opsmodal.registry.registry import Registry
from opsmodal.store.errors import StoreProblem, Unusable

log = logging.getLogger(__name__)

EVERY_S = 1.0
CUT_AFTER_S = 1.5
"""How long a stream may take to end by itself. With EVERY_S twice (to be found, and to be found late) and a log's wait
of a second it stays below the 5 s after which an ended right must be felt."""
BLIND_MAX_S = 10.0
"""A database that is restarted must not cost a thousand pages their sockets; nobody can take rights away meanwhile."""
JOIN_S = 10.0
SETTLE_S = 3 * EVERY_S


class Watch:
    """Hold every open stream of this process to the rights that there are."""

    def __init__(self, standing: Standing, registry: Registry, audit: Audit, *, every_s: float = EVERY_S) -> None:
        self._standing = standing
        self._registry = registry
        self._noted = Noted(audit)
        self._every_s = every_s
        self._lock = threading.Lock()
        self._held: set[Access] = set()
        self._index: Index | None = None
        self._saw_at = time.monotonic()
        self.looks = 0
        """How often it was asked where everybody stands."""
        self._looked = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(
        self, actor: Actor, action: Action, *, service: str = "", target: str = "", needs: Needs = NOTHING_MORE
    ) -> Access:
        """Watch over a stream from now on: of one service, or of the installation itself. Raise StoreProblem."""
        index = self._rights()
        access = Access(
            index.basis(actor, service),
            action,
            target=target,
            needs=needs,
            version=index.version,
            forget=self.forget,
            demand_sight=self.demand_sight,
            settle=self.settle,
        )
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._saw_at = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="access-watch", daemon=True)
                self._thread.start()
            self._held.add(access)
        return access

    def hold_person(self, actor: Actor, action: Action, *, service: str, target: str = "") -> Access:
        """Watch over what outlives a sign-in: by the person's own rights, where these are enough without it.

        A token, and a session that has brought the right along, count to their end. Raise StoreProblem.
        """
        person = replace(actor, via="", brought=frozenset())
        stands = self._standing.of({(person.name, person.via)})[person.name, person.via]
        index = self._rights()
        basis = index.basis(index.actor(person, stands), service)
        needed = action.permission or Permission.VIEW
        is_enough = stands.over is None and needed in basis.explanation.permissions
        by_session = actor.via.partition(":")[0] == SESSION
        return self.hold(person if by_session and is_enough else actor, action, service=service, target=target)

    def forget(self, access: Access) -> None:
        """Watch over a stream no longer."""
        with self._lock:
            self._held.discard(access)

    @property
    def count(self) -> int:
        """How many streams are watched over."""
        return len(self._held)

    def demand_sight(self) -> None:
        """Raise Unusable when the store has not said for too long who may do what."""
        if time.monotonic() - self._saw_at > BLIND_MAX_S:
            sentence = "The store does not answer, so nobody can tell whether you may still see this."
            raise Unusable(sentence, hint="It goes on by itself as soon as the store answers.")

    def settle(self) -> None:
        """Wait until a look that begins from now on has ended, at most SETTLE_S."""
        with self._looked:
            wanted = self.looks + 2  # the one that may be under way has begun before
            self._looked.wait_for(lambda: self.looks >= wanted, SETTLE_S)

    def close(self) -> None:
        """End the threads; streams are their openers' to end. May be called twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        self._noted.close()

    def _run(self) -> None:
        while not self._closing.wait(self._every_s):
            try:
                self._look()
            except StoreProblem as problem:
                log.warning("rights of open streams not checked", extra={"why": problem.sentence})
            except Exception:  # the top of a thread: whoever cannot be checked is ended by `demand_sight`
                log.exception("rights of open streams not checked")
            self._cut()

    def _look(self) -> None:
        with self._lock:
            going = [access for access in self._held if access.ended is None]
        if going:
            stands = self._standing.of({(access.basis.actor.name, access.basis.actor.via) for access in going})
            index = self._rights()
            ended = [access for access in going if self._is_over(access, stands, index)]
            for access in ended:
                _told(access)
            self._noted.note((a.basis.actor, a.basis.service, a.target, a.ended) for a in ended if a.ended)
        self._saw_at = time.monotonic()
        with self._looked:
            self.looks += 1
            self._looked.notify_all()

    def _is_over(self, access: Access, all_stand: Mapping[tuple[str, str], Stands], index: Index) -> bool:
        """Judge one stream. What it stands on is worked out anew only where something has changed."""
        before, last = access.basis, access.stands
        stands = all_stand[before.actor.name, before.actor.via]
        if stands.over is not None:
            over = self._standing.why_gone(last) if stands.over is Over.SESSION_ENDED else stands.over
            access.ended = ended_sign_in(over, before.service)
        elif last is None or access.version != index.version or is_changed(last, stands):
            after = index.basis(index.actor(before.actor, stands), before.service)
            access.ended = self._lost(access, before, after)
            if access.ended is None:
                is_same = before.explanation.permissions == after.explanation.permissions
                access.basis, access.version = after, index.version
                access.changes += not (is_same and before.scope == after.scope)  # last: who sees it reads the basis
        access.stands = stands if access.ended is None else last
        return access.ended is not None

    def _lost(self, access: Access, before: Basis, after: Basis) -> Ended | None:
        if before.service:
            return lost_right(before, after, access.action, whom=self._whom, needs=access.needs)
        return lost_right_here(before, after, whom=self._whom)

    def _whom(self) -> str:
        try:
            return who_can_grant(self._registry.admins())
        except StoreProblem:
            return who_can_grant(())

    def _rights(self) -> Index:
        state, known = self._registry.state(), self._index
        if known is None or known.version != state.version:
            known = self._index = Index(state)
        return known

    def _cut(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [each for each in self._held if each.ended is not None and now - each.ended_at >= CUT_AFTER_S]
        for access in late:
            log.info("stream cut", extra={"actor": access.basis.actor.name, "target": access.target})
            _guarded(access.cut)


def _told(access: Access) -> None:
    access.ended_at = time.monotonic()
    ended = access.ended
    if ended is not None:
        _guarded(lambda: access.tell(ended))


def _guarded(call: Callable[[], None]) -> None:
    """Tell one stream; what goes wrong with it must not keep the others from being told."""
    try:
        call()
    except Exception:
        log.exception("stream not told of its end")
