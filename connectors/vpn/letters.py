"""What a server and the keeper of a tunnel say to each other, over a Unix socket that keeps messages apart.

One question, one answer, then the connection ends. With the answer to "dial" comes the connected socket itself
(SCM_RIGHTS, unix(7)): the keeper never sees a byte of what is carried. A problem crosses as its class and sentences.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors import errors
from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, Unreachable

LETTER_MAX_BYTES = 64 * 1024
AGAIN_S = 0.02
GONE = (ConnectionRefusedError, FileNotFoundError, NotADirectoryError)
"""What connecting says where no keeper is, or none any more."""
SOCKET = "socket"
"""Its name in the tunnel's folder."""
KINDS = {
    each.__name__: each
    for each in (errors.Unreachable, errors.LoginRefused, errors.Forbidden, errors.WrongRoute, errors.NotAvailable)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a keeper is started with. `programs` are paths by name; `folder` is where its socket will be."""

    name: str
    kind: str
    config: str = field(repr=False)
    login: str = field(default="", repr=False)
    allowed_networks: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    idle_s: float

    def sealed(self) -> int:
        """Write it into memory that only the process that is given the descriptor reads; the caller closes it."""
        sheet = os.memfd_create("plan", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(sheet), "wb") as file:
            file.write(json.dumps(asdict(self)).encode())
        os.lseek(sheet, 0, os.SEEK_SET)
        return sheet

    @classmethod
    def opened(cls, data: bytes) -> Plan:
        """Read one that was sealed."""
        fields = json.loads(data)
        return cls(**{**fields, "allowed_networks": tuple(fields["allowed_networks"])})


def address(folder: int) -> str:
    """Name the socket in an open folder: shorter than the 108 bytes of unix(7), and telling others nothing."""
    return f"/proc/self/fd/{folder}/{SOCKET}"


def knock(folder: Path, *, timeout_s: float) -> socket.socket:
    """Connect to the keeper whose folder this is. Raise one of GONE when there is none, TimeoutError for a busy one."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            line.settimeout(timeout_s)
            _connect(line, address(opened), timeout_s=timeout_s)
        except BaseException:
            line.close()
            raise
        return line
    finally:
        os.close(opened)


def _connect(line: socket.socket, path: str, *, timeout_s: float) -> None:
    """Connect, also to a keeper that has many at its door: the kernel does not let anybody wait there (EAGAIN)."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return line.connect(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError("the keeper has too many at its door") from None
            time.sleep(AGAIN_S)


def ask(line: socket.socket, question: Mapping[str, object]) -> tuple[dict[str, Any], socket.socket | None]:
    """Put a question and give the answer, with the socket that came with it.

    Raise the problem that it names, and ConnectionResetError where the keeper ended instead of answering.
    """
    line.send(json.dumps(question).encode())
    data, fds, _, _ = socket.recv_fds(line, LETTER_MAX_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise ConnectionResetError("the keeper ended")
    answer = json.loads(data)
    if "problem" in answer:
        for fd in fds:
            os.close(fd)
        raise problem_of(answer)
    return answer, socket.socket(fileno=fds[0]) if fds else None


def answer(line: socket.socket, said: Mapping[str, object], *, given: socket.socket | None = None) -> None:
    """Answer; who asked may be gone."""
    with suppress(OSError):
        socket.send_fds(line, [json.dumps(said).encode()], [given.fileno()] if given else [])


def problem(told: ConnectionProblem) -> dict[str, object]:
    """Write a problem down."""
    return {"problem": type(told).__name__, "sentence": told.sentence, "hint": told.hint}


def problem_of(said: Mapping[str, Any]) -> ConnectionProblem:
    """Read a problem."""
    return KINDS.get(said["problem"], Unreachable)(said["sentence"], hint=said["hint"])


def standing(told: Standing) -> dict[str, object]:
    """Write down how a tunnel is."""
    return {
        "phase": told.phase.value,
        "since": told.since.isoformat() if told.since else "",
        "sentence": told.sentence,
        "hint": told.hint,
        "facts": told.facts,
    }


def standing_of(said: Mapping[str, Any]) -> Standing:
    """Read how a tunnel is."""
    return Standing(
        phase=Phase(said["phase"]),
        since=datetime.fromisoformat(said["since"]) if said["since"] else None,
        sentence=said["sentence"],
        hint=said["hint"],
        facts=tuple((name, value) for name, value in said["facts"]),
    )
