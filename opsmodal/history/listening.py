"""The thread that hears what happens at one place of a runtime, and opens the line anew whenever it breaks.

It refuses to hurry: after a break it waits, longer each time, and while its runtime is silent it asks nothing at all.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from time import monotonic

from connectors.errors import ConnectionProblem
from runtimes.base import Stream
from runtimes.errors import Denied, Invalid, Missing, RuntimeProblem, Unsupported
from runtimes.history import Report

log = logging.getLogger(__name__)

FIRST_PAUSE_S, PAUSE_MAX_S = 1.0, 60.0
REFUSED_PAUSE_S = 300.0
"""Rights are not given every second; a refusal costs the runtime a request and a line in its log."""
LOOK_S = 2.0
"""How often is looked whether a runtime answers again: this costs the runtime nothing."""
REFUSALS = (Denied, Invalid, Missing, Unsupported)


class Listener:
    """Hears one place. `stop()` ends it soon, `join()` waits for that."""

    def __init__(
        self,
        name: str,
        *,
        line: Callable[[], Stream[Report]],
        hear: Callable[[Report], None],
        ready: Callable[[], bool],
        refused: Callable[[str], None],
    ) -> None:
        self._line = line
        self._hear = hear
        self._ready = ready
        self._refused = refused
        self._lock = threading.Lock()
        self._stream: Stream[Report] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"events of {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread has not ended yet."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let it end soon; does not wait for it. May be called twice."""
        self._ending.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.close()

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(max(0.0, timeout_s))

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending.is_set():
            if not self._ready():
                self._ending.wait(LOOK_S)
                continue
            began = monotonic()
            refused = self._once()
            pause_s = FIRST_PAUSE_S if monotonic() - began > PAUSE_MAX_S else min(pause_s * 2, PAUSE_MAX_S)
            # Jitter: many places of a cluster that came back would otherwise ask it all at once.
            wait_s = REFUSED_PAUSE_S if refused else pause_s * random.uniform(0.5, 1.0)  # noqa: S311  no secret
            self._ending.wait(wait_s)

    def _once(self) -> bool:
        """Hear until the line breaks; say whether it was refused."""
        try:
            stream = self._line()
            with self._lock:
                self._stream = stream
            try:
                for report in stream if not self._ending.is_set() else ():
                    self._hear(report)
                    if self._ending.is_set():
                        break
            finally:
                stream.close()
        except REFUSALS as problem:
            log.info("events refused", extra={"listener": self._thread.name, "why": problem.sentence})
            self._refused(problem.sentence)
            return True
        except (RuntimeProblem, ConnectionProblem) as problem:
            log.debug("events cut", extra={"listener": self._thread.name, "why": problem.sentence})
        except Exception:  # the top of a thread: whatever it was, the next try may be better
            log.exception("events failed", extra={"listener": self._thread.name})
        return False
