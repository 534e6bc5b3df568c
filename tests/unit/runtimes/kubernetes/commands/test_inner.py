"""What stands around the inner command of an exec, in the shells that images have: it changes nothing of what the
command says, and leaves nothing of it.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import Ended, Exit, Output
from runtimes.kubernetes.commands import inner
from runtimes.kubernetes.commands.inner import Around, Marked, around, no_shell
from tests.engines.process import wait_for
from tests.unit.connectors.processes import naming

SHELLS = ["dash", "bash --posix", "bash", "busybox sh"]
OFTEN = pytest.mark.often("dash", "busybox sh")
"""Those of Debian's and Alpine's images; the others take their time by `make test-all`."""
GONE_S = 15.0
KILLED_S = 3.0


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Give a shell that an image may have as /bin/sh."""
    words: list[str] = request.param.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return words


def started(shell: list[str], kept: Around, *words: str) -> subprocess.Popen[bytes]:
    """Begin as a container runtime does: in a session of its own, without input."""
    return subprocess.Popen(
        [*shell, *kept.argv[1:], *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def ran(shell: list[str], *words: str) -> tuple[int, bytes, bytes]:
    kept = around(60)
    with started(shell, kept, *words) as process:
        out, err = process.communicate(timeout=60)
    assert err.startswith(kept.mark + b"\n")
    return process.returncode, out, err.removeprefix(kept.mark + b"\n")


def gone(*words: str) -> None:
    """See that no such process is left; one that was just killed is seen for a moment more."""
    wait_for(lambda: not naming(*words), f"{words} is gone", within_s=KILLED_S)


def word() -> str:
    return f"6{time.monotonic_ns() % 10**8:08d}"


@pytest.mark.parametrize("code", [0, 1, 2, 124, 125, 126, 127, 255])
def test_the_exit_code_is_the_commands_own(shell: list[str], code: int) -> None:
    assert ran(shell, "sh", "-c", f"exit {code}") == (code, b"", b"")


@pytest.mark.parametrize(("signal", "code"), [("KILL", 137), ("TERM", 143), ("SEGV", 139)])
def test_a_signal_is_told_as_shells_do(shell: list[str], signal: str, code: int) -> None:
    assert ran(shell, "sh", "-c", f"kill -{signal} $$") == (code, b"", b"")


def test_what_cannot_be_run_is_told(shell: list[str]) -> None:
    code, out, err = ran(shell, "no-such-program")
    assert (code, out) == (127, b"")
    assert err.startswith(b"sh: ")
    assert b"no-such-program: not found" in err
    code, _, err = ran(shell, "/etc/passwd")
    assert code == 126
    assert b"Permission denied" in err


@pytest.mark.parametrize("words", [["exit", "3"], ["cd", "/"], ["eval", "echo"], ["t", "TERM"], ["trap"]])
def test_no_word_of_the_shell_is_taken_for_a_program(shell: list[str], words: list[str]) -> None:
    assert ran(shell, *words)[0] in (0, 127)
    assert ran(shell, "no-such", *words)[0] == 127


def test_words_arrive_as_they_are(shell: list[str]) -> None:
    words = ["", " ", "'", '"', "$HOME", "`id`", "a\nb", "\\", "*", "--", "한글"]
    code, out, _ = ran(shell, "printf", "%s\\0", *words)
    assert (code, out.split(b"\0")[:-1]) == (0, [each.encode() for each in words])


def test_it_has_no_descriptor_but_the_three(shell: list[str]) -> None:
    _, out, _ = ran(shell, "sh", "-c", "for each in /proc/$$/fd/*; do [ -e $each ] && echo ${each##*/}; done")
    assert {int(each) for each in out.split()} <= {0, 1, 2, 10, 255}, "shells keep 10 and 255 for themselves"


@OFTEN
@pytest.mark.parametrize("apart", ["", "setsid ", "nohup ", "setsid nohup "])
def test_what_it_leaves_behind_is_ended(shell: list[str], apart: str) -> None:
    mark = word()
    began = time.monotonic()
    # It has begun before its parent ends: what is ended has to be found.
    waited = f"until grep -q {mark} /proc/$!/cmdline; do :; done"
    code, _, _ = ran(shell, "sh", "-c", f"{apart}sleep {mark} >/dev/null 2>&1 & {waited}; exit 3")
    assert code == 3
    gone(mark)
    assert time.monotonic() - began < GONE_S


SCRIPTS = [
    "sleep {0}",
    "sleep {0} & sleep {0}",
    "setsid sleep {0} & sleep {0}",
    "trap '' TERM; sleep {0}; sleep {0}",
    "env -i sleep {0} & sleep {0}",
    "(trap '' TERM HUP; setsid sh -c 'while :; do sleep {0}; done') & sleep {0}",
]


@OFTEN
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_sweep_ends_all_of_it(shell: list[str], script: str) -> None:
    mark, kept = word(), around(60)
    with started(shell, kept, "sh", "-c", script.format(mark)) as process:
        wait_for(lambda: any(line_is(pid, b"sleep", mark) for pid in naming(mark)), "it runs")
        subprocess.run([*shell, *kept.sweep[1:]], check=True, timeout=60, start_new_session=True)
        process.communicate(timeout=GONE_S)
    gone(mark)
    gone(kept.argv[4])


def line_is(pid: int, program: bytes, mark: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].rpartition(b"/")[2] == program and mark.encode() in words


@OFTEN
def test_a_sweep_of_another_run_ends_nothing(shell: list[str]) -> None:
    mark, kept = word(), around(60)
    with started(shell, kept, "sleep", mark) as process:
        wait_for(lambda: any(line_is(pid, b"sleep", mark) for pid in naming(mark)), "it runs")
        subprocess.run([*shell, *around(60).sweep[1:]], check=True, timeout=60, start_new_session=True)
        assert process.poll() is None
        subprocess.run([*shell, *kept.sweep[1:]], check=True, timeout=60, start_new_session=True)
        process.communicate(timeout=GONE_S)


@pytest.mark.often("busybox sh")
def test_its_own_time_limit_ends_it_when_nobody_else_does(shell: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner, "MARGIN_S", 0)
    mark = word()
    with started(shell, around(1), "sh", "-c", f"trap '' TERM; sleep {mark}; sleep {mark}") as process:
        process.communicate(timeout=GONE_S + inner.GRACE_S)
    assert process.returncode == 137
    gone(mark)


@OFTEN
def test_its_watch_is_gone_with_it(shell: list[str]) -> None:
    kept = around(12_345)
    for _ in range(10):
        with started(shell, kept, "true") as process:
            process.communicate(timeout=60)
    gone("sleep", str(12_345 + inner.MARGIN_S))


@pytest.fixture
def container() -> Iterator[int]:
    """Give the first process of a process namespace: one that waits for no orphan, as that of many containers."""
    argv = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "sleep", "300"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        wait_for(lambda: process.poll() is not None or bool(children.read_text()), "it began")
        if process.poll() is not None:
            pytest.skip("this user may make no process namespace")
        first = int(children.read_text())
        wait_for(lambda: line_is(first, b"sleep", "300"), "it sleeps")
        yield first
    finally:
        process.kill()
        process.wait()


@OFTEN
@pytest.mark.parametrize("script", ["true", "exit 3", "sleep 0.05", "kill -TERM $$", "kill -KILL $$"])
def test_no_dead_process_is_left_in_a_container(shell: list[str], container: int, script: str) -> None:
    enter = ["nsenter", "--target", str(container), "--pid", "--mount"]
    for _ in range(8):
        subprocess.run(
            [*enter, "setsid", *shell, *around(60).argv[1:], "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )
    shown = subprocess.run([*enter, "ps", "-eo", "stat=,comm="], capture_output=True, text=True, check=True, timeout=60)
    assert [line for line in shown.stdout.splitlines() if line.startswith("Z")] == []
    assert shown.stdout.count("sleep") == 1, "nothing but the container's own"


def test_what_the_image_lacks_is_told_by_the_mark(tmp_path_factory: pytest.TempPathFactory) -> None:
    kept, empty = around(5), tmp_path_factory.mktemp("empty")
    done = subprocess.run(
        ["/bin/sh", *kept.argv[1:], "/bin/echo", "hi"],
        env={"PATH": str(empty)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"hi\n")
    assert done.stderr == kept.mark + b" grep sleep\n"
    assert inner.notes(["grep", "sleep"]) == (
        "The container has no grep and no sleep: when this command is ended early, something of it may go on there.",
    )


class Said:
    """A child that says what it was told to."""

    def __init__(self, *said: Output | Exit) -> None:
        self._said = iter(said)
        self.ended = 0

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        return next(self._said)

    def cut(self) -> None:
        self.ended += 1

    close = cut


MARK = b"0123456789abcdef"


def err(data: bytes) -> Output:
    return Output("stderr", data)


@pytest.mark.parametrize(
    ("pieces", "left", "lacking"),
    [
        ([MARK + b"\nafter"], b"after", ()),
        ([b"Defaulted container\n" + MARK + b"\n"], b"Defaulted container\n", ()),
        ([b"warn", b"ing\n" + MARK[:5], MARK[5:], b"\n", b"more"], b"warning\nmore", ()),
        ([MARK + b" grep", b" sleep\nx"], b"x", ("grep", "sleep")),
        ([b"no mark at all"], b"no mark at all", ()),
    ],
)
def test_the_mark_is_taken_out_and_nothing_else(pieces: list[bytes], left: bytes, lacking: tuple[str, ...]) -> None:
    swept: list[int] = []
    stream = Marked(Said(*map(err, pieces), Exit(code=0)), MARK, lambda: swept.append(1))  # type: ignore[arg-type]
    *told, last = stream
    assert b"".join(each.data for each in told if isinstance(each, Output)) == left
    assert last == Exit(code=0)
    assert stream.lacking == lacking
    assert not swept


@pytest.mark.parametrize(
    ("said", "last", "doubted"),
    [
        (MARK + b"\n", Exit(code=0), False),
        (MARK + b"\ncommand terminated with exit code 1\n", Exit(code=1), False),
        (MARK + b"\nerror: websocket: close 1006\n", Exit(code=1), True),
        (MARK + b"\n", Exit(code=137), True),
        (MARK + b"\n", Exit(code=None, reason=Ended.LOST), True),
        (MARK + b"\n", Exit(code=None, reason=Ended.TIMEOUT), False),
        (b"Error from server (NotFound)\n", Exit(code=1), False),
    ],
)
def test_it_is_swept_when_kubectl_failed_after_it_had_begun(said: bytes, last: Exit, *, doubted: bool) -> None:
    swept: list[int] = []
    list(Marked(Said(err(said), last), MARK, lambda: swept.append(1)))  # type: ignore[arg-type]
    assert bool(swept) is doubted


@pytest.mark.parametrize(
    ("said", "code", "lacking"),
    [
        (b'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown\n', 1, True),
        (b"executable file `/bin/sh` not found in $PATH: No such file or directory\n", 1, True),
        (b"command terminated with exit code 126\n", 126, True),
        (b"command terminated with exit code 127\n", 127, True),
        (b'Error from server (NotFound): pods "web" not found\n', 1, False),
        (b"Error from server (Forbidden): ...\n", 1, False),
        (b"", None, False),
    ],
)
def test_an_image_without_a_shell_is_known_by_what_is_said(said: bytes, code: int | None, *, lacking: bool) -> None:
    assert no_shell(said, code) is lacking


def test_an_exec_that_does_not_begin_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner, "BEGIN_S", 0.2)
    child = Said()
    child.__class__ = type("Waiting", (Said,), {"__next__": _until_cut})
    assert not Marked(child, MARK, lambda: None).begun()  # type: ignore[arg-type]
    assert child.ended


def _until_cut(self: Said) -> Output | Exit:
    wait_for(lambda: self.ended > 0, "it was cut")
    raise StopIteration
