"""Streams are jobs of the server: a page attaches to one by offset, a dropped socket re-attaches and loses nothing.

A job pumps lines from a runtime into a bounded spool. It ends by itself when the runtime's stream ends, when it is
stopped, and IDLE_S after the last reader has gone; ending it closes the runtime's stream as well.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from connectors.errors import ConnectionProblem
from opsmodal.access import Access, Hold
from opsmodal.jobs import BEAT_S, Jobs, too_many
from opsmodal.spool import Spool
from opsmodal.store.errors import Unusable
from runtimes.base import LogLine, Stream
from runtimes.errors import RuntimeProblem
from runtimes.lines import batched
from runtimes.structs import make_ready

log = logging.getLogger(__name__)

FORBIDDEN = "forbidden"
"""Why a job has ended whose owner may no longer have it; another page of theirs goes on with a job of its own."""
IDLE_S = 45.0
"""How long a job waits for a page to come back: longer than a reload and a short tunnel on a train."""
SWEEP_S = 5.0
SPOOL_MAX_BYTES = 16 * 1024 * 1024
"""Kept per job for readers that fall behind or come back."""
JOBS_MAX_PER_OWNER = 20
END_WAIT_S = 20.0
"""Longer than a stream may need to close: its spool must not go before its thread."""

UNREAD_MAX_BYTES = SPOOL_MAX_BYTES // 2
"""What may wait for the reader who is furthest on, before the log itself has to wait: less than what the spool keeps
when it has just dropped its oldest part, so that who reads loses nothing, however fast a log is."""
LOOK_S = 1.0
"""How often a log that waits looks whether somebody wants it still."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Shown(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A line as it lies in the spool and goes over the socket. `ns`: nanoseconds within the microsecond of `at`."""

    at: datetime | None
    instance: str
    container: str
    stream: str
    text: str
    ns: int = 0

    @property
    def nanoseconds(self) -> int | None:
        """The time stamp since 1970, None without one."""
        return None if self.at is None else (self.at - _EPOCH) // _MICROSECOND * 1000 + self.ns


class Job:
    """One follow: lines with offsets, readable by several pages at once."""

    def __init__(
        self,
        job_id: str,
        *,
        owner: str,
        service: str,
        spool: Spool,
        stream: Stream[LogLine],
        access: Access,
        search: str = "",
        done: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.id = job_id
        self._done = done
        self._access = access
        self.forbidden = False
        """Whether the right or the sign-in under it has ended; its owner may have begun it with another one as well."""
        self.owner = owner
        self.service = service
        self.began_at = datetime.now(UTC)
        self.reason = ""
        self.sentence = ""
        self.spooled_bytes = 0
        self._needle = search.casefold()
        self._spool = spool
        self._stream = stream
        self._touched = time.monotonic()
        self._furthest = 0
        self._taken = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"follow-{self.id[:6]}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether no line will follow."""
        return bool(self.reason)

    @property
    def idle_s(self) -> float:
        """How long nobody has read."""
        return time.monotonic() - self._touched

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        """Give at most `limit` lines from `offset` on, each as the JSON of a Shown; wait up to `wait_s` for the first.

        Asking for `offset` says that everything before it has arrived. Raises spool.Gone when the lines at `offset`
        have been overwritten by newer ones: only a reader who is behind another one meets that.
        """
        self._touched = time.monotonic()
        self._furthest = max(self._furthest, min(offset, self._spool.next_offset))
        self._taken.set()
        if not self.ended:
            self._spool.wait(offset, timeout_s=wait_s)
        return self._spool.read(offset, limit)

    def forbid(self) -> None:
        """Take in nothing more, at once and without waiting; `stop` is still to come."""
        self.forbidden = True
        self.sentence = self.sentence or "The sign-in or the right that began this has ended."
        self.reason = self.reason or FORBIDDEN
        self._taken.set()
        self._spool.wake()

    def stop(self, reason: str = "stopped") -> None:
        """End the job, its stream and its thread, and remove its spool. May be called twice."""
        self.reason = self.reason or reason
        self._taken.set()
        self._stream.close()
        if self._thread is not threading.current_thread():
            self._thread.join(END_WAIT_S)
        self._spool.close()

    def _pump(self) -> None:
        word, sentence = "ended", "The log has ended."
        try:
            for batch in batched(self._stream):
                records = self._wanted(batch)
                self._wait_for_readers()
                if self.reason:
                    break
                if records:
                    self._spool.extend(records)
                    self.spooled_bytes += sum(map(len, records))
        except (RuntimeProblem, ConnectionProblem) as problem:
            word, sentence = "error", problem.sentence
        except OSError as problem:
            log.exception("follow not spooled", extra={"job": self.id})
            word, sentence = "error", f"The server cannot keep these lines: {problem.strerror or 'its disk fails'}."
        finally:
            self._access.release()
            self.sentence = self.sentence or sentence
            self.reason = self.reason or word
            self._spool.wake()
            self._done(self.id)

    def _wanted(self, batch: Sequence[LogLine]) -> list[bytes]:
        lines = [line for line in batch if self._needle in line.text.casefold()] if self._needle else batch
        encode = msgspec.json.encode
        return [
            encode(
                Shown(
                    at=line.at,
                    ns=line.nanoseconds % 1000,
                    instance=line.instance,
                    container=line.container,
                    stream=line.stream,
                    text=line.text,
                )
            )
            for line in lines
        ]

    def _wait_for_readers(self) -> None:
        """Hold the log back while what nobody has read would be dropped; it is kept where it comes from."""
        while not self.reason:
            self._taken.clear()
            if self._spool.bytes_from(self._furthest) <= UNREAD_MAX_BYTES:
                return
            self._taken.wait(LOOK_S)


class Streams:
    """The jobs of this process. Nobody but their owner finds them."""

    def __init__(self, folder: Path, *, idle_s: float = IDLE_S, jobs: Jobs | None = None) -> None:
        self._folder = folder
        self._across = jobs
        self._idle_s = idle_s
        self._jobs: dict[str, Job] = {}
        self._starting: Counter[str] = Counter()
        self._past_bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._roused = threading.Event()
        self._sweeper: threading.Thread | None = None

    @contextmanager
    def slot(self, job_id: str, *, owner: str, service: str) -> Iterator[None]:
        """Keep one of the owner's places for a job, which has it from then on; given back when none begins.

        Raise TooMany when there is none left, in this process or on all workers together.
        """
        with self._place(owner), self._entered(job_id, owner=owner, service=service):
            yield

    def start(
        self,
        open_stream: Callable[[], Stream[LogLine]],
        *,
        job_id: str,
        owner: str,
        service: str,
        hold: Hold,
        search: str = "",
    ) -> Job:
        """Open a stream and follow it as the job that has a slot already. Raise Unusable, and what opening raises.

        `hold` puts the job under watch: it ends when the right or the sign-in does that it was begun with.
        """
        access = hold()
        try:
            stream = open_stream()
            spool, done = self._spool(stream), self._across.give_back if self._across else _nobody_to_tell
            job = Job(
                job_id,
                owner=owner,
                service=service,
                spool=spool,
                stream=stream,
                access=access,
                search=search,
                done=done,
            )
        except BaseException:
            access.release()
            raise
        with self._lock:
            self._jobs[job.id] = job
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="follow-sweeper", daemon=True)
                self._sweeper.start()
        access.attach(lambda _: self._forbid(job))
        return job

    def _forbid(self, job: Job) -> None:
        job.forbid()
        self._roused.set()

    def find(self, job_id: str, *, owner: str, service: str) -> Job | None:
        """Find a job by its id; None when it is not this owner's or not this service's."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and job.owner == owner and job.service == service else None

    def count(self) -> int:
        """How many jobs are running."""
        return sum(1 for job in self._all() if not job.ended)

    @property
    def spooled_bytes(self) -> int:
        """How many bytes of lines have been taken in since the start."""
        return self._past_bytes + sum(job.spooled_bytes for job in self._all())

    def end(self, job: Job, reason: str = "stopped") -> None:
        """End one job and forget it."""
        with self._lock:
            known = self._jobs.pop(job.id, None)
        job.stop(reason)
        if known is not None:
            with self._lock:
                self._past_bytes += job.spooled_bytes

    def close(self) -> None:
        """End every job."""
        self._closing.set()
        self._roused.set()
        for job in self._all():
            self.end(job)
        if self._sweeper is not None:
            self._sweeper.join(END_WAIT_S)

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """Take a place among the owner's jobs before opening, which takes time: many at once would slip through."""
        with self._lock:
            running = sum(1 for job in self._jobs.values() if job.owner == owner and not job.ended)
            if running + self._starting[owner] >= JOBS_MAX_PER_OWNER:
                raise too_many(JOBS_MAX_PER_OWNER)
            self._starting[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._starting[owner] -= 1
                if not self._starting[owner]:
                    del self._starting[owner]

    @contextmanager
    def _entered(self, job_id: str, *, owner: str, service: str) -> Iterator[None]:
        """Take a place among the owner's jobs on all workers, too; the job gives it back when it ends."""
        if self._across is None:
            yield
            return
        self._across.take(job_id, person=owner, service=service, most=JOBS_MAX_PER_OWNER)
        try:
            yield
        finally:
            if not self._has_begun(job_id):
                self._across.give_back(job_id)

    def _has_begun(self, job_id: str) -> bool:
        with self._lock:
            return job_id in self._jobs

    def _spool(self, stream: Stream[LogLine]) -> Spool:
        try:
            return Spool(self._folder / secrets.token_hex(8), SPOOL_MAX_BYTES)
        except OSError as error:
            stream.close()
            sentence = f"The server cannot keep these lines: {error.strerror or 'its disk fails'}."
            raise Unusable(sentence, hint="An administrator has to look at the data folder.") from error

    def _all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def _sweep(self) -> None:
        beaten = time.monotonic()
        while not self._closing.is_set():
            self._roused.wait(min(SWEEP_S, self._idle_s))
            self._roused.clear()
            if self._across is not None and time.monotonic() - beaten >= BEAT_S:
                self._across.beat()
                beaten = time.monotonic()
            for job in self._all():
                if job.forbidden or job.idle_s > self._idle_s:
                    self.end(job, FORBIDDEN if job.forbidden else "nobody listened")


def new_job() -> str:
    """Make the id of a job: whoever knows it must still be its owner to read it."""
    return secrets.token_urlsafe(12)


def _nobody_to_tell(_job: str) -> None:
    """Nobody else counts the jobs of this process."""


make_ready(globals())
