"""Runs `kubectl exec` so that nothing of it is left in the pod, and remembers which containers have no shell for that.

Nothing is probed: the first exec in a container tells by itself whether what stands around its command could begin,
and where it could not, nothing has begun, so the bare command is tried instead.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from connectors.base import Exit, Output
from runtimes.child import AFTERWARDS_S, Child
from runtimes.commands import Command
from runtimes.errors import RuntimeProblem, Unavailable
from runtimes.kubernetes.commands import inner
from runtimes.kubernetes.commands.inner import Marked
from runtimes.lasting import Stream

KNOWN_MAX = 1024
Start = Callable[[Sequence[str], Sequence[str], float], Child]
"""Starts kubectl: its argv, what to run when it is ended early, and its time limit in seconds."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What a container has for ending what runs in it: a shell or not, and what that lacks."""

    keeps: bool
    lacking: tuple[str, ...] = ()


class Execs:
    """The execs of one runtime. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], Ability] = OrderedDict()

    def run(self, namespace: str, command: Command, start: Start) -> tuple[Stream[Output | Exit], tuple[str, ...]]:
        """Begin to run a command with an inner one; give its stream and what a person should know about its end.

        Raise Unavailable when it did not begin in time, and what `start` raises.
        """
        key = (namespace, command.pod, command.pod_container)
        known = self._get(key)
        if known is not None and not known.keeps:
            return start(command.argv, (), command.limit_s), (inner.NO_SHELL,)
        marked = _marked(command, start)
        if known is not None:
            return marked, inner.notes(known.lacking)
        if marked.begun():
            self._learn(key, Ability(keeps=True, lacking=marked.lacking))
            return marked, inner.notes(marked.lacking)
        said, code = marked.failed()
        if inner.no_shell(said, code):
            self._learn(key, Ability(keeps=False))
            return start(command.argv, (), command.limit_s), (inner.NO_SHELL,)
        if code is None and not said:
            raise Unavailable(f"The exec in {command.pod} did not begin within {inner.BEGIN_S:g} s.", hint="Try again.")
        return marked, ()

    def _get(self, key: tuple[str, str, str]) -> Ability | None:
        with self._lock:
            return self._known.get(key)

    def _learn(self, key: tuple[str, str, str], ability: Ability) -> None:
        with self._lock:
            self._known[key] = ability
            while len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)


def _marked(command: Command, start: Start) -> Marked:
    around = inner.around(command.limit_s)
    before, behind = command.argv[: command.inner], command.argv[command.inner :]
    sweep = (*before, *around.sweep)

    def swept() -> None:
        with suppress(RuntimeProblem):  # then the pod's own time limit ends it
            for _ in start(sweep, (), AFTERWARDS_S):
                pass

    return Marked(start((*before, *around.argv, *behind), sweep, command.limit_s), around.mark, swept)
