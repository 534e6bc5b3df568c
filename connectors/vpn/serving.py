"""Serves one tunnel inside its keeper: answers at its Unix socket, and knows when it is time to end.

It ends when the tunnel has carried nothing for a while, and some time after the tunnel was lost: until then everybody
who asks is told why, so that a server which refuses us is not asked by each page anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import selectors
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, LoginRefused, Unreachable
from connectors.vpn import letters
from connectors.vpn.carried import carried
from connectors.vpn.inside import Tunnel, dial
from connectors.vpn.letters import Plan
from connectors.vpn.outside import Outside
from connectors.vpn.tunnels import LOCK

TICK_S = 1.0
DIALS_MAX = 256
"""Dials at a time; more wait at the door as long as the socket's queue takes them."""
QUESTION_S = 5.0
"""A question follows its connection at once: both are one call of the server."""
BACK_OFF_S = 10.0
LOGIN_BACK_OFF_S = 60.0
"""After a refused login: servers lock accounts that try often."""
JITTER = 0.3


class Serving:
    """Serves one tunnel until nobody needs it any more."""

    def __init__(self, plan: Plan, folder: int, tunnel: Tunnel, outside: Outside, listener: socket.socket) -> None:
        self._plan = plan
        self._folder = folder
        self._tunnel = tunnel
        self._outside = outside
        self._listener = listener
        self._places = threading.BoundedSemaphore(DIALS_MAX)
        self._dialling = 0
        self._lock = threading.Lock()
        self._used = time.monotonic()
        self._over: ConnectionProblem | None = None
        self._ends = float("inf")

    def serve(self) -> None:
        """Answer until it is time to end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, self._accept)
            selector.register(self._outside, selectors.EVENT_READ, self._hear)
            ticked = 0.0
            while not self._finished():
                for key, _ in selector.select(TICK_S):
                    key.data()
                if time.monotonic() - ticked >= TICK_S / 2:
                    ticked = time.monotonic()
                    self._tick()

    def _tick(self) -> None:
        if self._over is None and (problem := self._tunnel.tick()):
            self._over = problem
            wait_s = LOGIN_BACK_OFF_S if isinstance(problem, LoginRefused) else BACK_OFF_S
            self._ends = time.monotonic() + wait_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)
        if self._dialling or carried():
            self._used = time.monotonic()
        elif not self._is_reachable():
            self._ends = 0.0

    def _hear(self) -> None:
        if not self._outside.listen():
            self._over = Unreachable("The tunnel was lost: the process that carries its packets ended.")
            self._ends = 0.0

    def _finished(self) -> bool:
        """Tell whether to end; nobody can come in between, because who comes first holds the same lock."""
        now = time.monotonic()
        if now < self._ends and now - self._used < self._plan.idle_s:
            return False
        if not self._is_reachable():
            self._tunnel.stop()
            return True
        with (Path(self._plan.folder).parent / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if self._accept() and self._over is None:
                return False
            with suppress(OSError):
                os.unlink(letters.SOCKET, dir_fd=self._folder)
                Path(self._plan.folder).rmdir()
            self._tunnel.stop()
        return True

    def _is_reachable(self) -> bool:
        """Tell whether our socket is where others look for it: a data folder may be removed while we run."""
        try:
            os.stat(letters.SOCKET, dir_fd=self._folder)
            return Path(self._plan.folder).exists()
        except FileNotFoundError:
            return False

    def _accept(self) -> bool:
        try:
            line, _ = self._listener.accept()
        except BlockingIOError:
            return False
        line.settimeout(QUESTION_S)
        if not _ours(line) or not self._places.acquire(blocking=False):
            line.close()
            return False
        threading.Thread(target=self._serve_one, args=(line,), name="answer", daemon=True).start()
        return True

    def _serve_one(self, line: socket.socket) -> None:
        try:
            with line:
                self._answer(line, json.loads(line.recv(letters.LETTER_MAX_BYTES) or b"{}"))
        except (OSError, ValueError):
            return  # who asked has gone, or is not one of us
        finally:
            self._places.release()

    def _answer(self, line: socket.socket, question: dict[str, Any]) -> None:
        if question.get("do") == "standing":
            letters.answer(line, letters.standing(self._standing()))
        elif question.get("do") == "dial":
            with self._lock:
                self._dialling += 1
            try:
                self._answer_dial(line, question)
            except ConnectionProblem as problem:
                letters.answer(line, letters.problem(problem))
            finally:
                self._used = time.monotonic()
                with self._lock:
                    self._dialling -= 1

    def _standing(self) -> Standing:
        if self._over is not None:
            return Standing(phase=Phase.DOWN, sentence=self._over.sentence, hint=self._over.hint)
        told = self._tunnel.standing()
        facts = (*told.facts, ("connections", str(carried())))
        return Standing(phase=told.phase, since=told.since, sentence=told.sentence, hint=told.hint, facts=facts)

    def _answer_dial(self, line: socket.socket, question: dict[str, Any]) -> None:
        if self._over is not None:
            raise self._over
        host, port, timeout_s = str(question["host"]), int(question["port"]), float(question["timeout_s"])
        far = dial(self._tunnel, host, port, known=question.get("addresses"), timeout_s=timeout_s)
        if far is None:
            letters.answer(line, {"unknown": host})
            return
        with far:
            letters.answer(line, {"done": True}, given=far)


def _ours(line: socket.socket) -> bool:
    """Tell whether a process of our own user asks; the folder keeps others out as well."""
    _, user, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.geteuid())
