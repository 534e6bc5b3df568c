"""One way through SSH that is shared by all who take it: opened by the first use, watched, opened again after a loss.

Dialling runs in a thread of its own, so a caller's short deadline neither ends it nor is outrun by it, and all who wait
share its outcome. After a failure the same answer is given until the pause is over: nobody can make this process knock
at a server as fast as they click. Who shares a trunk, and when it ends, is up to `line`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import paramiko

from connectors.base import Phase, Standing
from connectors.errors import ConnectionProblem, LoginRefused, Unreachable
from connectors.options import Hop
from connectors.ssh.asking import Channels
from connectors.ssh.backoff import pause_s
from connectors.ssh.carrier import Carrier
from connectors.ssh.dialling import connect, connect_through, dial, words
from connectors.ssh.login import where
from connectors.ssh.refusals import Refusals

log = logging.getLogger(__name__)

SILENT_S = 15.0
"""Nothing heard for so long, though asked after 5 s: the link is dead. Noticed a second later at most."""
IDLE_S = 300.0
STEADY_S = 10.0
"""A line that is lost sooner than this counts as a failed try: else a server that lets in and hangs up is hammered."""
JUMP_S = 8.0
REOPENED = "It is opened again by its next use."
JOIN_S = 5.0
Ask = Callable[[Carrier, float], paramiko.Channel]


@dataclass(eq=False, slots=True)
class _Attempt:
    """One try to open the trunk, and its outcome once `done` is set."""

    done: threading.Event = field(default_factory=threading.Event)
    carrier: Carrier | None = None
    problem: ConnectionProblem | None = None
    half_open: Carrier | None = None


class Trunk:
    """A transport to the last of `hops`, over the trunk `before` that leads to the one before it."""

    def __init__(
        self, hops: tuple[Hop, ...], *, before: Trunk | None, refusals: Refusals, idle_s: float = IDLE_S
    ) -> None:
        self.hops, self.hop, self.before = hops, hops[-1], before
        self.channels = Channels(where(self.hop))
        self._idle_s, self._refusals = idle_s, refusals
        self._lock = threading.Lock()
        self._carrier: Carrier | None = None
        self._attempt: _Attempt | None = None
        self._problem: ConnectionProblem | None = None
        self._failures, self._not_before = 0, 0.0
        self._since = datetime.now(UTC)
        self._began = self._used = time.monotonic()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False

    def channel(self, ask: Ask, *, party: str, timeout_s: float, session: bool) -> paramiko.Channel:
        """Open a channel when its turn has come. Raise a ConnectionProblem when there is none in time."""
        return self.channels.open(self._up, ask, party=party, timeout_s=timeout_s, session=session)

    def listen(self, key: int, callback: Callable[[], None] | None) -> None:
        """Call back each time the trunk came up; None ends it."""
        with self._lock:
            if callback is None:
                self._listeners.pop(key, None)
            else:
                self._listeners[key] = callback

    def again(self) -> None:
        """Let the next use dial at once: a person has mended something and asks."""
        with self._lock:
            self._not_before = 0.0
            self._refusals.forget(self.hops)
        if self.before is not None:
            self.before.again()

    def standing(self) -> Standing:
        """Say how the trunk is, without trying it."""
        with self._lock:
            self._notice()
            carrier, problem = self._carrier, self._problem
            since, pause = self._since, self._not_before - time.monotonic()
            phase = Phase.UP if carrier else Phase.DOWN if problem else Phase.IDLE
            if self._attempt is not None:
                phase = Phase.OPENING
        facts = [("through", where(hop)) for hop in self.hops[:-1]]
        if carrier is not None:
            facts += _facts(carrier)
        facts += self.channels.facts()
        if phase is Phase.DOWN and pause > 0:
            facts.append(("next try", f"in {pause:.0f} s"))
        told = problem if carrier is None else None
        sentence, hint = (told.sentence, told.hint) if told else ("", "")
        return Standing(phase=phase, since=since, sentence=sentence, hint=hint, facts=tuple(facts), problem=told)

    def tick(self) -> None:
        """Notice a loss, and give back what nobody has used for long. To be called about once a second."""
        with self._lock:
            self._notice()
            if self._carrier is not None:
                self._carrier.sweep()
            if self.channels.in_use:
                self._used = time.monotonic()
            elif self._carrier is not None and time.monotonic() - self._used > self._idle_s:
                self._drop(self._carrier, None)

    def close(self) -> None:
        """End the transport and every thread of it."""
        with self._lock:
            self._closed = True
            attempt = self._attempt
            if self._carrier is not None:
                self._drop(self._carrier, None)
            threads = list(self._threads)
        if attempt is not None and attempt.half_open is not None:
            attempt.half_open.end()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_S)

    def _up(self, deadline: float) -> Carrier:
        with self._lock:
            self._notice()
            if self._closed:
                raise Unreachable(f"The line to {where(self.hop)} was closed.")
            if self._carrier is not None:
                return self._carrier
            attempt = self._attempt or self._try()
        if not attempt.done.wait(max(0.0, deadline - time.monotonic())):
            raise Unreachable(f"The line to {where(self.hop)} is still being opened.", hint="Try again in a moment.")
        if attempt.carrier is None:
            raise (attempt.problem or self._unexplained()).with_traceback(None)
        return attempt.carrier

    def _try(self) -> _Attempt:
        """Begin to dial, unless the last failure is too fresh. Needs the lock."""
        self._learn()
        if self._problem is not None and time.monotonic() < self._not_before:
            raise self._problem.with_traceback(None)
        attempt = _Attempt()
        name = f"ssh-dial-{where(self.hop)}"
        self._attempt, self._since = attempt, datetime.now(UTC)
        self._start(threading.Thread(target=self._dial, args=(attempt,), name=name, daemon=True))
        return attempt

    def _learn(self) -> None:
        """Hear of a refusal that another process met, and keep the others off while this one tries again."""
        found = self._refusals.find(self.hops)
        if found is None:
            return
        problem = found.problem()
        self._failures = max(self._failures, found.failures)
        if found.pause_s:
            self._problem, self._not_before = problem, time.monotonic() + found.pause_s
        else:
            pause = pause_s(problem, found.failures + 1, 0)
            self._refusals.note(self.hops, problem, failures=found.failures, pause_s=pause)

    def _dial(self, attempt: _Attempt) -> None:
        try:
            attempt.carrier = dial(self.hop, self._connect, made=lambda carrier: setattr(attempt, "half_open", carrier))
        except ConnectionProblem as problem:
            attempt.problem = problem
        except Exception:
            log.exception("ssh.dial-failed", extra={"host": self.hop.host})
            attempt.problem = self._unexplained()
        self._settle(attempt)
        attempt.done.set()
        if attempt.carrier is not None:
            self._tell()

    def _settle(self, attempt: _Attempt) -> None:
        with self._lock:
            self._attempt, self._since = None, datetime.now(UTC)
            self._began = self._used = time.monotonic()
            if attempt.carrier is None:
                self._failed(attempt.problem or self._unexplained())
            elif self._closed:
                self._drop(attempt.carrier, None)
                attempt.carrier, attempt.problem = None, Unreachable(f"The line to {where(self.hop)} was closed.")
            else:
                self._carrier, self._problem = attempt.carrier, None
                self._refusals.forget(self.hops)

    def _connect(self) -> Any:
        if self.before is None:
            return connect(self.hop)

        def ask(carrier: Carrier, timeout_s: float) -> paramiko.Channel:
            return connect_through(self.hop, carrier, timeout_s)

        return self.before.channel(ask, party=where(self.hop), timeout_s=JUMP_S, session=False)

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            try:
                listener()
            except ConnectionProblem as problem:
                log.warning("ssh.listener-failed", extra={"host": self.hop.host, "why": problem.sentence})

    def _notice(self) -> None:
        """Take a transport that died for lost. Needs the lock."""
        carrier = self._carrier
        if carrier is None:
            return
        if not carrier.is_active():
            self._drop(carrier, self._why_lost(carrier))
        elif carrier.silent_s() > SILENT_S:
            said = f"The line to {where(self.hop)} was lost: no sign of life for {SILENT_S:g} s."
            self._drop(carrier, Unreachable(said, hint=REOPENED))

    def _why_lost(self, carrier: Carrier) -> Unreachable:
        error = carrier.get_exception()
        why = "the other side ended it" if error is None or isinstance(error, EOFError) else words(error)
        return Unreachable(
            f"The line to {where(self.hop)} was lost: {why}.", hint="It is opened again by its next use."
        )

    def _drop(self, carrier: Carrier, problem: ConnectionProblem | None) -> None:
        """Let go of a transport; ending it may block on a jump host that is dead too. Needs the lock."""
        self._carrier, self._since = None, datetime.now(UTC)
        self._start(threading.Thread(target=carrier.end, name=f"ssh-end-{where(self.hop)}", daemon=True))
        if problem is None:
            self._problem = None
        elif time.monotonic() - self._began < STEADY_S:
            self._failed(problem)
        else:
            self._failures, self._problem, self._not_before = 0, problem, 0.0

    def _start(self, thread: threading.Thread) -> None:
        """Start a thread that is joined when the trunk is closed. Needs the lock."""
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def _failed(self, problem: ConnectionProblem) -> None:
        self._failures += 1
        self._problem = problem
        chance = random.random()  # noqa: S311  (no secret: it spreads the tries of several workers)
        pause = pause_s(problem, self._failures, chance)
        self._not_before = time.monotonic() + pause
        if isinstance(problem, LoginRefused):
            self._refusals.note(self.hops, problem, failures=self._failures, pause_s=pause)

    def _unexplained(self) -> Unreachable:
        return Unreachable(f"The line to {where(self.hop)} could not be opened.", hint="The log says more.")


def _facts(carrier: Carrier) -> list[tuple[str, str]]:
    key = carrier.host_key
    return [
        ("server", carrier.remote_version[:80]),
        ("cipher", str(carrier.remote_cipher)),
        ("host key", f"{key.algorithm_name} {key.fingerprint}"),
    ]
