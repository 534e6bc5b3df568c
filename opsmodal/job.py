"""One follow as a job of the server: it pumps the lines of a runtime into a bounded spool, and pages read from there.

It waits for its readers before it overwrites what nobody has read, and takes in nothing more once the right or the
sign-in has ended that it was begun with. It refuses to know who may read it: see `opsmodal.streams`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from opsmodal.access import Access
from opsmodal.pump import NO_LONGER_ALLOWED, Pump
from opsmodal.spool import Spool
from runtimes.base import LogLine, Stream
from runtimes.lines import batched
from runtimes.structs import make_ready

FORBIDDEN = "forbidden"
"""Why a job has ended whose owner may no longer have it; another page of theirs goes on with a job of its own."""
SPOOL_MAX_BYTES = 16 * 1024 * 1024
"""Kept per job for readers that fall behind or come back."""
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


class Job(Pump[LogLine]):
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
        super().__init__(job_id, owner=owner, service=service, spool=spool, stream=stream, access=access)
        self._done = done
        self._needle = search.casefold()
        self._furthest = 0
        self._taken = threading.Event()
        self._begin(f"follow-{self.id[:6]}")

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
        self.sentence = self.sentence or NO_LONGER_ALLOWED
        self.reason = self.reason or FORBIDDEN
        self._taken.set()
        self._spool.wake()

    def stop(self, reason: str = "stopped") -> None:
        """End the job, its stream and its thread, and remove its spool. May be called twice."""
        self.reason = self.reason or reason
        self._taken.set()
        self._stream.close()
        self._join(END_WAIT_S)
        self._spool.close()

    def _take_in(self) -> tuple[str, str]:
        for batch in batched(self._stream):
            records = self._wanted(batch)
            self._wait_for_readers()
            if self.reason:
                break
            if records:
                self._spool.extend(records)
                self.spooled_bytes += sum(map(len, records))
        return "ended", "The log has ended."

    def _over(self, word: str, sentence: str) -> None:
        super()._over(word, sentence)
        self._done(self.id)

    def _wanted(self, batch: Sequence[LogLine]) -> list[bytes]:
        lines = [line for line in batch if self._is_wanted(line)] if self._needle else batch
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

    def _is_wanted(self, line: LogLine) -> bool:
        return self._needle in line.text.casefold() or line.stream == "notice"

    def _wait_for_readers(self) -> None:
        """Hold the log back while what nobody has read would be dropped; it is kept where it comes from."""
        while not self.reason:
            self._taken.clear()
            if self._spool.bytes_from(self._furthest) <= UNREAD_MAX_BYTES:
                return
            self._taken.wait(LOOK_S)


make_ready(globals())
