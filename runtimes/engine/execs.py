"""One program inside a container, through the engine's exec: made, started with both outputs apart, asked how it ended.

Sources: Docker Engine API 1.41, "Create an exec instance", "Start an exec instance", "Inspect an exec instance", which
Podman's Docker-compatible API answers alike. Neither engine can end what was started so: `inside` sees to that.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from connectors.running import Source
from runtimes.engine.api import Api, escaped
from runtimes.engine.dialled import Dialled
from runtimes.engine.frames import Cutter, NotFrames
from runtimes.engine.hijack import Hijacked, hijacked
from runtimes.errors import RuntimeProblem
from runtimes.structs import make_ready

HELD_S = 2.0
"""How long an output is still read that somebody else holds open when the program is over."""
EARLY_MAX_BYTES = 4096
"""Of the first words: an engine says there why it could not start a program."""
STATUS_DIGITS = 3


class Made(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer to POST /containers/{id}/exec."""

    id: str


class ExecState(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """GET /exec/{id}/json. `pid` is on the engine's host; 0 when there was none, on Podman also when it is over."""

    running: bool = False
    exit_code: int | None = None
    pid: int = 0


class Execs:
    """The exec part of one engine's API. Safe to use from several threads."""

    def __init__(self, api: Api, dialled: Dialled) -> None:
        self._api = api
        self._dialled = dialled

    def make(
        self,
        container: str,
        argv: Sequence[str],
        *,
        stdin: bool,
        user: str = "",
        workdir: str = "",
        environment: Sequence[str] = (),
    ) -> str:
        """Describe a program to the engine; give the id that it is started by. Raise Missing or Conflict."""
        described: dict[str, object] = {
            "AttachStdin": stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": False,
            "Cmd": list(argv),
        }
        optional = {"User": user, "WorkingDir": workdir, "Env": list(environment)}
        described |= {name: value for name, value in optional.items() if value}
        return self._api.make(f"/containers/{escaped(container)}/exec", Made, described).id

    def start(self, exec_id: str) -> Hijacked:
        """Start it; what it says comes over the connection, and its end is the connection's."""
        path = f"/v{self._api.version}/exec/{escaped(exec_id)}/start"
        return hijacked(self._dialled, path, {"Detach": False, "Tty": False})

    def state(self, exec_id: str) -> ExecState:
        """Ask how it is. Raise Missing when the container has gone."""
        return self._api.get(f"/exec/{escaped(exec_id)}/json", ExecState)


class ExecSession:
    """What an exec says, as a session of `connectors.running`.

    `mark` begins what the program says: with `kept` its keeper writes it, without this does, so that nothing is taken
    for noise. `status` is asked of the engine where the keeper did not tell it.
    """

    def __init__(self, line: Hijacked, *, mark: bytes, kept: bool, asked: Callable[[], int | None]) -> None:
        self._line = line
        self._asked = asked
        self._cutter = Cutter()
        self._trailer = Trailer(mark)
        self._ready: deque[tuple[Source, bytes]] = deque()
        self._kept = kept
        if not kept:
            self._ready += [("stdout", mark + b"\n"), ("stderr", mark + b"\n")]
        self._ended = False
        self._heard_at = time.monotonic()
        self.early = b""
        """The first words of both outputs, as they came."""

    def read(self, timeout_s: float) -> tuple[Source, bytes] | None:
        """Give what came; see `connectors.running.Session`."""
        if self._ready:
            return self._ready.popleft()
        if self._ended:
            raise EOFError
        data = self._line.read(timeout_s)
        if data is None:
            self._ended = self._trailer.code is not None and time.monotonic() - self._heard_at > HELD_S
        else:
            self._heard_at = time.monotonic()
            self._take(data)
        return self._ready.popleft() if self._ready else None

    def status(self) -> int | None:
        """Give the exit status; None when nobody can say."""
        if self._trailer.code is not None:
            return self._trailer.code
        return None if self._kept and self._trailer.begun else self._asked()

    def close(self) -> None:
        """Hang up: the lifeline ends with that."""
        self._line.close()

    def _take(self, data: bytes) -> None:
        if not data:
            self._ended = True
            if rest := self._trailer.rest():
                self._ready.append(("stderr", rest))
            return
        for source, pieces in groupby(self._cutter.take(data), key=lambda record: record[0]):
            self._add("stderr" if source == "stderr" else "stdout", b"".join(piece for _, piece in pieces))
        try:
            self._cutter.check()
        except NotFrames:  # whatever this is, it is no exec: nothing more of it is believed
            self._ended = True

    def _add(self, source: Source, data: bytes) -> None:
        if len(self.early) < EARLY_MAX_BYTES:
            self.early += data[: EARLY_MAX_BYTES - len(self.early)]
        if self._kept and source == "stderr":
            data = self._trailer.take(data)
        elif not self._kept and data.startswith(ENGINE_SPEAKS):
            source = "stderr"
        if data:
            self._ready.append((source, data))


ENGINE_SPEAKS = b"OCI runtime "
"""How dockerd begins what it says on stdout about a program that it could not start; its exit code is then 126."""


class Trailer:
    """Takes the keeper's last word out of stderr: the mark with the exit status, which only the keeper can write.

    The keeper's first word there is the same mark without one, and stays.
    """

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._held = b""
        self.begun = False
        self.code: int | None = None

    def take(self, data: bytes) -> bytes:
        """Give what of `data` is not the last word, nor may become it."""
        held = self._held + data
        self._held = b""
        at = held.find(self._mark)
        if at < 0:
            return self._kept_back(held, len(held) - self._beginning(held))
        end = held.find(b"\n", at)
        word = held[at + len(self._mark) : end if end >= 0 else None]
        if end < 0 and len(word) <= STATUS_DIGITS:
            return self._kept_back(held, at)
        if not self.begun:
            self.begun = True
            return held[: end + 1] + self.take(held[end + 1 :])
        if word.isdigit():
            self.code = int(word)
        return held[:at] + held[end + 1 :]

    def rest(self) -> bytes:
        """Give what was kept back, when nothing follows."""
        held, self._held = self._held, b""
        return held

    def _kept_back(self, held: bytes, at: int) -> bytes:
        self._held = held[at:]
        return held[:at]

    def _beginning(self, held: bytes) -> int:
        """Say how many of the last bytes may be the beginning of the mark."""
        longest = min(len(held), len(self._mark) - 1)
        return next((size for size in range(longest, 0, -1) if self._mark.startswith(held[-size:])), 0)


def told_status(execs: Execs, exec_id: str, *, within_s: float) -> int | None:
    """Ask how an exec ended whose outputs are over; None when it goes on all the same, or nobody answers."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            state = execs.state(exec_id)
        except RuntimeProblem:
            return None
        if not state.running:
            return state.exit_code
        if time.monotonic() > deadline:
            return None
        time.sleep(ASK_AGAIN_S)


ASK_AGAIN_S = 0.05

make_ready(globals())
