"""One log source that is being followed: its thread, and what happens when it breaks, ends or is gone.

A source is opened, read, and opened again where it stood. It refuses to give up on a line that is merely cut, to ask an
engine that is down faster and faster, and to give a line twice.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from time import monotonic

from runtimes.base import LogLine, Stream
from runtimes.errors import Denied, Invalid, Missing, RuntimeProblem, Unsupported
from runtimes.inbox import LIVELY_S, Inbox
from runtimes.lines import Position, batched

LASTING = (Denied, Invalid, Unsupported)
"""What another try does not change: the reader gets it."""

LAST_TRIES = 3
"""How often a source that broke and then disappeared is tried once more for its last lines."""

DRAIN_MAX_S = 30.0
"""How long a source that disappeared may go on. An engine closes the log of what it removes; one that hangs must not
keep a thread. As long as the kubelet's default grace period for a pod."""

RETRY_AFTER_MAX_S = 60.0
"""Longest that an engine may make us wait by asking for it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are tried: back-off doubles from the first to the longest, each time shortened by up to half."""

    rediscover_s: float
    backoff_first_s: float
    backoff_max_s: float


class _Outcome(Enum):
    ENDED = auto()
    BROKEN = auto()
    MISSING = auto()
    STOPPED = auto()


class Source:
    """Read one source on a thread of its own until it is stopped, missing, or gone and drained."""

    def __init__(
        self,
        key: tuple[str, str],
        opener: Callable[[Position], Stream[LogLine]],
        position: Position,
        *,
        inbox: Inbox,
        pace: Pace,
        patience_s: float = 0.0,
    ) -> None:
        self.opener = opener
        self.position = position
        self.problem = ""
        self.missing = False
        """Whether the source ended because it does not exist: the same opener need not be tried again."""
        self.thread = threading.Thread(target=self._run, name="follow: " + "/".join(key), daemon=True)
        self._inbox = inbox
        self._lane = inbox.lane(patience_s=patience_s)
        self._pace = pace
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stream: Stream[LogLine] | None = None
        self._stopped = False
        self._gone_since: float | None = None
        self._given = 0
        self._retry_after_s = 0.0

    def leave(self) -> bool:
        """Say that the source has disappeared; True once its thread has ended."""
        self._gone_since = self._gone_since or monotonic()
        self._wake.set()
        if monotonic() - self._gone_since > DRAIN_MAX_S:
            self.stop()
        return not self.thread.is_alive()

    def stay(self) -> None:
        """Say that the source is there (again)."""
        self._gone_since = None

    def stop(self) -> None:
        """End the thread soon, wherever it is; does not wait for it."""
        with self._lock:
            self._stopped = True
            stream = self._stream
        self._wake.set()
        if stream is not None:
            _close(stream)

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # noqa: BLE001  the top of a thread: the reader must learn of it
            if self._stopped:  # a stream that is closed under its reader may raise whatever its library does
                _log.debug("log source ended while closing", exc_info=True)
            else:
                if not isinstance(error, RuntimeProblem):
                    _log.exception("log source failed")
                self._inbox.fail(error)
        finally:
            self._inbox.leave(self._lane)

    def _read_on(self) -> None:
        pause_s, last_tries = self._pace.backoff_first_s, LAST_TRIES
        while not self._stopped:
            given_before = self._given
            outcome = self._read_once()
            self._inbox.expect(self._lane, within_s=0.0)
            if outcome in {_Outcome.MISSING, _Outcome.STOPPED}:
                return
            if self._given > given_before:
                pause_s = self._pace.backoff_first_s
            self._pause(pause_s, outcome)
            pause_s = min(pause_s * 2, self._pace.backoff_max_s)
            last_tries = LAST_TRIES if self._gone_since is None else last_tries - 1
            if self._gone_since is not None and (outcome is _Outcome.ENDED or last_tries < 0):
                return

    def _read_once(self) -> _Outcome:
        self.position.resume()
        stream: Stream[LogLine] | None = None
        try:
            stream = self.opener(self.position)
            return self._read(stream)
        except Missing:
            self.problem, self.missing = "", True
            return _Outcome.MISSING
        except LASTING:
            raise
        except (RuntimeProblem, OSError) as problem:
            self.problem = str(problem) or "The log was cut off."
            self._retry_after_s = getattr(problem, "retry_after_s", None) or 0.0
            return _Outcome.BROKEN
        finally:
            if stream is not None:
                _close(stream)

    def _read(self, stream: Stream[LogLine]) -> _Outcome:
        with self._lock:
            if self._stopped:
                return _Outcome.STOPPED
            self._stream = stream
        self.problem = ""
        self._inbox.expect(self._lane, within_s=LIVELY_S)
        for batch in batched(stream):
            fresh = [line for line in batch if self.position.fresh(line)]
            self._given += len(fresh)
            if fresh and not self._inbox.put(self._lane, fresh):
                return _Outcome.STOPPED
        return _Outcome.STOPPED if self._stopped else _Outcome.ENDED

    def _pause(self, pause_s: float, outcome: _Outcome) -> None:
        """Wait before the next try. What ended by itself (a container that stopped) is not in trouble: look often."""
        longest_s = min(pause_s, self._pace.rediscover_s) if outcome is _Outcome.ENDED else pause_s
        wait_s = longest_s * random.uniform(0.5, 1.0)  # noqa: S311  jitter against a thundering herd, not a secret
        self._wake.wait(max(wait_s, min(self._retry_after_s, RETRY_AFTER_MAX_S)))
        self._wake.clear()
        self._retry_after_s = 0.0


def _close(stream: Stream[LogLine]) -> None:
    try:
        stream.close()
    except (RuntimeProblem, OSError, ValueError):  # ValueError: a bare generator that is running cannot be closed
        _log.debug("log source could not be closed", exc_info=True)
