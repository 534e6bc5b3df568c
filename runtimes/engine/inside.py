"""Runs a program inside a container so that nothing of it is left when it ends, for whatever reason.

An engine has no way to end an exec, and ends none when its client goes. So the program runs under the keeper that hosts
have (`connectors.keeper`), whose lifeline is the exec's standard input; the program's own is /dev/null. An image
without what the keeper needs runs the program as it is: that is found out by the first command, remembered for the
image, and said each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from connectors.base import Exit, Output
from connectors.errors import Forbidden, NotAvailable, Unreachable
from connectors.keeper import GRACE_S, Kept, keep
from connectors.running import Running
from runtimes.commands import Command, Started
from runtimes.engine.answers import Inspected
from runtimes.engine.containers import Containers
from runtimes.engine.execs import Execs, ExecSession, told_status
from runtimes.engine.hijack import Hijacked
from runtimes.engine.said import Said, unknown, words
from runtimes.engine.unkept import Unkept
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem, Unavailable
from runtimes.lasting import Stream

MARGIN_S = 10
"""The keeper's own time limit is later than ours by this, so that ours is the one that is told."""
SEND_S = 20.0
"""For the line of the keeper to be taken: a shell has to be there before it is."""
STATUS_S = 3.0
"""How long an engine may take to notice the end of a program whose outputs are over."""
NOT_STARTED = frozenset({126, 127})
KILLED = 137
IMAGES_MAX = 1000
"""Images without a keeper that are remembered; an engine has a few."""
SHELL = b"/bin/sh"
BARE = b"bare"
"""The mark of a program that no keeper marks."""


class Unkeepable(Exception):
    """A container lacks what a keeper needs; the text names it."""


class Inside:
    """The programs that run inside the containers of one engine. Safe to use from several threads."""

    def __init__(self, containers: Containers, execs: Execs, unkept: Unkept) -> None:
        self._containers = containers
        self._execs = execs
        self._unkept = unkept
        self._lock = threading.Lock()
        self._lacking: dict[str, str] = {}
        self._running: set[Running] = set()
        self._closed = False

    def run(self, container: Inspected, command: Command) -> Started:
        """Begin to run. Raise Conflict for a container in which nothing runs, Invalid for what is no command line."""
        check_running(container)
        kept, image = _kept(command), container.image or container.id
        notes: tuple[str, ...] = ()
        lacking = self._lacking.get(image, "")
        if not lacking:
            try:
                stream = self._run_kept(container, command, kept)
            except Unkeepable as found:
                lacking = str(found)
                self._remember(image, lacking)
        if lacking:
            stream = self._run_bare(container, command)
            notes = (self._unkept.note(container.own_name, lacking),)
        user = command.user or container.config.user or "root"
        return Started(stream=stream, identity=f"{user} in {container.own_name}", notes=notes)

    def close(self) -> None:
        """End every program. May be called twice."""
        with self._lock:
            self._closed, running = True, set(self._running)
        for each in running:
            each.close()
        self._unkept.close()

    def _run_kept(self, container: Inspected, command: Command, kept: Kept) -> Stream[Output | Exit]:
        exec_id = self._made(container, replace(command, environment=()), kept.argv, stdin=True)
        line = self._execs.start(exec_id)
        is_told = _tell(line, kept.input)
        session = ExecSession(line, mark=kept.mark, kept=True, asked=lambda: self._status(exec_id))
        running = self._tracked(session, kept.mark, container, command)
        try:
            running.begin()
        except NotAvailable:
            raise Unkeepable("setsid") from None
        except Forbidden:
            return _refusal(session)
        except Unreachable as problem:
            lost = self._not_begun(container, problem)
            if is_told and isinstance(lost, Unavailable):  # it may have begun: nobody may take that for "try again"
                return unknown(container.own_name)
            raise lost from problem
        return Said(running, lambda end: self._explained(end, container, exec_id))

    def _run_bare(self, container: Inspected, command: Command) -> Stream[Output | Exit]:
        exec_id = self._made(container, command, command.argv, stdin=False)
        try:
            line = self._execs.start(exec_id)
        except Unavailable:
            return unknown(container.own_name)
        session = ExecSession(line, mark=BARE, kept=False, asked=lambda: self._status(exec_id))

        def left() -> None:
            self._unkept.end(exec_id, container.id)

        running = self._tracked(session, BARE, container, command, left=left)
        running.begin()
        return Said(running, lambda end: self._explained(end, container, exec_id))

    def _made(self, container: Inspected, command: Command, argv: tuple[str, ...], *, stdin: bool) -> str:
        return self._execs.make(
            container.id,
            argv,
            stdin=stdin,
            user=command.user,
            workdir=command.workdir,
            environment=command.environment,
        )

    def _tracked(
        self,
        session: ExecSession,
        mark: bytes,
        container: Inspected,
        command: Command,
        *,
        left: Callable[[], None] | None = None,
    ) -> Running:
        """Hold what runs until it is over; `left` is called when it is ended before that."""

        def ended(said_so: bool) -> None:
            with self._lock:
                self._running.discard(running)
            if left is not None and not said_so:
                left()

        running = Running(session, mark=mark, timeout_s=command.limit_s, host=container.own_name, ended=ended)
        with self._lock:
            closed, forgotten = self._closed, {each for each in self._running if each.overdue}
            self._running.add(running)
        for each in forgotten | ({running} if closed else set()):
            each.close()
        if closed:
            raise Unavailable("The runtime was closed.", hint="Load the page again.")
        return running

    def _remember(self, image: str, lacking: str) -> None:
        with self._lock:
            if len(self._lacking) >= IMAGES_MAX:
                self._lacking.clear()
            self._lacking[image] = lacking

    def _status(self, exec_id: str) -> int | None:
        return told_status(self._execs, exec_id, within_s=STATUS_S)

    def _not_begun(self, container: Inspected, problem: Unreachable) -> RuntimeProblem:
        """Say why a program did not even begin, as far as that is known."""
        try:
            check_running(self._containers.inspected(container.id))
        except (Conflict, Missing) as better:
            return better
        except RuntimeProblem:
            pass
        return Unavailable(problem.sentence, hint="The engine or its host may be overloaded. Try again in a moment.")

    def _explained(self, end: Exit, container: Inspected, exec_id: str) -> Exit:
        """Find out why a line ended without the keeper's last word: mostly, the container did."""
        name, asked = container.own_name, time.monotonic()
        try:
            now = self._containers.inspected(container.id).state
            code = self._execs.state(exec_id).exit_code
        except Missing:
            return Exit(code=KILLED, sentence=f"The container {name} was removed while the command ran.")
        except RuntimeProblem:
            return end
        if not now.running or now.started_at != container.state.started_at:
            return Exit(code=KILLED, sentence=f"The container {name} stopped while the command ran.")
        if code == KILLED and time.monotonic() - asked < GRACE_S / 2:  # later that may be what the lost line has caused
            return Exit(code=KILLED, sentence="It was ended by SIGKILL.")
        return end


def check_running(container: Inspected) -> None:
    """Raise Conflict when nothing can run in a container just now."""
    state, name = container.state, container.own_name
    if state.paused or state.status == "paused":
        raise Conflict(f"The container {name} is paused: nothing runs in it.", hint="Unpause it first.")
    if state.restarting:
        raise Conflict(f"The container {name} is restarting: nothing can be run in it.", hint="Its logs may say why.")
    if not state.running:
        since = f" ({state.status} with {state.exit_code})" if state.status == "exited" else f" ({state.status})"
        raise Conflict(
            f"The container {name} is not running{since}.", hint="Start it first; its logs may say why it ended."
        )


def _kept(command: Command) -> Kept:
    """Put a program under the keeper. Its variables are set behind that: a PATH of its own would take setsid away."""
    given = ("env", "--", *command.environment, "/bin/sh", "-c", 'exec "$@"', "sh") if command.environment else ()
    try:
        return keep((*given, *command.argv), limit_s=command.limit_s + MARGIN_S, inside=True)
    except NotAvailable as problem:
        raise Invalid(problem.sentence) from problem


def _refusal(session: ExecSession) -> Stream[Output | Exit]:
    """Give the engine's own words of why nothing was started. Raise Unkeepable where it was the keeper's shell."""
    code, said = session.status(), session.early
    if code in NOT_STARTED and SHELL in said:
        raise Unkeepable("shell")
    return words(Exit(code=code), said)


def _tell(line: Hijacked, said: bytes) -> bool:
    """Tell the keeper what to keep; a line without its end is not run. One that did not start says so by its status."""
    try:
        line.send(said, timeout_s=SEND_S)
    except OSError:
        return False
    return True
