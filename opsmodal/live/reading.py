"""Reads one service again whenever its runtime says that something is new, and tells whoever wants to know.

One thread for each service that somebody watches. It never reads more than four times a second, however fast things
change, and never less than every fifteen seconds, so that what is shown has an age that is true.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import ConnectionProblem
from opsmodal.fleet import AUTO, Fleet
from opsmodal.recent import Kept
from opsmodal.registry.schema import ServiceSpec
from runtimes.base import Instance, Runtime, Snapshot, Watch
from runtimes.errors import RuntimeProblem

EVERY_S = 0.25
"""Four times a second is as often as anybody can follow."""
BEAT_S = 15.0
"""How old "as of" becomes while nothing changes."""
RETRY_S = 3.0
"""How often a runtime that is silent is asked again."""
DESIRED_WAIT_S = 1.0
"""How long the first reading waits for how many there should be. Later ones take what is known, and look again soon."""
SETTLED_S = 6.0
"""When it is read again after a change: by then how many there should be has been asked for anew (`opsmodal.fleet`)."""
JOIN_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read: the instances, how many there should be (None where not known), when it is tried again (s)."""

    kept: Kept[Snapshot[Instance]]
    desired: int | None
    retry_s: float | None = None

    def same_trouble(self, later: Reading) -> bool:
        """Tell whether nothing is wrong, now as before."""
        return self.retry_s is None and later.retry_s is None


class Feed:
    """The readings of one service, from its first watcher until some time after the last.

    With Auto it goes on over whichever connection Auto takes.
    """

    def __init__(
        self,
        fleet: Fleet,
        service: ServiceSpec,
        *,
        tell: Callable[[Reading | None], bool],
        gone: Callable[[], None],
        over: str = AUTO,
    ) -> None:
        self.service = service
        self._over = over
        self._fleet = fleet
        self._tell = tell
        self._gone = gone
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._watched: Runtime | None = None
        self._last: Reading | None = None
        self._is_news = True
        self._thread = threading.Thread(target=self._run, name=f"live: {service.name}", daemon=True)

    def start(self) -> None:
        """Begin. Ends by itself when `tell` says that nobody wants to know any more; `gone` is called at the end."""
        self._thread.start()

    def stop(self) -> None:
        """End soon. May be called twice."""
        self._ended.set()
        with self._lock:
            if self._watch is not None:
                self._watch.close()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join(JOIN_S)

    def read(self) -> Reading:
        """Read now. Raise what the runtime says when it has never answered."""
        kept = self._fleet.instances(self.service, fresh_s=EVERY_S, over=self._over)
        stale = kept.stale or kept.value.stale
        return Reading(kept=kept, desired=self._desired(stale=stale), retry_s=RETRY_S if stale else None)

    def _run(self) -> None:
        try:
            while not self._ended.is_set() and self._round():
                pass
        except Exception:  # the top of this thread: those who watch are told by the feed's end
            log.exception("live reading failed", extra={"service": self.service.name})
        finally:
            self.stop()
            self._gone()

    def _round(self) -> bool:
        """Watch, read, tell, wait. False when nobody wants to know."""
        watch, began = self._watching(), time.monotonic()
        reading = self._read_again()
        if not self._tell(reading):
            return False
        self._ended.wait(max(0.0, began + EVERY_S - time.monotonic()))
        if watch is None:
            self._ended.wait(RETRY_S)
        elif not self._has_moved():  # what happens over another way is not told by this watch
            usual_s = SETTLED_S if self._is_news else BEAT_S
            self._is_news = watch.wait(RETRY_S if reading is None or reading.retry_s else usual_s)
        return True

    def _read_again(self) -> Reading | None:
        try:
            self._last = self.read()
        except (RuntimeProblem, ConnectionProblem) as problem:
            if self._last is None:
                return None
            last = self._last.kept
            kept = Kept(value=last.value, as_of=last.as_of, stale=True, problem=problem.sentence)
            self._last = Reading(kept=kept, desired=self._last.desired, retry_s=RETRY_S)
        return self._last

    def _desired(self, *, stale: bool) -> int | None:
        """Count what there should be; while the runtime is silent nobody waits for it to say so twice."""
        if stale:
            return self._last.desired if self._last else None
        wait_s = 0.0 if self._last else DESIRED_WAIT_S
        name = self.service.name
        glance = self._fleet.glances([self.service], fresh_s=BEAT_S, wait_s=wait_s, overs={name: self._over})[name]
        return None if glance is None or isinstance(glance, Exception) else glance.desired

    def _has_moved(self) -> bool:
        opened = self._fleet.opened(self.service.runtime, over=self._over)
        return opened is not None and opened.runtime is not self._watched

    def _watching(self) -> Watch | None:
        """Give the open watch; open another where the runtime was closed under it, or is reached another way by now.

        None while that cannot be done.
        """
        try:
            runtime = self._fleet.runtime(self.service.runtime, over=self._over)
        except (RuntimeProblem, ConnectionProblem):
            runtime = None
        with self._lock:
            last = self._watch
            if last is not None and not last.ended and (runtime is None or runtime is self._watched):
                return last
            self._watch = None
        if last is not None:
            last.close()
        if runtime is None:
            return None
        try:
            watch = runtime.instances.watch(self.service.scope())
        except (RuntimeProblem, ConnectionProblem):
            return None
        with self._lock:
            self._watch, self._watched = watch, runtime
            if self._ended.is_set():
                watch.close()
        return watch
