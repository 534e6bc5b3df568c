"""The CLI of a runtime as a child: nothing of ours reaches it, and nothing of it is left, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import Ended, Exit, Output
from runtimes.child import Children
from runtimes.errors import Invalid, Unavailable
from tests.engines.process import wait_for
from tests.unit.connectors.processes import naming

HOUSE = Path(__file__).resolve().parents[3]
OVER_S = 20.0
SHELL = Path("/bin/sh")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a place for temporary files of this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def children(temporary: Path) -> Iterator[Children]:
    """Give programs of this process, and see that no thread, process or file of them is left."""
    before = set(threading.enumerate())
    made = Children()
    yield made
    made.close()
    assert set(threading.enumerate()) <= before
    assert list(temporary.iterdir()) == []


def said(stream: Iterator[Output | Exit], source: str = "stdout") -> str:
    return b"".join(each.data for each in stream if isinstance(each, Output) and each.source == source).decode()


def word() -> str:
    """Give a number of seconds that no other test sleeps."""
    return f"8{time.monotonic_ns() % 10**8:08d}"


def test_outputs_are_apart_and_the_exit_is_the_programs_own(children: Children) -> None:
    *told, last = children.run(["sh", "-c", "echo out; echo err >&2; exit 126"], program=SHELL, limit_s=OVER_S)
    assert {(each.source, each.data) for each in told if isinstance(each, Output)} == {
        ("stdout", b"out\n"),
        ("stderr", b"err\n"),
    }
    assert last == Exit(code=126)


def test_nothing_of_our_environment_reaches_it(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "HTTPS_PROXY", "https_proxy", "EDITOR", "OPSMODAL_ADMIN_PASSWORD", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "ours")
    told = said(children.run(["env"], program=Path("/usr/bin/env"), limit_s=OVER_S))
    names = {line.partition("=")[0] for line in told.splitlines()}
    assert names == {"HOME", "PATH", "TERM", "LANG"}
    assert "ours" not in told


def test_what_is_given_is_told_and_nothing_else_is_there(children: Children) -> None:
    look = "pwd; echo $HOME; ls -A; stat -c %a .. . $GIVEN; cat $GIVEN; ls -A ${PATH}; readlink /proc/self/fd/0"
    told = said(
        children.run(
            ["sh", "-c", f"export LOOK=$PATH; PATH=$PATH:/usr/bin:/bin; set -e; {look.replace('${PATH}', '$LOOK')}"],
            program=SHELL,
            limit_s=OVER_S,
            files={"kubeconfig": b"private\n"},
            environment=lambda given: {"GIVEN": str(given / "kubeconfig")},
        )
    ).splitlines()
    assert told[0] == told[1]
    assert told[2:] == ["700", "700", "600", "private", "sh", "/dev/null"]


def test_it_has_limits_of_its_own(children: Children) -> None:
    told = said(children.run(["sh", "-c", "ulimit -c;ulimit -t;ulimit -n;ulimit -v"], program=SHELL, limit_s=7))
    assert told.split() == ["0", "7", "256", str(4 * 1024 * 1024)]


def test_a_program_that_only_burns_the_processor_is_ended(children: Children) -> None:
    *_, last = children.run(["sh", "-c", "ulimit -t 1; while :; do :; done"], program=SHELL, limit_s=OVER_S)
    assert isinstance(last, Exit)
    assert last.code in {128 + signal.SIGXCPU, 128 + signal.SIGKILL}


def test_the_time_limit_ends_all_of_it_before_it_is_told(children: Children, temporary: Path) -> None:
    mark = word()
    running = children.run(["sh", "-c", f"/bin/sleep {mark} & /bin/sleep {mark}"], program=SHELL, limit_s=0.5)
    (last,) = running
    assert last == Exit(code=None, reason=Ended.TIMEOUT, sentence="It was ended after 0.5 s.")
    assert not naming(mark)
    assert not list(temporary.glob("*/*"))


def test_closing_waits_until_all_of_it_is_gone(children: Children, temporary: Path) -> None:
    mark = word()
    script = f"trap '' TERM; /bin/sleep {mark} & /bin/sleep {mark}; /bin/sleep {mark}"
    running = children.run(["sh", "-c", script], program=SHELL, limit_s=OVER_S)
    wait_for(lambda: bool(naming(mark)), "it runs")
    running.close()
    assert not naming(mark)
    assert not list(temporary.glob("*/*"))
    assert list(running) == []


def test_a_reader_that_waits_gets_out_when_another_thread_closes(children: Children) -> None:
    running = children.run(["sh", "-c", "exec /bin/sleep 60"], program=SHELL, limit_s=60)
    reader = threading.Thread(target=lambda: list(running), name="reader")
    reader.start()
    running.close()
    reader.join(OVER_S)
    assert not reader.is_alive()


def test_nothing_is_read_ahead_of_the_reader(children: Children, tmp_path: Path) -> None:
    over, count = tmp_path / "over", 5_000_000
    script = f"/usr/bin/head -c {count} /dev/zero; /usr/bin/touch {over}"
    got = 0
    for each in children.run(["sh", "-c", script], program=SHELL, limit_s=OVER_S):
        if isinstance(each, Output):
            got += len(each.data)
            assert got > count - 500_000 or not over.exists()
    assert got == count
    over.unlink()


@pytest.mark.parametrize(
    ("script", "limit_s", "expected"),
    [("exit 0", 20, False), ("exit 3", 20, False), ("exit 1", 20, False), ("/bin/sleep 30", 0.3, True)],
)
def test_what_comes_afterwards_comes_only_when_it_was_ended_early(
    children: Children, tmp_path: Path, script: str, limit_s: float, expected: bool
) -> None:
    done = tmp_path / "done"
    after = ["sh", "-c", f"/bin/sleep 0.5; echo $HOME > {done}; echo unheard"]
    told = said(children.run(["sh", "-c", script], program=SHELL, limit_s=limit_s, afterwards=after))
    assert done.exists() == expected
    assert told == ""
    done.unlink(missing_ok=True)


def test_closing_waits_for_what_comes_afterwards(children: Children, tmp_path: Path) -> None:
    done = tmp_path / "done"
    after = ["sh", "-c", f"/bin/sleep 3; echo > {done}"]
    running = children.run(["sh", "-c", "echo ready; exec /bin/sleep 60"], program=SHELL, limit_s=60, afterwards=after)
    assert isinstance(next(running), Output), "what never began leaves nothing to be done"
    running.close()
    assert done.exists(), "it had more than the keeper's usual grace"
    done.unlink()


def test_words_arrive_as_they_are(children: Children) -> None:
    words = ["", " ", "'", '"', "$HOME", "`id`", "a\nb", "\\", "*", "-n", "=", "A=b", "한글"]
    argv = ["sh", "-c", 'for each in "$@"; do printf "%s\\0" "$each"; done', "sh", *words]
    for after in ([], ["sh", "-c", ":"]):
        told = said(children.run(argv, program=SHELL, limit_s=OVER_S, afterwards=after))
        assert told.split("\0")[:-1] == words


@pytest.mark.parametrize("argv", [[], [""], ["../sh"], ["/bin/sh"], ["-x"], ["A=b"], [".."], ["sh", "a\0b"]])
def test_what_is_no_command_line_is_refused(children: Children, argv: list[str]) -> None:
    with pytest.raises(Invalid):
        children.run(argv, program=SHELL, limit_s=1)


def test_a_folder_that_cannot_be_prepared_leaves_nothing(children: Children, temporary: Path) -> None:
    with pytest.raises(Unavailable, match="cannot prepare"):
        children.run(["sh"], program=SHELL, limit_s=1, files={"no/such": b"secret"})
    assert not list(temporary.glob("*/*"))


def test_after_closing_nothing_begins(children: Children) -> None:
    children.close()
    children.close()
    with pytest.raises(Unavailable, match="closed"):
        children.run(["sh"], program=SHELL, limit_s=1)


def test_closing_all_ends_what_runs(children: Children) -> None:
    mark = word()
    for _ in range(3):
        children.run(["sh", "-c", f"exec /bin/sleep {mark}"], program=SHELL, limit_s=60)
    children.close()
    assert not naming(mark)


PROGRAM = """
import sys
if sys.argv[2] == "gevent":
    from gevent import monkey
    monkey.patch_all()
import tempfile
from pathlib import Path
tempfile.tempdir = sys.argv[3]
from runtimes.child import Children
script = "echo ready; exec /bin/sleep " + sys.argv[1]
after = ["sh", "-c", "echo > " + sys.argv[3] + "/after"]
running = Children().run(
    ["sh", "-c", script], program=Path("/bin/sh"), limit_s=60, files={"key": b"private"}, afterwards=after)
for each in running:
    print(each.data.decode(), end="", flush=True)
"""


@pytest.mark.parametrize("threads", ["real", "gevent"])
def test_a_killed_server_leaves_nothing(threads: str, temporary: Path) -> None:
    mark = word()
    argv = [sys.executable, "-c", PROGRAM, mark, threads, str(temporary)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=HOUSE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        assert naming(mark)
        assert list(temporary.glob("*/*/given/key"))
        os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not naming(mark), "the program ended too", within_s=OVER_S)
    wait_for((temporary / "after").exists, "what comes afterwards came", within_s=OVER_S)
    Children().close()
    assert list(temporary.iterdir()) == [temporary / "after"], "the next start has swept the folder"
