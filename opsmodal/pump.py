"""What every job does: a thread of its own takes in what a runtime's stream gives, into a spool that pages read from.

A stream that breaks ends its job with a sentence, and so does a disk that keeps nothing more. It refuses to know what
comes out of the stream: see `opsmodal.job` and `opsmodal.commands.job`.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Generic, TypeVar

from connectors.errors import ConnectionProblem
from opsmodal.access import Access
from opsmodal.spool import Spool
from runtimes.base import Stream
from runtimes.errors import RuntimeProblem

log = logging.getLogger(__name__)

T = TypeVar("T")

NO_LONGER_ALLOWED = "The sign-in or the right that began this has ended."


class Pump(ABC, Generic[T]):
    """A job with its thread, which `_begin` starts. What it takes in, and how it ends, is its kind's."""

    BROKEN = "error"
    """The reason of a job whose stream broke, or that the disk did not take."""
    KEPT = "these lines"
    """What the disk is to keep, for the sentence that says that it does not."""

    def __init__(
        self, job_id: str, *, owner: str, service: str, spool: Spool, stream: Stream[T], access: Access
    ) -> None:
        self.id = job_id
        self.owner = owner
        self.service = service
        self.forbidden = False
        """Whether the right or the sign-in under it has ended; its owner may have begun it with another one as well."""
        self.began_at = datetime.now(UTC)
        self.reason = ""
        self.sentence = ""
        self.spooled_bytes = 0
        self._access = access
        self._spool = spool
        self._stream = stream
        self._touched = time.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will follow."""
        return bool(self.reason)

    @property
    def idle_s(self) -> float:
        """How long nobody has read."""
        return time.monotonic() - self._touched

    def _begin(self, name: str) -> None:
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _join(self, timeout_s: float) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        word, sentence = self.BROKEN, "Something went wrong inside opsmodal."
        try:
            word, sentence = self._take_in()
        except (RuntimeProblem, ConnectionProblem) as problem:
            sentence = problem.sentence
        except OSError as problem:
            log.exception("stream not spooled", extra={"job": self.id})
            sentence = f"The server cannot keep {self.KEPT}: {problem.strerror or 'its disk fails'}."
        except Exception:  # the top of a thread: who reads must be told that nothing follows
            log.exception("stream not taken in", extra={"job": self.id})
        finally:
            self._access.release()
            self._over(word, sentence)

    @abstractmethod
    def _take_in(self) -> tuple[str, str]:
        """Take the stream in to its end; give the reason of the end, and the sentence about it."""

    def _over(self, word: str, sentence: str) -> None:
        """Say how it has ended, unless that is known already, and wake who reads."""
        self.sentence = self.sentence or sentence
        self.reason = self.reason or word
        self._spool.wake()
