"""What stands around the inner command of a `kubectl exec`, so that nothing of it is left when the command ends.

kubectl only lets go of a program in a pod when it ends; nobody ends it there. And the inner command gets no standard
input that could be its lifeline. So a line of shell stands in front of it, which marks it, ends what it leaves behind,
and ends all of it after a time of its own, when neither the server nor its sweep came through. The mark is a variable
in its environment: whatever it starts has it too, in whichever process group. An image without /bin/sh gets the bare
command, which is told to the person: what was asked for may then go on in the pod.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connectors.base import Ended, Exit, Output
from connectors.keeper import NAME, VARIABLE
from runtimes.child import Child

GRACE_S = 5
"""Between asking what is left and ending it, when its time is over; as `timeout -k 5`."""
MARGIN_S = 30
"""The pod's own time limit is later than the server's by this: there, the exec may begin late."""
BEGIN_S = 30.0
"""An exec that did not begin by then is not waited for: the pod's node may be gone."""
LAST_BYTES = 200
"""Of stderr: kubectl's own last line is shorter."""
HELD_MAX_BYTES = 64 * 1024
"""Of stderr, until the mark came."""
NO_SHELL = (
    "The container has no /bin/sh: when this command is ended early, what it started there goes on until it ends by "
    "itself."
)
LACKING = "The container has no {}: when this command is ended early, something of it may go on there."
TERMINATED = b"command terminated with exit code"
"""What kubectl says when the inner command exited with anything but 0: then it is over there."""
FAILED = 1
NOT_STARTED = (126, 127)
SHELL = "/bin/sh"

SEEK = (
    "t(){ x=1;for i in $(grep -al @VARIABLE@=$m /proc/[0-9]*/environ 2>/dev/null);"
    "do i=${i#/proc/};kill -$1 ${i%/environ}&&x=0;done;return $x;};"
)
AROUND = """\
m=$1;l=$2;shift 2;n=;for i in grep sleep;do command -v $i >/dev/null||n="$n $i";done;echo "@MARK@$n" >&2;\
exec 3>&1 4>&2 >/dev/null 2>&1;\
@SEEK@\
{ trap 'trap "" TERM;e=1;[ "$c" ]&&kill -KILL $c' TERM;sleep $l & c=$!;[ "$e" ]&&kill -KILL $c;\
wait $c&&[ -z "$e" ]&&{ t TERM;sleep @GRACE@;t KILL&&t KILL;};wait $c;} 3>&- 4>&- & w=$!;\
(export @VARIABLE@=$m;exec "$@" >&3 2>&4 3>&- 4>&-);s=$?;exec 3>&- 4>&-;\
trap '' TERM;kill $w;t TERM;g=$?;kill -TERM -$$;[ $g = 0 ]&&{ sleep 1;t KILL&&t KILL;};\
wait $w;exit $s"""
"""One line of POSIX shell; dash, busybox and bash take it. The watch is told to end whenever that is, so that neither
its sleep is left nor the death of that: the first process of many containers waits for no orphan. What is killed is
marked, which neither the watch nor this shell is. A program that cannot be run is told on stderr by the shell, with its
status 126 or 127. What holds no output of the exec lets kubectl end. The group is ours where the runtime began the exec
in a session of its own (runc, crun); elsewhere there is none of that number."""
SWEEP = """\
m=@NAME@;m=$m-@ID@;@SEEK@exec >/dev/null 2>&1;\
g=$(grep -al "[o]${m#?}" /proc/[0-9]*/cmdline);t TERM;\
for k in 1 2 3 4 5;do t 0||break;sleep .2||sleep 1;done;t KILL&&t KILL;\
for i in $g;do i=${i#/proc/};i=${i%/cmdline};kill -KILL -$i||kill -KILL $i;done;:"""
"""Ends what is marked, then the group of the shell in front of it, whose command line holds the name. Its own holds it
in no piece."""


@dataclass(frozen=True, slots=True)
class Around:
    """One run: what is put in front of the inner command, what sweeps it, and what stderr begins with."""

    argv: tuple[str, ...]
    sweep: tuple[str, ...]
    mark: bytes


def around(limit_s: float) -> Around:
    """Make what stands around one inner command that may run for so long."""
    token, mark = secrets.token_hex(8), secrets.token_hex(16)
    parts = {
        "SEEK": SEEK,
        "GRACE": str(GRACE_S),
        "VARIABLE": VARIABLE,
        "NAME": NAME.rstrip("-"),
        "ID": token,
        "MARK": mark,
    }
    line, sweep = AROUND, SWEEP
    for part, text in parts.items():
        line, sweep = line.replace(f"@{part}@", text), sweep.replace(f"@{part}@", text)
    limit = str(max(1, round(limit_s)) + MARGIN_S)
    return Around((SHELL, "-c", line, "sh", f"{NAME}{token}", limit), (SHELL, "-c", sweep), mark.encode())


class Marked:
    """The stream of a kubectl exec without the mark that its inner command began with.

    Nothing is read ahead, but for `begun`. Reading and closing are as with a Child. `sweep` is called when kubectl
    failed after the inner command had begun: the line to it was lost, and it may still run.
    """

    def __init__(self, child: Child, mark: bytes, sweep: Callable[[], None]) -> None:
        self._child = child
        self._mark = mark
        self._sweep = sweep
        self._waiting: list[Output | Exit] = []
        self._held = self._last = b""
        self._found = False
        self.lacking: tuple[str, ...] = ()

    def begun(self) -> bool:
        """Read until the inner command has begun; False when it never did. Ended when it does not begin in time."""
        late = threading.Timer(BEGIN_S, self._child.cut)
        late.name = "exec begin limit"
        late.start()
        try:
            while not self._found and (said := next(self._child, None)) is not None:
                self._waiting.extend(self._without_mark(said))
        finally:
            late.cancel()
            late.join()
        return self._found

    def failed(self) -> tuple[bytes, int | None]:
        """Give what stderr said and the exit code of an exec that never began."""
        codes = [each.code for each in self._waiting if isinstance(each, Exit)]
        errors = [each.data for each in self._waiting if isinstance(each, Output) and each.source == "stderr"]
        return b"".join(errors), codes[0] if codes else None

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        while not self._waiting:
            self._waiting.extend(self._without_mark(next(self._child)))
        said = self._waiting.pop(0)
        if isinstance(said, Exit) and self._in_doubt(said):
            self._sweep()
        return said

    def close(self) -> None:
        """End it, as `Child.close` does."""
        self._child.close()

    def _in_doubt(self, last: Exit) -> bool:
        return self._found and last.code != 0 and last.reason is not Ended.TIMEOUT and TERMINATED not in self._last

    def _without_mark(self, said: Output | Exit) -> list[Output | Exit]:
        if isinstance(said, Exit):
            held, self._held = self._held, b""
            return [Output("stderr", held), said] if held else [said]
        if said.source != "stderr":
            return [said]
        self._last = (self._last + said.data)[-LAST_BYTES:]
        if self._found:
            return [said]
        self._held += said.data
        left = self._taken()
        return [Output("stderr", left)] if left else []

    def _taken(self) -> bytes:
        """Give what of the held stderr can be passed on: all but the line of the mark, once that is there."""
        before, found, behind = self._held.partition(self._mark)
        line, ended, after = behind.partition(b"\n")
        if found and ended:
            self._found, self._held = True, b""
            self.lacking = tuple(line.decode(errors="replace").split())
            return before + after
        if len(self._held) > HELD_MAX_BYTES:
            left, self._held = self._held, b""
            return left
        return b""


def no_shell(said: bytes, code: int | None) -> bool:
    """Tell whether an exec that never began failed for want of a shell, in the words of whichever runtime it is."""
    return code in NOT_STARTED or (code == FAILED and SHELL.encode() in said)


def notes(lacking: Sequence[str]) -> tuple[str, ...]:
    """Say what an image lacks to end everything in it."""
    return (LACKING.format(" and no ".join(lacking)),) if lacking else ()
