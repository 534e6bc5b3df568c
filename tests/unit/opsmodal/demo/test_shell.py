"""The interpreter in memory: what commands say, how they end, and that they reach nothing of the machine."""

from __future__ import annotations

import builtins
import os
import socket
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.shell.interpreter import Shell
from opsmodal.demo.shell.machine import FILES_MAX_BYTES, Machine, usual_files
from opsmodal.demo.shell.steps import STDOUT, Ask, Say, Wait
from runtimes.kubernetes.commands import inner

STEPS_MAX = 3000


def machine() -> Machine:
    return Machine(
        hostname="web-0",
        environment={"GREETING": "good  day", "HOME": "/home/app"},
        now=lambda: datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        files=usual_files("web-0", "10.0.0.1", {"/etc/app/colour": b"blue"}),
    )


def run(*words: str, typed: bytes | None = None, on: Machine | None = None) -> tuple[int | None, str, str, float]:
    """Give (exit status, output, errors, seconds waited); the status is None when it is still running."""
    running = Shell(on or machine()).call(words)
    said, waited_s, answer = {STDOUT: "", 2: ""}, 0.0, None
    for _ in range(STEPS_MAX):
        try:
            step = running.send(answer) if answer is not None else next(running)
        except StopIteration as end:
            return end.value, said[STDOUT], said[2], waited_s
        answer = None
        if isinstance(step, Say):
            said[step.stream] += step.data.decode(errors="replace")
        elif isinstance(step, Wait):
            waited_s += step.seconds
        elif isinstance(step, Ask):
            answer, typed = typed, None
    return None, said[STDOUT], said[2], waited_s


def script(text: str, **more: object) -> tuple[int | None, str]:
    status, output, _, _ = run("sh", "-c", text, **more)  # type: ignore[arg-type]
    return status, output


@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("echo hi", 0, "hi\n"),
        ("echo hi; exit 3", 3, "hi\n"),
        ("exit 256", 0, ""),
        ("true && echo yes || echo no", 0, "yes\n"),
        ("false && echo yes || echo no", 0, "no\n"),
        ("false; echo $?", 0, "1\n"),
        ("! false", 0, ""),
        ("nothing", 127, ""),
        ("nothing || echo $?", 0, "127\n"),
        ("echo $GREETING", 0, "good day\n"),
        ('echo "$GREETING"', 0, "good  day\n"),
        ("echo '$GREETING'", 0, "$GREETING\n"),
        ("echo ${NONE:-default}", 0, "default\n"),
        ("A=1; echo $A", 0, "1\n"),
        ("export A=2; sh -c 'echo $A'", 0, "2\n"),
        ("echo a b | wc -w", 0, "2\n"),
        ("echo one > /tmp/f; echo two >> /tmp/f; cat /tmp/f", 0, "one\ntwo\n"),
        ("echo lost > /dev/null", 0, ""),
        ("timeout 5 echo in time", 0, "in time\n"),
        ("timeout -k 5 1 sleep 60", 124, ""),
        ("timeout -s KILL 1m sh -c 'exit 7'", 7, ""),
        ("timeout x true", 125, ""),
        ("env A=1 B=2 sh -c 'echo $A$B'; echo $A", 0, "12\n\n"),
        ("env -i sh -c 'echo \"<$GREETING>\"'", 0, "<>\n"),
        ("nohup setsid echo apart", 0, "apart\n"),
        ("which sh nothing", 1, "/bin/sh\n"),
        ("command -v grep", 0, "/bin/grep\n"),
        ("kill 4711", 1, ""),
        ("sh -c 'echo $0 $1 $#; printf \"%s.\" \"$@\"' name 'one two' three", 0, "name one two 2\none two.three."),
        ("nothing 2>/dev/null; echo $?", 0, "127\n"),
        ("echo x >&2", 0, ""),
        ("cat < /etc/hostname", 0, "web-0\n"),
        ("cat /etc/app/colour", 0, "blue"),
        ("cat /nothing", 1, ""),
        ("ls /etc/app", 0, "colour\n"),
        ("for i in 1 2 3; do echo $i; done", 0, "1\n2\n3\n"),
        ("for i in $(seq 2); do echo n$i; done", 0, "n1\nn2\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i", 0, "3\n"),
        ("if [ -f /etc/hosts ]; then echo there; else echo gone; fi", 0, "there\n"),
        ("if false; then echo a; elif true; then echo b; fi", 0, "b\n"),
        ("(echo a; echo b) | grep b", 0, "b\n"),
        ("echo # not said", 0, "\n"),
        ("printf '%s=%d\\n' a 1 b 2", 0, "a=1\nb=2\n"),
        ("echo -n a; echo -e 'b\\tc'", 0, "ab\tc\n"),
        ("seq 1 5 | tail -n 2 | head -1", 0, "4\n"),
        ("cd /etc && pwd", 0, "/etc\n"),
        ("cd /nothing", 2, ""),
        ("echo aGk= | base64 -d", 0, "hi"),
        ("date +%Y-%m-%d; hostname; whoami; id -u", 0, "2026-11-21\nweb-0\nroot\n0\n"),
        ("test a = b", 1, ""),
        ("exec echo last; echo never", 0, "last\n"),
        ("echo $((1/0))", 2, ""),
        ("tail -n x /etc/hosts", 1, ""),
        ("echo 'open", 2, ""),
        ("if true; then", 2, ""),
        (";;", 2, ""),
        ("cat <<E", 2, ""),
    ],
)
def test_a_script_says_and_ends(text: str, status: int, output: str) -> None:
    assert script(text) == (status, output)


def test_time_only_passes_where_a_script_waits() -> None:
    assert run("sh", "-c", "sleep 2; echo late; sleep 1m")[3] == 62.0


def test_a_loop_without_end_goes_on_and_takes_time() -> None:
    status, output, _, waited_s = run("sh", "-c", "while true; do echo tick; sleep 5; done")
    assert status is None
    assert output.startswith("tick\ntick\n")
    assert waited_s > 100


def test_a_loop_without_a_sleep_takes_time_too() -> None:
    status, _, _, waited_s = run("sh", "-c", "while true; do :; done")
    assert status is None
    assert waited_s > 0


def test_input_is_passed_through() -> None:
    assert run("cat", typed=b"typed\n")[:2] == (0, "typed\n")


def test_a_shell_runs_what_is_typed() -> None:
    assert run("sh", typed=b"echo a\nexit 4\necho never\n")[:2] == (4, "a\n")


def test_following_a_file_gives_what_is_added() -> None:
    here = machine()
    running = Shell(here).call(["tail", "-f", "/etc/app/colour"])
    assert next(running) == Say(b"blue")
    assert isinstance(next(running), Wait)
    here.write("/etc/app/colour", b" sky", append=True)
    assert next(running) == Say(b" sky")


def test_the_invented_disk_has_an_end() -> None:
    here = machine()
    here.write("/tmp/big", b"x" * (FILES_MAX_BYTES - 2000))
    status, _, errors, _ = run("sh", "-c", "cat /tmp/big > /tmp/more", on=here)
    assert status == 1
    assert "No space left on device" in errors


def test_nothing_of_the_machine_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("the interpreter reached for the machine")

    for owner, name in ((builtins, "open"), (os, "system"), (os, "popen"), (os, "listdir"), (socket, "socket")):
        monkeypatch.setattr(owner, name, touched)
    monkeypatch.setattr(subprocess, "Popen", touched)
    text = (
        "ls /; cat /etc/passwd /etc/shadow; ps; env; id; uname -a; df; sh -c 'sh -c \"cat /proc/self/environ\"'; wget x"
    )
    status, output = script(text)
    assert status == 127
    assert "simulated" in output


@given(st.text(max_size=60))
def test_no_script_breaks_the_interpreter(text: str) -> None:
    status, _, _, _ = run("sh", "-c", text)
    assert status is None or 0 <= status <= 255


@given(st.lists(st.sampled_from(["a", "'", '"', "$(", ")", "|", ";", "&&", ">", "if", "then", "fi", "$((", "\n", " "])))
def test_no_mixture_of_shell_breaks_the_interpreter(parts: list[str]) -> None:
    status, _, _, _ = run("sh", "-c", " ".join(parts))
    assert status is None or 0 <= status <= 255


def test_what_runs_in_a_container_is_seen_and_can_be_killed() -> None:
    seen = machine()
    with seen.runs.begun("sleep 60") as other:
        assert "sleep 60" in run("ps", on=seen)[1]
        assert run("kill", "-0", str(other.pid), on=seen)[0] == 0
        assert not other.killed.is_set()
        assert run("kill", str(other.pid), on=seen)[0] == 0
        assert other.killed.is_set()
    assert "sleep 60" not in run("ps", on=seen)[1]
    assert run("kill", str(other.pid), on=seen)[0] == 1


def test_a_kept_command_tells_its_mark_and_is_ended_by_its_sweep() -> None:
    around, seen = inner.around(30), machine()
    with seen.runs.begun("exec") as seen.run:
        status, output, errors, _ = run(*around.argv, "sh", "-c", "echo in; exit 5", on=seen)
        assert (status, output, errors) == (5, "in\n", f"{around.mark.decode()}\n")
        assert run(*inner.around(30).sweep, on=seen)[0] == 0
        assert not seen.run.killed.is_set(), "another's sweep does not end it"
        assert run(*around.sweep, on=seen)[0] == 0
        assert seen.run.killed.is_set()
    assert run(*around.argv, "nothing")[:2] == (127, "")
    assert run(*around.argv, "sleep", "3600")[3] == 30 + inner.MARGIN_S
