"""Ends what runs without a keeper, from the engine's host: in images that have no shell.

The engine knows such a program's id on its host. Where the connection runs programs there, they can end it; elsewhere
nothing can, and the person is told so before anybody waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from connectors.base import Connection, Exit
from connectors.errors import ConnectionProblem
from runtimes.engine.execs import Execs
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

END_S = 10.0
SCRIPT = """\
grep -q "$2" "/proc/$1/cgroup" 2>/dev/null||exit 3
k(){ kill -STOP "$1";for c in $(cat "/proc/$1/task/"*/children 2>/dev/null);do k "$c";done;kill -KILL "$1";}
k "$1\""""
"""Ends a program and all below it, held first so that it starts no more. Its control group names the container: on
another host than the engine's, or when the number is another program's by now, nothing is ended."""


class Unkept:
    """Ends programs by their exec. `close()` waits for what is under way and may be called twice."""

    def __init__(self, execs: Execs, connection: Connection) -> None:
        self._execs = execs
        self._connection = connection
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def note(self, name: str, lacking: str) -> str:
        """Say what somebody should know before running a program in a container without a keeper."""
        because = f"The image of {name} has no {lacking}, by which a command is kept in its container"
        if self._connection.has_host:
            return (
                f"{because}. It is ended from the host when it is stopped or its time is over, and runs on when "
                "opsmodal is killed or the line is lost."
            )
        return f"{because}, and this connection runs nothing on the host: it runs on until it ends by itself."

    def end(self, exec_id: str, container: str) -> None:
        """Begin to end a program in the container of this full id, where that is possible."""
        if self._connection.has_host:
            self._start(lambda: self._end(exec_id, container))

    def close(self) -> None:
        """Wait for what is being ended."""
        deadline = time.monotonic() + END_S
        with self._lock:
            threads = set(self._threads)
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="exec ending", daemon=True)
        with self._lock:
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}
            thread.start()

    def _end(self, exec_id: str, container: str) -> None:
        try:
            state = self._execs.state(exec_id)
            if not state.running or state.pid <= 1:
                return
            argv = ["/bin/sh", "-c", SCRIPT, "sh", str(state.pid), container]
            codes = [said.code for said in self._connection.run(argv, timeout_s=END_S) if isinstance(said, Exit)]
            if codes != [0]:
                log.warning("an exec was not ended", extra={"container": container, "codes": codes})
        except (RuntimeProblem, ConnectionProblem) as problem:
            log.warning("an exec was not ended", extra={"container": container, "why": problem.sentence})
