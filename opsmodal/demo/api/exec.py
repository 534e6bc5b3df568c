"""pods/exec and pods/attach: a command of the interpreter in memory, behind a socket.

No process of the machine is ever started. The words of the refusals: k8s.io/kubernetes pkg/kubelet/kubelet_pods.go and
containerd's CRI plugin.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from opsmodal.demo.api.logs import container_of
from opsmodal.demo.api.requests import Answer, Request
from opsmodal.demo.api.sockets import CLOSE, STATUS, STDERR, STDIN, STDOUT, ChannelSocket, Closed
from opsmodal.demo.documents import Obj, annotations_of, dig, encode, name_of
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.output import Outputs, nanoseconds
from opsmodal.demo.problems import Problem, bad_request, internal
from opsmodal.demo.shell.interpreter import Shell, is_known, is_shell
from opsmodal.demo.shell.runs import Run
from opsmodal.demo.shell.steps import STDERR as STEP_STDERR
from opsmodal.demo.shell.steps import Ask, Running, Say, Wait

EXEC_MAX_S = 4 * 3600.0
"""How long a command may run (kubelet: streaming-connection-idle-timeout, four hours)."""
SLICE_S = 0.25
"""How often a quiet command looks whether it should end."""
KILLED, TERMINATED = 137, 143
SHELL = "demo.opsmodal.dev/shell"
"""Annotation of a pod whose containers are built without a shell when it says "none"."""
SUCCESS: Obj = {"metadata": {}, "status": "Success"}


def exit_status(code: int, words: Sequence[str]) -> Obj:
    """Give what the status channel says about an exit code."""
    if code == 0:
        return SUCCESS
    message = (
        f"command terminated with non-zero exit code: error executing command [{' '.join(words)}], exit code {code}"
    )
    details = {"causes": [{"reason": "ExitCode", "message": str(code)}]}
    return {"metadata": {}, "status": "Failure", "message": message, "reason": "NonZeroExitCode", "details": details}


@dataclass(slots=True)
class Session:
    """A command that runs behind a socket."""

    socket: ChannelSocket
    request: Request
    typed: bytearray = field(default_factory=bytearray)
    input_open: bool = False
    command: Run | None = None
    """What goes on when the client goes; None for what is only shown."""
    alone: bool = False

    def run(self, running: Running) -> int:
        """Run a command to its end; give its exit status. Raise Closed when the client goes, or had gone by the end."""
        status = self._ran(running)
        if self.alone:
            raise Closed
        return status

    def _ran(self, running: Running) -> int:
        deadline = time.monotonic() + EXEC_MAX_S
        answer: bytes | None = None
        while time.monotonic() < deadline and not self.request.ending():
            if self._killed():
                return TERMINATED
            try:
                step = running.send(answer) if answer is not None else next(running)
            except StopIteration as end:
                return int(end.value or 0)
            answer = None
            if isinstance(step, Say):
                self._say(step)
            elif isinstance(step, Wait):
                self._wait(step.seconds)
            elif isinstance(step, Ask):
                answer = self._ask()
        return KILLED

    def _killed(self) -> bool:
        return self.command is not None and self.command.killed.is_set()

    def _say(self, step: Say) -> None:
        wanted = "stderr" if step.stream == STEP_STDERR else "stdout"
        if self.alone:
            raise Closed  # nobody reads what it writes
        merged = self.request.flag("tty")
        if merged or self.request.flag(wanted):
            data = step.data.replace(b"\n", b"\r\n") if merged else step.data
            self.socket.send(STDERR if wanted == "stderr" and not merged else STDOUT, data)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + (seconds if math.isfinite(seconds) else EXEC_MAX_S)
        while not self.request.ending() and not self._killed():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            self._receive(min(left_s, SLICE_S))

    def _ask(self) -> bytes | None:
        while self.input_open and not self.typed and not self.request.ending() and not self._killed():
            self._receive(SLICE_S)
        if not self.typed:
            return None
        data = bytes(self.typed)
        self.typed.clear()
        return data

    def _receive(self, timeout_s: float) -> None:
        try:
            frame = None if self.alone else self.socket.receive(timeout_s)
        except Closed:
            if self.command is None:
                raise
            self.alone, self.input_open, frame = True, False, None
        if self.alone and self.command is not None:
            self.command.killed.wait(timeout_s)
        if frame is None:
            return
        channel, data = frame
        if channel == STDIN:
            self.typed += data
        elif channel == CLOSE and data[:1] == bytes([STDIN]):
            self.input_open = False


class Exec:
    """Serve pods/exec and pods/attach."""

    def __init__(self, inside: Inside, outputs: Outputs) -> None:
        self._inside = inside
        self._outputs = outputs

    def answer(self, request: Request, pod: Obj, *, attach: bool) -> Answer:
        """Run a command, or show what the container writes. Raise a Problem before the socket is open, else Closed."""
        if not dig(pod, "spec", "nodeName"):
            raise bad_request(f"pod {name_of(pod)} does not have a host assigned")
        container = container_of(pod, request.text("container"))
        if not _is_running(pod, container):
            # the kubelet's own words, passed on as they are
            return Answer(500, f'container not found ("{container["name"]}")'.encode(), "text/plain; charset=utf-8")
        words = list(request.params.get("command", ()))
        if not attach and not words:
            raise bad_request("you must specify at least one command for the container")
        connection: Any = request.environ["werkzeug.socket"]
        socket = ChannelSocket(request.environ, connection)
        session = Session(socket, request, input_open=request.flag("stdin"))
        if attach:
            status = exit_status(session.run(self._attached(pod, container)), ())
        elif not is_known(words[0]) or (annotations_of(pod).get(SHELL) == "none" and is_shell(words[0])):
            status = _no_such_program(words[0], name_of(pod)).status()
        else:
            machine = self._inside.machine(pod, container)
            with machine.runs.begun(" ".join(words)) as machine.run:
                session.command = machine.run
                status = exit_status(session.run(Shell(machine).call(words)), words)
        socket.send(STATUS, encode(status))
        socket.close()
        raise Closed

    def _attached(self, pod: Obj, container: Obj) -> Running:
        """Show what the container writes from now on."""
        journal = self._outputs.of(dig(pod, "metadata", "uid") or "", container["name"])
        machine = self._inside.machine(pod, container)
        last_ns = nanoseconds(machine.now())
        while journal and not journal.ended:
            yield Wait(SLICE_S)
            until_ns = nanoseconds(machine.now())
            for line in journal.between(last_ns, until_ns):
                yield Say(line.text + b"\n")
            last_ns = until_ns
        return 0


def _is_running(pod: Obj, container: Obj) -> bool:
    statuses = [*(dig(pod, "status", "containerStatuses") or ()), *(dig(pod, "status", "initContainerStatuses") or ())]
    status = next((item for item in statuses if item["name"] == container["name"]), None)
    return dig(status, "state", "running") is not None


def _no_such_program(word: str, identity: str) -> Problem:
    """Say that the container has no such program, as containerd does."""
    why = f'exec: "{word}": executable file not found in $PATH'
    if "/" in word:
        why = f'exec: "{word}": stat {word}: no such file or directory'
    number = hashlib.sha256(f"{identity} {word}".encode()).hexdigest()
    return internal(
        f'error executing command in container: failed to exec in container: failed to start exec "{number}": OCI '
        f"runtime exec failed: exec failed: unable to start container process: {why}"
    )
