"""Programs on this machine, kept like those on another one: by the same keeper, whose lifeline is a pipe.

When this process ends, however it ends, the kernel closes that pipe, and the keeper's watch ends the program.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from connectors.errors import NotAvailable, Unreachable
from connectors.keeper import GRACE_S, LEFT_S, keep
from connectors.running import Running, Source

HOST = "This machine"
READ_BYTES = 64 * 1024
MARGIN_S = 10
"""The keeper's own time limit is later than ours by this, so that ours is the one that is told."""
HELD_S = 2.0
"""How long an output is still read that somebody else holds open when the program is over: a daemon that it started."""
PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLOSE_S = GRACE_S + LEFT_S + 2


class Local:
    """Programs that this process runs on its own machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._sessions: set[PipeSession] = set()
        self._closed = False

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Running:
        """Run a program; see `Connection.run`. Raise NotAvailable for what is no command line."""
        kept = keep(argv, limit_s=timeout_s + MARGIN_S, stdin=stdin)
        if self._closed:
            raise Unreachable("This connection is closed.", hint="Load the page again.")
        session = PipeSession(kept.argv, kept.input)
        running = Running(
            session, mark=kept.mark, timeout_s=timeout_s, host=HOST, ended=lambda _: self._forget(running)
        )
        with self._lock:
            forgotten = {each for each in self._running if each.overdue}
            self._running.add(running)
            self._sessions = {each for each in self._sessions if each.is_alive()} | {session}
        for each in forgotten:
            each.close()
        running.begin()
        return running

    def close(self) -> None:
        """End every program and wait until they are gone."""
        self._closed = True
        with self._lock:
            running, sessions = set(self._running), set(self._sessions)
        for each in running:
            each.close()
        deadline = time.monotonic() + CLOSE_S
        for session in sessions:
            session.join(max(deadline - time.monotonic(), 0))

    def _forget(self, running: Running) -> None:
        with self._lock:
            self._running.discard(running)


class PipeSession:
    """A keeper as a child process: its outputs are pipes. `close_s`: how long it may take to end what it keeps."""

    def __init__(self, argv: Sequence[str], said: bytes, *, close_s: float = CLOSE_S) -> None:
        self._close_s = close_s
        try:
            self._process = subprocess.Popen(  # noqa: S603  (the keeper, with nothing of anybody's in its arguments)
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        except OSError as error:
            raise NotAvailable(f"This machine starts no program: {error.strerror or error}.") from None
        self._lifeline, *self._outputs = _opened(self._process)
        self._lock, self._closing = threading.Lock(), threading.Lock()
        names: tuple[Source, Source] = ("stdout", "stderr")
        self._sources = {pipe.fileno(): name for pipe, name in zip(self._outputs, names, strict=True)}
        self._heard_at = time.monotonic()
        self._ending: threading.Thread | None = None
        with suppress(OSError):  # a keeper that is gone already tells so by its status
            _write(self._lifeline, said)

    def read(self, timeout_s: float) -> tuple[Source, bytes] | None:
        """Give what came; see `Session`."""
        with self._lock:
            if not self._sources:
                self._wait(timeout_s)
            for descriptor in self._ready(timeout_s):
                self._heard_at = time.monotonic()
                if data := os.read(descriptor, READ_BYTES):
                    return self._sources[descriptor], data
                del self._sources[descriptor]
            over = self._process.poll() is not None
            if over and (not self._sources or time.monotonic() - self._heard_at > HELD_S):
                raise EOFError
            return None

    def status(self) -> int | None:
        """Give the exit status of the program; None when its keeper was killed."""
        status = self._process.poll()
        return status if status is not None and status >= 0 else None

    def close(self) -> None:
        """End the lifeline; a thread takes care of the rest."""
        with suppress(OSError):
            self._lifeline.close()
        with self._closing:  # whoever closes at the same time may wait for the thread, which must have begun by then
            if self._ending is None:
                self._ending = threading.Thread(target=self._end, name="local program ending", daemon=True)
                self._ending.start()

    def is_alive(self) -> bool:
        """Tell whether something of it is still there."""
        return self._ending is None or self._ending.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait until nothing of it is there any more."""
        if self._ending is not None:
            self._ending.join(timeout_s)

    def _end(self) -> None:
        if not self._wait(self._close_s):  # its watch was killed
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._wait(CLOSE_S)
        with self._lock:  # nobody may read from a descriptor that is somebody else's by then
            self._sources.clear()
            for pipe in self._outputs:
                pipe.close()

    def _ready(self, timeout_s: float) -> list[int]:
        if not self._sources:
            return []
        polled = select.poll()  # select cannot watch descriptors from 1,024 on
        for descriptor in self._sources:
            polled.register(descriptor, select.POLLIN)
        return [descriptor for descriptor, _ in polled.poll(timeout_s * 1000)]

    def _wait(self, timeout_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.poll() is not None


def _opened(process: subprocess.Popen[bytes]) -> list[IO[bytes]]:
    return [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]


def _write(pipe: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) or len(left) :]


def _environment() -> dict[str, str]:
    """Give what a program may know of us: our environment may hold the store's address and passwords."""
    given = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": DEFAULT_PATH, **given}
