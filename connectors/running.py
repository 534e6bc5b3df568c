"""One program that runs on a host under a keeper (`keeper`), as the stream of what it says; wherever the host is.

What a login shell prints before the program begins is dropped: it ends at a mark that was made for this run. Nothing is
read ahead of whoever reads, so a slow reader slows the program down and costs no memory.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal, Protocol

from connectors.base import Ended, Exit, Output
from connectors.errors import Forbidden, NotAvailable, Unreachable

Source = Literal["stdout", "stderr"]
BEGIN_S = 20.0
"""A login shell that reads half a home directory over NFS has taken 5 s; more is a shell that waits for somebody."""
FORGOTTEN_S = 60.0
LOOK_S = 0.5
"""How often it is looked whether the stream was closed, while nothing comes."""
NOISE_SHOWN_CHARS = 200
MARK_LINE_MAX_BYTES = 64
SIGNALLED = 128


class Session(Protocol):
    """A keeper that was started and told what to keep."""

    def read(self, timeout_s: float) -> tuple[Source, bytes] | None:
        """Give what came; None when nothing did in time. Raise EOFError when the program and its outputs are over."""
        ...

    def status(self) -> int | None:
        """Give the exit status when it is over; None when nobody could say."""
        ...

    def close(self) -> None:
        """End the lifeline, without waiting for what that ends. May be called twice, from any thread."""
        ...


class Running:
    """The output of one program, and its Exit as the last thing. After `close` nothing comes any more, no Exit either.

    `ended` is called once, with True when the host itself said that the program is over.
    """

    def __init__(
        self, session: Session, *, mark: bytes, timeout_s: float, host: str, ended: Callable[[bool], None]
    ) -> None:
        self._session = session
        self._timeout_s = timeout_s
        self._began = time.monotonic()
        self._deadline = self._began + min(timeout_s, BEGIN_S)
        self._host = host
        self._ended = ended
        self._behind: dict[Source, Behind] = {"stdout": Behind(mark), "stderr": Behind(mark)}
        self._first: list[Output] = []
        self._over = threading.Event()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Wait until the program begins. Raise Forbidden, NotAvailable or Unreachable when it does not."""
        try:
            while not self._behind["stdout"].found:
                said = self._said()
                if said is not None:
                    self._first.append(said)
        except EOFError:
            problem = self._other()
            self.close()
            raise problem from None
        except TimeoutError:
            self.close()
            raise Unreachable(
                f"{self._host} did not begin to run the program within {min(self._timeout_s, BEGIN_S):g} s.",
                hint="Its login shell may wait for something: look at what it reads at the start.",
            ) from None
        self._deadline = self._began + self._timeout_s
        if lacking := self._behind["stdout"].word:
            self.close()
            raise NotAvailable(
                f"{self._host} has no {lacking}, without which no program can be kept there.",
                hint="Install util-linux and coreutils, or busybox.",
            )

    @property
    def overdue(self) -> bool:
        """Tell whether its time is over and nobody has read on: whoever started it has forgotten it."""
        return time.monotonic() > self._deadline + FORGOTTEN_S

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        try:
            while not self._over.is_set():
                said = self._first.pop(0) if self._first else self._said()
                if said is not None:
                    return said
        except EOFError:
            return self._last(self._exit())
        except TimeoutError:
            return self._last(
                Exit(code=None, reason=Ended.TIMEOUT, sentence=f"It was ended after {self._timeout_s:g} s.")
            )
        raise StopIteration

    def close(self) -> None:
        """End the program, unless it is over. May be called twice and from any thread."""
        self._finish(said_so=False)

    def _said(self) -> Output | None:
        """Read once. Raise EOFError at the end, TimeoutError when the time is over."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        got = self._session.read(min(left_s, LOOK_S))
        if got is None:
            return None
        data = self._behind[got[0]].take(got[1])
        return Output(got[0], data) if data else None

    def _last(self, last: Exit) -> Exit:
        if self._over.is_set():  # closed meanwhile: that is why it ended
            raise StopIteration
        self._finish(said_so=last.reason is Ended.EXITED)
        return last

    def _finish(self, *, said_so: bool) -> None:
        with self._lock:
            if self._over.is_set():
                return
            self._over.set()
        self._session.close()
        self._ended(said_so)

    def _exit(self) -> Exit:
        code = self._session.status()
        if code is None:
            sentence = f"The line to {self._host} was lost: what the program has done is not known."
            return Exit(code=None, reason=Ended.LOST, sentence=sentence)
        return Exit(code=code, sentence=_told(code))

    def _other(self) -> Forbidden | Unreachable:
        """Say what happened when the program never began."""
        if self._session.status() is None:
            return Unreachable(f"The line to {self._host} was lost before the program began.", hint="Try again.")
        noise = (self._behind["stderr"].noise + b" " + self._behind["stdout"].noise).decode(errors="replace")
        shown = " ".join(noise.split())[-NOISE_SHOWN_CHARS:]
        said = f', it said "{shown}"' if shown else ""
        return Forbidden(
            f"{self._host} did not run the program that was asked for{said}.",
            hint="The account may have no shell, or its key only one command.",
        )


class Behind:
    """What one output says behind the mark. `word` is what stood in the line of the mark."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self.noise = b""
        self.found = False
        self.word = ""

    def take(self, data: bytes) -> bytes:
        """Give what of `data` was said by the program."""
        if self.found:
            return data
        held = self.noise + data
        at = held.find(self._mark)
        end = held.find(b"\n", at) if at >= 0 else -1
        if end < 0:
            self.noise = held[at:] if at >= 0 else held[-NOISE_KEPT_BYTES:]
            return b""
        self.word = held[at + len(self._mark) : end].decode(errors="replace")
        self.found, self.noise = True, b""
        return held[end + 1 :]


NOISE_KEPT_BYTES = 4096
"""Of what a login shell says: enough for a mark that comes in two pieces, and for a sentence about what was said."""


def _told(code: int) -> str:
    with suppress(ValueError):
        return f"It was ended by {signal.Signals(code - SIGNALLED).name}." if code > SIGNALLED else ""
    return ""
