"""Lists and watches all containers of one engine for a live collection: events say which one changed, it is asked.

Engines have no versions and forget what they reported: dockerd keeps the last 256 events and loses them when it
restarts. So nothing is believed for long. Events are asked for from before the list on, by the engine's own clock; what
comes twice changes nothing; a watch that goes on after a cut, or after a slow list, looks at everything again, and so
does every watch after a while.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System/operation/SystemEvents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic

import msgspec

from runtimes.engine.answers import Inspected
from runtimes.engine.api import Api
from runtimes.engine.containers import Containers
from runtimes.engine.events import LIFE
from runtimes.engine.held import Held, held, sketched
from runtimes.engine.pods import Membership, Pods
from runtimes.engine.pool import Pool
from runtimes.engine.recent import RecentRestarts
from runtimes.engine.signals import Signals
from runtimes.errors import Missing, RuntimeProblem, Unavailable, Unsupported
from runtimes.replica import Change, Did, Listed
from runtimes.watched import ListPage

WORDS = (*LIFE, "cleanup", "init", "checkpoint", "restore")
"""What changes a row. Podman's cleanup comes after the end of a container, when its exit code has been written down."""
RELOOK_S = 60.0
"""How often everything is looked at again, whatever the events say: a failing streak grows without an event, and an
engine whose clock was set back leaves events out. One inspect for each container a minute."""
PING_EVERY_S, PING_MAX_S = 4.0, 3.0
"""How often a silent engine is asked whether it is there, and how long that may take: one that hangs, and a line that
died without a word, are noticed within 7 s."""
OVERLAP = timedelta(seconds=2)
"""Asked for again before the list: engines tell their clock in whole seconds."""
TRUSTED_S = 2.0
"""With more time between a list and its watch, dockerd may have forgotten an event."""
QUIET_S = 600.0
"""An event stream that is silent for longer is opened again."""
INSPECT_MAX_S = 3.0
"""How long one container may keep the others waiting: dockerd says nothing of one that hangs until it moves on."""
LATE_S = 0.5
"""Podman tells the result of a health check up to some 100 ms before it writes it down, and does not tell it again: a
container that has one is looked at twice."""
EMPTY_S, EMPTY_MAX = 1.0, 2
"""Streams that end sooner, without an event, this many in a row: Podman that keeps no events ends them at once."""
ORDERED = ""
"""Engines give no versions: what comes is taken in the order in which it comes."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the engine said of a container: all, nothing as it is gone (None), or why it said nothing."""

    id: str
    container: Inspected | None = None
    problem: RuntimeProblem | None = None

    @property
    def gone(self) -> bool:
        return self.container is None and self.problem is None


class ContainerSource:
    """The containers of one engine, of all services. Used by one thread at a time."""

    def __init__(
        self, api: Api, containers: Containers, *, pool: Pool, pods: Pods, restarts: RecentRestarts, name: str
    ) -> None:
        self.api = api
        self.heard = 0
        """How often events have come, or everything was looked at; only ever more."""
        self._containers = containers
        self._pool = pool
        self._pods = pods
        self._restarts = restarts
        self._name = name
        self._known: dict[str, str] = {}
        self._since: datetime | None = None
        self._listed_at = 0.0
        self._unsupported: RuntimeProblem | None = None
        self._empty = 0

    def list(self, next_page: str) -> ListPage[Held]:  # noqa: ARG002 - the contract's shape: there is one page
        """Read everything. Raise what the engine says."""
        self._since, self._listed_at, self._known = self.api.now(), monotonic(), {}
        items = self._everything()
        return ListPage(items=[Listed(key=each.container.id, version="", item=each) for each in items], version=ORDERED)

    def watch(self, version: str) -> ContainerChanges:  # noqa: ARG002 - the contract's shape: engines have none
        """Open what happens from the last list on. Raise Unsupported where the engine has no events."""
        problem, self._unsupported = self._unsupported, None
        if problem is not None:
            raise problem
        since, self._since = self._since, None  # what comes after a cut starts anew
        doubtful = since is None or monotonic() - self._listed_at > TRUSTED_S
        since = since or self.api.now()
        params: dict[str, str | int | list[str]] = {
            "filters": msgspec.json.encode({"type": ["container"], "event": WORDS}).decode()
        }
        if since is not None:
            params["since"] = int((since - OVERLAP).timestamp())
        body = self.api.download("/events", params, quiet_s=QUIET_S)
        return ContainerChanges(self, Signals(body, place=self.api.place, name=self._name), doubtful=doubtful)

    def unsupported(self, problem: RuntimeProblem) -> None:
        """Take down that there are no events, for when somebody wants to watch again."""
        self._unsupported = problem

    def ended(self, *, empty: bool) -> None:
        """Take down that the events have ended, `empty` when there was none of them and the end came at once."""
        self._empty = self._empty + 1 if empty else 0
        if self._empty >= EMPTY_MAX:
            self._empty = EMPTY_MAX - 1  # tried again in a while, one such stream is enough
            self.unsupported(Unsupported(f"{self.api.place.title} at {self.api.place} keeps no events."))

    def relook(self) -> Iterator[Change[Held]]:
        """Look at everything; give what is there and what has gone."""
        self.heard += 1
        before = set(self._known)
        found = self._everything()
        yield from (_gone(container) for container in sorted(before - self._known.keys()))
        yield from (_put(each) for each in found)

    def again(self, touched: Iterable[str]) -> Iterator[Change[Held]]:
        """Look at some containers."""
        self.heard += 1
        looks = self._pool.each(self._look, touched)
        if all(look.problem for look in looks):
            self.api.ping(timeout_s=PING_MAX_S)  # else it is they who hang: what is known of them stays until they move
        new = any(look.container and look.id not in self._known for look in looks)
        pods: Mapping[str, Membership] = self._pods() if new else {}
        self._restarts.learn([look.container for look in looks if look.container], datetime.now(UTC))
        for look in looks:
            if look.container is not None:
                yield _put(self._held(look.container, pods))
            elif look.gone:
                self._known.pop(look.id, None)
                yield _gone(look.id)

    def _everything(self) -> Sequence[Held]:
        """Read every container; what was known and says nothing at the moment is left out, and stays known."""
        rows = {row.id: row for row in self._containers.everything()}
        pods = self._pods() if rows else {}
        looks = self._pool.each(self._look, rows)
        problems = [look.problem for look in looks if look.problem]
        if problems and len(problems) == len(looks):
            raise problems[0]
        there = {look.id for look in looks if not look.gone}
        self._known = {container: pod for container, pod in self._known.items() if container in there}
        found = [self._held(look.container, pods) for look in looks if look.container]
        for look in looks:
            if look.problem is not None and look.id not in self._known:
                pod = self._known[look.id] = _pod(pods, look.id)
                found.append(sketched(rows[look.id], pod=pod, why=look.problem.sentence))
        self._restarts.learn([each.container for each in found], datetime.now(UTC))
        return found

    def _look(self, container: str) -> Look:
        try:
            return Look(container, self._containers.inspected(container, timeout_s=INSPECT_MAX_S))
        except Missing:
            return Look(container)
        except RuntimeProblem as problem:
            return Look(container, problem=problem)

    def _held(self, container: Inspected, pods: Mapping[str, Membership]) -> Held:
        pod = self._known[container.id] = self._known.get(container.id) or _pod(pods, container.id)
        return held(container, pod=pod)


class ContainerChanges:
    """What changes from now on. `close()` ends it from any thread."""

    def __init__(self, source: ContainerSource, signals: Signals, *, doubtful: bool) -> None:
        self._source = source
        self._signals = signals
        self._doubtful = doubtful
        self._opened_at = monotonic()
        self._late: dict[str, float] = {}
        """When which containers are looked at once more; each at most once."""

    def __iter__(self) -> Iterator[Change[Held]]:
        if self._doubtful:
            yield from self._source.relook()
        looked_at = monotonic()
        while True:
            touched = self._touched()
            late = {container for container, at in self._late.items() if at <= monotonic()}
            if touched is None or monotonic() - looked_at > RELOOK_S:
                yield from self._source.relook()
                looked_at = monotonic()
            elif touched or late:
                yield from self._again(touched, late)
            else:
                self._source.api.ping(timeout_s=PING_MAX_S)
            yield Change(did=Did.BOOKMARK, version=ORDERED)

    def close(self) -> None:
        """End it. May be called twice."""
        self._signals.close()

    def _again(self, touched: frozenset[str], late: set[str]) -> Iterator[Change[Held]]:
        """Look at what events told of, and once more at what was looked at when it was perhaps not written down yet."""
        for container in late:
            del self._late[container]
        for change in self._source.again(touched | late):
            if change.key in touched and change.item is not None and is_checked(change.item.container):
                self._late[change.key] = monotonic() + LATE_S
            yield change

    def _touched(self) -> frozenset[str] | None:
        due_s = min(self._late.values(), default=inf) - monotonic()
        try:
            return self._signals.take(timeout_s=max(0.0, min(PING_EVERY_S, due_s)))
        except Unsupported as problem:
            self._source.unsupported(problem)
            raise Unavailable(problem.sentence) from problem
        except Unavailable:
            at_once = monotonic() - self._opened_at < EMPTY_S
            self._source.ended(empty=at_once and not self._signals.heard)
            raise


def is_checked(container: Inspected) -> bool:
    """Say whether a container has a health check."""
    health = container.state.health
    return health is not None and health.status not in ("", "none")


def _put(each: Held) -> Change[Held]:
    return Change(did=Did.PUT, version=ORDERED, key=each.container.id, item=each)


def _gone(container: str) -> Change[Held]:
    return Change(did=Did.GONE, version=ORDERED, key=container)


def _pod(pods: Mapping[str, Membership], container: str) -> str:
    return pods[container].pod if container in pods else ""
