"""Programs on this machine: kept as on another one, ended with their stream, with this process, or by their time."""

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
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Ended, Exit, Output
from connectors.errors import NotAvailable
from connectors.local import Local
from tests.engines.process import wait_for
from tests.unit.connectors.processes import naming

HOUSE = Path(__file__).resolve().parents[3]
OVER_S = 20.0


@pytest.fixture
def local() -> Iterator[Local]:
    """Give programs of this process, and see that none of its threads and processes is left."""
    before = set(threading.enumerate())
    made = Local()
    yield made
    made.close()
    assert set(threading.enumerate()) <= before


def test_output_comes_by_its_source_and_the_exit_last(local: Local) -> None:
    *said, last = local.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=OVER_S)
    assert {(each.source, each.data) for each in said if isinstance(each, Output)} == {
        ("stdout", b"out\n"),
        ("stderr", b"err\n"),
    }
    assert last == Exit(code=3)


@given(arguments=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=4))
def test_arguments_arrive_as_they_are(arguments: list[str]) -> None:
    local = Local()
    said = _stdout(local, ["printf", "%s\\0", "first", *arguments])
    local.close()
    assert said == b"".join(each.encode() + b"\0" for each in ["first", *arguments])


def test_input_is_given(local: Local) -> None:
    data = bytes(range(256)) * 2000
    assert _stdout(local, ["cat"], stdin=data) == data


def test_what_is_in_our_environment_stays_with_us(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSMODAL_ADMIN_PASSWORD", "hunter2")
    said = _stdout(local, ["env"])
    assert b"hunter2" not in said
    assert b"PATH=" in said


def test_the_time_limit_ends_it_and_says_so(local: Local) -> None:
    word = _word()
    (last,) = local.run(["sleep", word], timeout_s=0.5)
    assert last == Exit(code=None, reason=Ended.TIMEOUT, sentence="It was ended after 0.5 s.")
    wait_for(lambda: not naming(word), "it is gone", within_s=OVER_S)


def test_closing_the_stream_ends_it(local: Local) -> None:
    word = _word()
    running = local.run(["sleep", word], timeout_s=OVER_S)
    wait_for(lambda: bool(naming(word)), "it runs")
    running.close()
    running.close()
    assert list(running) == []
    wait_for(lambda: not naming(word), "it is gone", within_s=OVER_S)


def test_a_reader_that_waits_gets_out_when_another_thread_closes(local: Local) -> None:
    running = local.run(["sleep", _word()], timeout_s=OVER_S)
    reader = threading.Thread(target=lambda: list(running))
    reader.start()
    running.close()
    reader.join(2)
    assert not reader.is_alive()


def test_closing_all_leaves_nothing_of_them(local: Local) -> None:
    word = _word()
    for _ in range(3):
        local.run(["sleep", word], timeout_s=OVER_S)
    local.close()
    assert not naming(word)


def test_a_slow_reader_slows_the_program_down(local: Local, tmp_path: Path) -> None:
    count = 20_000_000
    running = local.run(["sh", "-c", f"head -c {count} /dev/zero; touch {tmp_path}/over"], timeout_s=OVER_S)
    got = 0
    for each in running:
        if isinstance(each, Output):
            got += len(each.data)
            assert got > count - 1_000_000 or not (tmp_path / "over").exists(), "somebody took it all"
    assert got == count


def test_a_program_that_does_not_exist_is_an_exit_status(local: Local) -> None:
    *said, last = local.run(["nonsuch-program"], timeout_s=OVER_S)
    assert last == Exit(code=127)
    assert b"not found" in b"".join(each.data for each in said if isinstance(each, Output))


def test_a_signal_is_told(local: Local) -> None:
    (last,) = local.run(["sh", "-c", "kill -9 $$"], timeout_s=OVER_S)
    assert last == Exit(code=137, sentence="It was ended by SIGKILL.")


def test_an_output_that_a_daemon_holds_does_not_keep_the_stream(local: Local) -> None:
    began = time.monotonic()
    apart = 'until [ "$(cut -d" " -f6 /proc/$!/stat)" = $! ]; do :; done'
    *_, last = local.run(["sh", "-c", f"setsid sleep 6 & {apart}; exit 4"], timeout_s=OVER_S)
    assert last == Exit(code=4)
    assert time.monotonic() - began < 5.5


def test_an_argument_with_a_nul_is_refused(local: Local) -> None:
    with pytest.raises(NotAvailable, match="NUL"):
        local.run(["echo", "\0"], timeout_s=1)


PROGRAM = """
import sys
if sys.argv[2] == "gevent":
    from gevent import monkey
    monkey.patch_all()
from connectors.local import Local
running = Local().run(["sh", "-c", "echo ready; exec sleep " + sys.argv[1]], timeout_s=60)
for each in running:
    print(each.data.decode(), end="", flush=True)
"""


@pytest.mark.parametrize("threads", ["real", "gevent"])
def test_a_killed_server_takes_its_programs_with_it(threads: str) -> None:
    word = _word()
    server = subprocess.Popen([sys.executable, "-c", PROGRAM, word, threads], stdout=subprocess.PIPE, cwd=HOUSE)
    with server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        assert naming(word)
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: not naming(word), "the program ended too", within_s=OVER_S)


def _stdout(local: Local, argv: list[str], *, stdin: bytes = b"") -> bytes:
    said = local.run(argv, timeout_s=OVER_S, stdin=stdin)
    return b"".join(each.data for each in said if isinstance(each, Output) and each.source == "stdout")


def _word() -> str:
    """Give a number of seconds that no other test sleeps."""
    return f"7{time.monotonic_ns() % 10**8:08d}"
