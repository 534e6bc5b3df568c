"""Programs on a real SSH host: exact arguments, no noise, and an end on the far side whatever happens to the line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Ended, Exit, Output
from connectors.errors import ConnectionProblem, Forbidden, NotAvailable
from connectors.options import Hop
from connectors.ssh.command import Commands
from connectors.ssh.line import Line, Lines
from tests.engines import sshd
from tests.engines.process import wait_for
from tests.unit.connectors.processes import naming
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to, says

HOUSE = Path(__file__).resolve().parents[4]
OVER_S = 20.0
ANY = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
NASTY = st.text(st.sampled_from(" '\"$()`\\\n\r\t;&|<>!*?[]{}#~=%é\x7f\x01"), max_size=12)
Host = Callable[[Hop], Commands]


@pytest.fixture
def host(lines: Lines) -> Iterator[Host]:
    """Give commands on a host; no thread and no remote process of them may be left."""
    made: list[tuple[Commands, Line]] = []

    def commands(hop: Hop) -> Commands:
        line = lines.line((hop,))
        made.append((Commands(line, host=hop.host), line))
        return made[-1][0]

    yield commands
    for each, line in made:
        each.close()
        line.close()


@pytest.fixture
def commands(host: Host, ssh_host: sshd.Sshd) -> Commands:
    return host(hop_to(ssh_host))


def test_output_comes_by_its_source_and_the_exit_last(commands: Commands) -> None:
    *said, last = commands.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=OVER_S)
    assert {(each.source, each.data) for each in said if isinstance(each, Output)} == {
        ("stdout", b"out\n"),
        ("stderr", b"err\n"),
    }
    assert last == Exit(code=3)


@given(arguments=st.lists(ANY | NASTY, max_size=5))
@settings(max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arguments_arrive_as_they_are(commands: Commands, arguments: list[str]) -> None:
    assert _told(commands, arguments) == [each.encode() for each in arguments]


def test_input_is_given_and_ends(commands: Commands) -> None:
    data = bytes(range(256)) * 2000
    assert _stdout(commands, ["cat"], stdin=data) == data


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ("kill -9 $$", Exit(code=137, sentence="It was ended by SIGKILL.")),
        ("kill -TERM $$", Exit(code=143, sentence="It was ended by SIGTERM.")),
        ("exit 255", Exit(code=255)),
    ],
)
def test_how_it_ended_is_told(commands: Commands, script: str, last: Exit) -> None:
    assert list(commands.run(["sh", "-c", script], timeout_s=OVER_S)) == [last]


def test_an_argument_with_a_nul_is_refused_before_anything_is_dialled(commands: Commands) -> None:
    with pytest.raises(NotAvailable, match="NUL"):
        commands.run(["echo", "a\0b"], timeout_s=1)


NOISE = {
    "/bin/bash": (".bashrc", "echo Welcome; printf 'no end'; echo oops >&2; head -c 300000 /dev/zero; set -x\n"),
    "/bin/zsh": (".zshenv", "echo Welcome; printf 'no end'; echo oops >&2; set -x\n"),
    "/bin/tcsh": (".tcshrc", "echo Welcome; echo -n 'no end'; set echo\n"),
    "/usr/bin/fish": (".config/fish/config.fish", "echo Welcome; printf 'no end'; echo oops >&2\n"),
}


@pytest.mark.parametrize("shell", NOISE)
def test_what_the_login_shell_says_is_no_output(start_sshd: StartSshd, host: Host, lines: Lines, shell: str) -> None:
    if not Path(shell).exists():
        pytest.skip(f"no {shell} on this machine")
    server = start_sshd(passwords={"ann": "x"}, shell=shell)
    name, text = NOISE[shell]
    file = sshd.home_of(server.folder, "ann") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    hop = hop_to(server, user="ann")
    assert "Welcome" in says(lines.line((hop,))), "the shell is not noisy"
    commands = host(hop)
    arguments = ["", "a b", "it's", '"', "$(id)", "`id`", "x\n y\n", "\\", ";", "!x", "*", "é", "~", "{a,b}"]
    assert _told(commands, arguments) == [each.encode() for each in arguments]
    assert [*commands.run(["sh", "-c", "echo mine >&2"], timeout_s=OVER_S)] == [
        Output("stderr", b"mine\n"),
        Exit(code=0),
    ]


def test_an_account_that_runs_nothing_is_refused_with_its_words(start_sshd: StartSshd, host: Host) -> None:
    server = start_sshd(passwords={"ann": "x"}, shell="/usr/sbin/nologin")
    with pytest.raises(Forbidden, match="account is currently not available"):
        host(hop_to(server, user="ann")).run(["true"], timeout_s=OVER_S)


def test_a_forced_command_is_refused_with_its_words(start_sshd: StartSshd, host: Host) -> None:
    server = start_sshd("ForceCommand echo only backups here; exit 3")
    with pytest.raises(Forbidden, match='said "only backups here"'):
        host(hop_to(server)).run(["true"], timeout_s=OVER_S)


def test_a_login_shell_that_waits_for_something_is_told(start_sshd: StartSshd, host: Host) -> None:
    server = start_sshd("ForceCommand sleep 30")
    began = time.monotonic()
    with pytest.raises(ConnectionProblem, match="did not begin to run"):
        host(hop_to(server)).run(["true"], timeout_s=1)
    assert time.monotonic() - began < 10


STUBBORN = "trap '' TERM; while :; do sleep 1 {word}; done"


@pytest.mark.parametrize("script", ["exec sleep {word}", STUBBORN, "sleep {word} & wait"])
def test_the_time_limit_ends_it_there(commands: Commands, script: str) -> None:
    word = _word()
    (last,) = commands.run(["sh", "-c", script.format(word=word)], timeout_s=1)
    assert last == Exit(code=None, reason=Ended.TIMEOUT, sentence="It was ended after 1 s.")
    wait_for(lambda: not naming(word), "the program ended", within_s=OVER_S)


@pytest.mark.parametrize("script", ["exec sleep {word}", "sleep {word} & wait"])
def test_closing_the_stream_ends_it_there(commands: Commands, script: str) -> None:
    word = _word()
    running = commands.run(["sh", "-c", script.format(word=word)], timeout_s=OVER_S)
    wait_for(lambda: bool(naming(word)), "it runs")
    running.close()
    running.close()
    assert list(running) == []
    wait_for(lambda: not naming(word), "the program ended", within_s=OVER_S)


def test_a_reader_that_waits_gets_out_when_another_thread_closes(commands: Commands) -> None:
    running = commands.run(["sleep", _word()], timeout_s=OVER_S)
    reader = threading.Thread(target=lambda: list(running))
    reader.start()
    running.close()
    reader.join(2)
    assert not reader.is_alive()


def test_a_transport_that_is_killed_is_told_as_a_loss(commands: Commands, start_sshd: StartSshd, host: Host) -> None:
    server, word = start_sshd(), _word()
    running = host(hop_to(server)).run(["sh", "-c", f"echo ready; exec sleep {word}"], timeout_s=OVER_S)
    assert next(running) == Output("stdout", b"ready\n")
    sshd.sweep_connections(server.daemon)
    (last,) = running
    assert isinstance(last, Exit)
    assert (last.code, last.reason) == (None, Ended.LOST)
    assert "not known" in last.sentence
    wait_for(lambda: not naming(word), "the program ended", within_s=OVER_S)


def test_what_a_silent_loss_left_is_swept_when_the_line_is_up_again(start_sshd: StartSshd, lines: Lines) -> None:
    """The far sshd hangs and hears of nothing: only a sweep can end the program before its time limit does."""
    server, word = start_sshd(), _word()
    line = lines.line((hop_to(server),))
    commands = Commands(line, host="test")
    running = commands.run(["sh", "-c", f"echo ready; exec sleep {word}"], timeout_s=300)
    assert next(running) == Output("stdout", b"ready\n")
    hanging = Path(f"/proc/{server.daemon.pid}/task/{server.daemon.pid}/children").read_text().split()
    for pid in hanging:
        os.kill(int(pid), signal.SIGSTOP)
    line._trunk._carrier.end()
    (last,) = running
    assert isinstance(last, Exit)
    assert last.reason is Ended.LOST
    assert naming(word)
    wait_for(
        lambda: _stdout_or_none(commands, ["echo", "again"]) == b"again\n", "the line is up again", within_s=OVER_S
    )
    wait_for(lambda: not naming(word), "the program was swept", within_s=OVER_S)
    commands.close()
    line.close()


PROGRAM = """
import sys
if sys.argv[6] == "gevent":
    from gevent import monkey
    monkey.patch_all()
from pathlib import Path
from connectors import Connectors
from connectors.options import Hop, Identity, SshOptions
port, user, key, known, word = sys.argv[1:6]
hop = Hop(host="127.0.0.1", port=int(port), user=user, identity=Identity(key=Path(key).read_text()),
          known_hosts=Path(known).read_text())
connection = Connectors(Path(known).parent / "run").open(SshOptions(hops=(hop,)))
for each in connection.run(["sh", "-c", "echo ready; exec sleep " + word], timeout_s=60):
    print(each.data.decode(), end="", flush=True)
"""


@pytest.mark.parametrize("threads", ["real", "gevent"])
def test_a_killed_server_takes_its_programs_with_it(ssh_host: sshd.Sshd, threads: str) -> None:
    word = _word()
    given_words = map(str, (ssh_host.port, ssh_host.user, ssh_host.key, ssh_host.known_hosts, word, threads))
    argv = [sys.executable, "-c", PROGRAM, *given_words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=HOUSE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        assert naming(f"sleep\0{word}")
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: not naming(f"sleep\0{word}"), "the program ended too", within_s=OVER_S)


def test_a_slow_reader_slows_the_program_down(commands: Commands, tmp_path: Path) -> None:
    count = 30_000_000
    running = commands.run(["sh", "-c", f"head -c {count} /dev/zero; touch {tmp_path}/over"], timeout_s=OVER_S)
    got = 0
    for each in running:
        if isinstance(each, Output):
            got += len(each.data)
            assert got > count - 8_000_000 or not (tmp_path / "over").exists(), "somebody took it all"
    assert got == count


def test_both_outputs_come_however_much_is_in_one(commands: Commands) -> None:
    script = "head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2"
    counts = {"stdout": 0, "stderr": 0}
    for each in commands.run(["sh", "-c", script], timeout_s=OVER_S):
        if isinstance(each, Output):
            counts[each.source] += len(each.data)
    assert counts == {"stdout": 5_000_000, "stderr": 10_000_000}


def test_a_program_that_closes_its_outputs_runs_on(commands: Commands) -> None:
    assert list(commands.run(["sh", "-c", "exec >&- 2>&-; sleep 1; exit 5"], timeout_s=OVER_S)) == [Exit(code=5)]


def test_an_output_that_a_daemon_holds_does_not_keep_the_stream(commands: Commands) -> None:
    apart = 'until [ "$(cut -d" " -f6 /proc/$!/stat)" = $! ]; do :; done'
    began = time.monotonic()
    (last,) = commands.run(["sh", "-c", f"setsid sleep 6 & {apart}; exit 4"], timeout_s=OVER_S)
    assert last == Exit(code=4)
    assert time.monotonic() - began < 5.5


def test_one_session_at_a_time_is_enough(start_sshd: StartSshd, host: Host) -> None:
    commands = host(hop_to(start_sshd("MaxSessions 1")))
    said: list[bytes] = []

    def run(number: int) -> None:
        said.append(_stdout(commands, ["sh", "-c", f"sleep 0.2; echo {number}"]))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(OVER_S)
    assert sorted(said) == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_closing_all_ends_all(commands: Commands) -> None:
    word = _word()
    for _ in range(3):
        commands.run(["sleep", word], timeout_s=OVER_S)
    wait_for(lambda: len(naming(f"sleep\0{word}")) == 3, "they run", within_s=OVER_S)
    commands.close()
    wait_for(lambda: not naming(word), "the programs ended", within_s=OVER_S)


def _told(commands: Commands, arguments: list[str]) -> list[bytes]:
    """Let a program print its arguments, each with a NUL behind it."""
    said = _stdout(commands, ["printf", "%s\\0", "first", *arguments])
    return said.removesuffix(b"\0").split(b"\0")[1:]


def _stdout(commands: Commands, argv: list[str], *, stdin: bytes = b"") -> bytes:
    said = commands.run(argv, timeout_s=OVER_S, stdin=stdin)
    return b"".join(each.data for each in said if isinstance(each, Output) and each.source == "stdout")


def _stdout_or_none(commands: Commands, argv: list[str]) -> bytes | None:
    try:
        return _stdout(commands, argv)
    except ConnectionProblem:
        return None


def _word() -> str:
    """Give a number of seconds that no other test sleeps."""
    return f"7{time.monotonic_ns() % 10**8:08d}"
