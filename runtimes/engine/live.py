"""The containers of one engine out of memory: one live collection for all services, narrowed to one service here.

The wall between services stands in `runtimes.engine.scope`, as for what is read directly: what the engine itself said
of a container decides, nothing that a person sent. What is changed or looked at one by one is still read from the
engine: a list may be a moment old, a restart must not be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runtimes.base import Counts, Scope, Snapshot
from runtimes.engine import scope as wall
from runtimes.engine.answers import Inspected
from runtimes.engine.held import Held
from runtimes.errors import RuntimeProblem
from runtimes.interest import Interest
from runtimes.watch import Reflector
from runtimes.watched import Pace, Source

SETTLE_MAX_S = 1.0
"""How long a change waits until lists show it: a person who restarts or stops looks at the list next."""


class LiveContainers:
    """The live containers of one engine. Safe to use from several threads; owns a thread while somebody looks."""

    def __init__(
        self, source: Source[Held], *, name: str, pace: Pace | None = None, given_back: Callable[[], None]
    ) -> None:
        """`given_back` is called when nobody has looked for long and nothing is kept any more."""
        self._reflector: Reflector[Held] = Reflector(
            source, name=f"the containers of {name}", pace=pace, given_back=given_back
        )

    @property
    def running(self) -> bool:
        """Whether the containers are being kept."""
        return self._reflector.running

    def read(self, scope: Scope) -> Snapshot[Held]:
        """Give the containers of a service: the first time after a list, then at once. Raise RuntimeProblem."""
        snapshot = self._reflector.read()
        return replace(snapshot, items=tuple(each for each in snapshot.items if _owns(scope, each.container)))

    def there(self, scope: Scope) -> tuple[Held, ...]:
        """Give the containers of a service that are known by now; none where they are not, or no longer current."""
        try:
            snapshot = self._reflector.read(wait_s=0.0)
        except RuntimeProblem:
            return ()
        return () if snapshot.stale else tuple(each for each in snapshot.items if _owns(scope, each.container))

    def watch(self) -> Interest:
        """Keep them current until that is closed. Raise Unavailable when the runtime is closed."""
        return self._reflector.watch()

    def stir(self) -> None:
        """Tell those who wait that figures are new."""
        self._reflector.stir()

    def changed(self, before: Inspected) -> None:
        """Wait a moment until lists show that a container has been stopped, started or started anew."""

        def seen(each: Held | None) -> bool:
            if each is None:
                return True
            now, was = each.container.state, before.state
            return (now.started_at, now.running) != (was.started_at, was.running)

        self._reflector.settle(before.id, seen, within_s=SETTLE_MAX_S)

    def counts(self) -> Counts:
        """Say how much is kept, and how old it is."""
        return self._reflector.counts

    def close(self) -> None:
        """End the watch. May be called twice."""
        self._reflector.close()


def _owns(scope: Scope, container: Inspected) -> bool:
    return wall.owns(scope, name=container.own_name, labels=container.labels)
