"""The last answer of a runtime to each question, kept so that a page has something true to show when it falls silent.

Identical questions asked at the same time are asked once. It never hides a refusal: only silence (Unavailable and
trouble on the way) is bridged with an older answer, and the answer says so. What a runtime keeps itself
(`Snapshot.live`) is not kept a second time: it is asked for each time, by everybody at once, and the runtime bridges
its own silence.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from connectors.errors import ConnectionProblem
from runtimes.base import Snapshot, Summary
from runtimes.errors import Unavailable

T = TypeVar("T")

KEPT_MAX = 2000
"""Answers kept, and as many errors: bounds the memory of an installation with many services."""
RETRY_S = 3.0
"""After silence, how long the older answer (or the error) is given without asking again: a dead engine must not
cost every page the whole time limit."""
WAIT_MAX_S = 30.0
"""How long somebody waits for the same question that another one has asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Generic[T]):
    """An answer with its age. `problem` says why it is `stale`."""

    value: T
    as_of: datetime
    stale: bool = False
    problem: str = ""


class _Question:
    """A question under way: one thread asks, the others wait for `done`."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Kept[Any] | None = None
        self.error: BaseException | None = None


class Recent:
    """Ask a runtime, or share the answer that another request is just getting."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Kept[Any]]] = OrderedDict()
        self._asking: dict[Hashable, _Question] = {}
        self._failed: OrderedDict[Hashable, tuple[float, Exception]] = OrderedDict()
        self._live: OrderedDict[Hashable, None] = OrderedDict()
        """Questions whose last answer the runtime keeps itself."""

    def read(self, key: Hashable, ask: Callable[[], T], *, fresh_s: float = 0.0) -> Kept[T]:
        """Give an answer at most `fresh_s` old, else ask; bridge silence with the last one, marked stale."""
        with self._lock:
            at, kept = self._kept.get(key, (0.0, None))
            if kept is not None and time.monotonic() - at < (RETRY_S if kept.stale else fresh_s):
                return kept
            self._raise_recent(key)
            live = key in self._live
            question = None if live else self._asking.get(key)
            mine = question is None
            if question is None:
                question = _Question()
                if not live:
                    self._asking[key] = question
        if mine:
            self._ask(key, ask, question)
        elif not question.done.wait(WAIT_MAX_S):
            raise Unavailable("The runtime has not answered yet.", hint="Try again in a moment.")
        if question.error is not None:
            raise question.error
        assert question.answer is not None  # noqa: S101 - set together with done, see _ask
        return question.answer

    def last(self, key: Hashable) -> Kept[Any] | None:
        """Give the last answer without asking."""
        with self._lock:
            entry = self._kept.get(key)
        return entry[1] if entry else None

    def forget(self, belongs: Callable[[Hashable], bool]) -> None:
        """Drop what was kept for keys that belong to something removed or changed."""
        with self._lock:
            for entries in (self._kept, self._failed, self._live):
                for key in [key for key in entries if belongs(key)]:
                    del entries[key]

    def _ask(self, key: Hashable, ask: Callable[[], Any], question: _Question) -> None:
        try:
            question.answer = _kept(ask(), self._now())
        except (Unavailable, ConnectionProblem) as problem:
            last = self.last(key)
            if last is None:
                question.error = problem
                self._fail(key, problem)
            else:
                question.answer = Kept(value=last.value, as_of=last.as_of, stale=True, problem=problem.sentence)
        except BaseException as error:  # noqa: BLE001 - handed on: raised in read(), for everyone who waits
            question.error = error
        finally:
            with self._lock:
                if self._asking.get(key) is question:
                    del self._asking[key]
                if question.answer is not None:
                    self._keep(key, question.answer)
            question.done.set()

    def _fail(self, key: Hashable, problem: Exception) -> None:
        with self._lock:
            self._live.pop(key, None)  # who waits for a runtime that is silent waits together
            self._failed[key] = (time.monotonic(), problem)
            _bound(self._failed)

    def _raise_recent(self, key: Hashable) -> None:
        at, error = self._failed.get(key, (0.0, None))
        if error is None:
            return
        if time.monotonic() - at < RETRY_S:
            raise error
        del self._failed[key]

    def _keep(self, key: Hashable, answer: Kept[Any]) -> None:
        if isinstance(answer.value, Snapshot) and answer.value.live:
            self._live[key] = None
            self._kept.pop(key, None)
        else:
            self._live.pop(key, None)
            self._kept[key] = (time.monotonic(), answer)
            self._kept.move_to_end(key)
        _bound(self._kept)
        _bound(self._live)


def silence_of(found: object) -> str:
    """Say why an answer is an old one, which a runtime gave out of its own memory; empty when it is current."""
    if isinstance(found, Snapshot | Summary) and found.stale:
        return found.problem or "It does not answer."
    return ""


def _bound(entries: OrderedDict[Hashable, Any]) -> None:
    while len(entries) > KEPT_MAX:
        entries.popitem(last=False)


def _kept(value: T, now: datetime) -> Kept[T]:
    """Take over the age of what a runtime gave out of its own memory: it is no younger for having been asked now."""
    if isinstance(value, Snapshot | Summary) and value.stale:
        return Kept(value=value, as_of=value.as_of, stale=True, problem=value.problem)
    return Kept(value=value, as_of=now)
