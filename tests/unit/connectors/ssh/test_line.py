from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from connectors.base import Phase
from connectors.errors import Forbidden, LoginRefused, Unreachable
from connectors.options import Hop, Identity
from connectors.ssh import carrier, dialling, hearing, trunk
from connectors.ssh.carrier import Carrier
from connectors.ssh.hearing import PULSE_S
from connectors.ssh.line import Line, Lines
from connectors.ssh.trunk import SILENT_S
from tests.engines import sshd
from tests.engines.process import wait_for
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to, says, session, threads_of_lines


def logins(server: sshd.Sshd) -> int:
    """Count who has signed in so far."""
    return server.daemon.log.read_text().count("Accepted ")


def facts(line: Line) -> dict[str, str]:
    return dict(line.standing().facts)


@contextlib.contextmanager
def far_port(reply: bytes = b"far") -> Iterator[int]:
    """Listen on a port that the far host can reach, and greet everybody who connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def greet() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    near, _ = server.accept()
                    with near:
                        near.sendall(reply)

        greeter = threading.Thread(target=greet, name="greeter")
        greeter.start()
        yield server.getsockname()[1]
        over.set()
        greeter.join(10)


def to_port(port: int):  # type: ignore[no-untyped-def]
    def ask(transport: Carrier, timeout_s: float) -> paramiko.Channel:
        return transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=timeout_s)

    return ask


class TestSharing:
    def test_a_line_dials_nothing_until_it_is_used(self, start_sshd: StartSshd, lines: Lines) -> None:
        server = start_sshd()
        line = lines.line((hop_to(server),))

        assert line.standing().phase is Phase.IDLE
        assert logins(server) == 0
        assert says(line) == "hello\n"
        assert line.standing().phase is Phase.UP
        assert facts(line)["server"].startswith("SSH-2.0-OpenSSH")

    def test_all_who_take_the_same_way_share_one_login(self, start_sshd: StartSshd, lines: Lines) -> None:
        server = start_sshd()
        people = [threading.Thread(target=says, args=(lines.line((hop_to(server),)),)) for _ in range(8)]
        for person in people:
            person.start()
        for person in people:
            person.join(30)

        assert logins(server) == 1

    def test_the_last_who_leaves_ends_the_line(self, start_sshd: StartSshd, lines: Lines) -> None:
        first, second = (lines.line((hop_to(start_sshd()),)) for _ in "ab")
        other = lines.line(first._trunk.hops)
        says(first)

        first.close()
        first.close()

        assert says(other) == "hello\n"
        other.close()
        wait_for(lambda: threads_of_lines() == ["ssh-clock"], "the transport ended", within_s=10)
        with pytest.raises(Unreachable, match="was closed"):
            says(other)
        second.close()

    def test_a_jump_host_is_shared_by_those_behind_it(self, start_sshd: StartSshd, lines: Lines) -> None:
        edge, one, two = start_sshd(), start_sshd(), start_sshd()
        ways = [lines.line((hop_to(edge), hop_to(far))) for far in (one, two)]

        assert [says(way) for way in ways] == ["hello\n"] * 2
        assert says(lines.line((hop_to(edge),))) == "hello\n"

        assert [logins(server) for server in (edge, one, two)] == [1, 1, 1]
        assert facts(ways[0])["through"] == f"127.0.0.1:{edge.port}"

    def test_three_jump_hosts_carry(self, start_sshd: StartSshd, lines: Lines) -> None:
        hops = tuple(hop_to(start_sshd()) for _ in range(4))

        assert says(lines.line(hops)) == "hello\n"

    def test_closing_the_lines_ends_every_thread(self, ssh_host: sshd.Sshd, tmp_path: Path) -> None:
        lines = Lines(tmp_path)
        says(lines.line((hop_to(ssh_host), hop_to(ssh_host))))

        lines.close()
        lines.close()

        wait_for(lambda: not threads_of_lines(), "the threads ended", within_s=5)
        with pytest.raises(Unreachable):
            lines.line((hop_to(ssh_host),))


class TestLoss:
    def test_a_transport_that_was_killed_is_opened_again_by_the_next_use(
        self, start_sshd: StartSshd, lines: Lines
    ) -> None:
        server = start_sshd()
        line, ups = lines.line((hop_to(server),)), []
        line.on_up(lambda: ups.append(1))
        streaming = line.channel(session, party="a", timeout_s=10, session=True)
        streaming.exec_command("echo begun; cat")
        assert streaming.recv(6) == b"begun\n"

        sshd.sweep_connections(server.daemon)

        assert streaming.recv(1) == b""  # the stream ends, it does not hang
        wait_for(lambda: line.standing().phase is Phase.DOWN, "the loss was noticed", within_s=5)
        assert "was lost" in line.standing().sentence
        # It lived shorter than 10 s, so it counts as a failed try and the next one waits a moment.
        wait_for(lambda: not with_problem(line), "the line is up again", within_s=10)
        assert len(ups) == 2
        wait_for(lambda: facts(line)["sessions"].startswith("0 of"), "the places were given back", within_s=5)

    def test_a_lost_jump_host_is_dialled_again_for_those_behind_it(self, start_sshd: StartSshd, lines: Lines) -> None:
        edge, far = start_sshd(), start_sshd()
        line = lines.line((hop_to(edge), hop_to(far)))
        says(line)

        sshd.sweep_connections(edge.daemon)

        wait_for(lambda: line.standing().phase is Phase.DOWN, "the loss was noticed", within_s=5)
        wait_for(lambda: not with_problem(line), "the line is up again", within_s=10)
        assert [logins(server) for server in (edge, far)] == [2, 2]

    def test_a_host_that_is_gone_is_unreachable_and_found_again(self, start_sshd: StartSshd, lines: Lines) -> None:
        server = start_sshd()
        line = lines.line((hop_to(server),))
        server.kill()

        with pytest.raises(Unreachable, match="connection refused"):
            says(line)
        assert line.standing().phase is Phase.DOWN
        server.daemon.start()

        wait_for(lambda: not with_problem(line), "the line is up again", within_s=5)

    @pytest.mark.parametrize(
        ("pulse_s", "silent_s"), [(0.3, 1.0), pytest.param(PULSE_S, SILENT_S, marks=pytest.mark.exhaustive)]
    )
    def test_a_link_that_drops_everything_is_noticed_within_20_s(
        self, start_sshd: StartSshd, lines: Lines, monkeypatch: pytest.MonkeyPatch, pulse_s: float, silent_s: float
    ) -> None:
        monkeypatch.setattr(hearing, "PULSE_S", pulse_s)
        monkeypatch.setattr(trunk, "SILENT_S", silent_s)
        server = start_sshd()
        line = lines.line((hop_to(server),))
        says(line)
        began = time.monotonic()
        with stopped(server):
            wait_for(lambda: line.standing().phase is Phase.DOWN, "the dead link was noticed", within_s=20)

        assert f"no sign of life for {silent_s:g} s" in line.standing().sentence
        assert time.monotonic() - began > silent_s / 2  # it was asked, and given time

    @pytest.mark.parametrize("jump", [False, True], ids=["one-hop", "jump"])
    def test_a_link_that_dies_under_load_lets_go_of_who_writes_into_it(
        self, start_sshd: StartSshd, lines: Lines, monkeypatch: pytest.MonkeyPatch, jump: bool
    ) -> None:
        monkeypatch.setattr(hearing, "PULSE_S", 0.5)
        monkeypatch.setattr(trunk, "SILENT_S", 2.0)
        edge, far = start_sshd(), start_sshd()
        line = lines.line((hop_to(edge), hop_to(far)) if jump else (hop_to(edge),))
        writing = line.channel(session, party="a", timeout_s=10, session=True)
        writing.exec_command("cat >/dev/null")
        ended = threading.Event()

        def write() -> None:
            with contextlib.suppress(OSError, EOFError):
                while True:
                    writing.sendall(b"x" * 65536)
            ended.set()

        writer = threading.Thread(target=write, name="writer")
        with stopped(edge):
            writer.start()
            wait_for(lambda: line.standing().phase is Phase.DOWN, "the dead link was noticed", within_s=10)
            assert ended.wait(10)
        writer.join(10)
        wait_for(lambda: not with_problem(line), "the line is up again", within_s=10)

    def test_a_line_that_is_being_dialled_can_be_closed(self, lines: Lines) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            hop = Hop(host="127.0.0.1", port=silent.getsockname()[1], user="a", identity=Identity(password="x"))
            line = lines.line((hop, hop))
            with pytest.raises(Unreachable, match="still being opened"):
                line.channel(session, party="a", timeout_s=0.3)

            began = time.monotonic()
            line.close()

            assert time.monotonic() - began < 3
            wait_for(lambda: threads_of_lines() == ["ssh-clock"], "the dialling ended", within_s=5)

    def test_a_transport_forgets_channels_of_long_ago_and_none_that_is_open(
        self, ssh_host: sshd.Sshd, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(carrier, "SEEN_MAX", 10)
        line = lines.line((hop_to(ssh_host),))
        held = line.channel(session, party="a", timeout_s=10, session=True)
        held.exec_command("cat")
        with far_port() as port:
            for _ in range(25):
                line.channel(to_port(port), party="a", timeout_s=10).close()

        held.sendall(b"still here")

        assert held.recv(20) == b"still here"
        assert len(held.get_transport().channels_seen) <= 10
        held.close()

    def test_a_line_that_nobody_uses_is_given_back(self, ssh_host: sshd.Sshd, tmp_path: Path) -> None:
        with contextlib.closing(Lines(tmp_path, idle_s=0.5)) as lines:
            line = lines.line((hop_to(ssh_host), hop_to(ssh_host)))
            held = line.channel(session, party="a", timeout_s=10, session=True)
            held.exec_command("cat")
            time.sleep(2.5)
            assert line.standing().phase is Phase.UP  # somebody uses it

            held.close()

            wait_for(lambda: line.standing().phase is Phase.IDLE, "the line was given back", within_s=10)
            assert says(line) == "hello\n"

    def test_a_quiet_line_that_answers_is_kept(
        self, ssh_host: sshd.Sshd, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hearing, "PULSE_S", 0.3)
        monkeypatch.setattr(trunk, "SILENT_S", 1.0)
        line = lines.line((hop_to(ssh_host),))
        says(line)

        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert line.standing().phase is Phase.UP
            time.sleep(0.05)


@contextlib.contextmanager
def stopped(server: sshd.Sshd) -> Iterator[None]:
    """Let the open connections of a server answer nothing, while its kernel goes on acknowledging."""
    before = Path(f"/proc/{server.daemon.pid}/task/{server.daemon.pid}/children").read_text().split()
    for pid in before:
        os.kill(int(pid), signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in before:
            os.kill(int(pid), signal.SIGCONT)


def with_problem(line: Line) -> str:
    """Try to use a line; give what went wrong, empty when nothing did."""
    try:
        return "" if says(line) == "hello\n" else "it said something else"
    except Unreachable as problem:
        return problem.sentence


class TestFaults:
    def test_a_bastion_that_accepts_and_hangs_is_given_up(self, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dialling, "BANNER_S", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            hop = Hop(host="127.0.0.1", port=silent.getsockname()[1], user="a", identity=Identity(password="x"))

            with pytest.raises(Unreachable, match="accepts connections, but said nothing"):
                says(lines.line((hop,)))

    @pytest.mark.parametrize(
        ("greeting", "sentence"),
        [
            (b"", "ended the connection before it said anything"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no SSH server|ended the connection"),
            (b"\xff\xfe\n", "is no SSH server"),
            (b"SSH-1.5-old\r\n", "speaks no cipher|no SSH server"),
        ],
    )
    def test_what_is_no_ssh_server_is_told(self, lines: Lines, greeting: bytes, sentence: str) -> None:
        with far_port(greeting) as port:
            hop = Hop(host="127.0.0.1", port=port, user="a", identity=Identity(password="x"))

            with pytest.raises(Unreachable, match=sentence):
                says(lines.line((hop,)))

    def test_a_server_that_hangs_in_the_handshake_is_given_up(
        self, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialling, "BANNER_S", 0.5)
        monkeypatch.setattr(dialling, "HANDSHAKE_S", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as server:

            def greet() -> None:
                near, _ = server.accept()
                with near:
                    near.sendall(b"SSH-2.0-hanging\r\n")
                    near.settimeout(20)
                    while near.recv(4096):
                        pass

            hanging = threading.Thread(target=greet, name="hanging")
            hanging.start()
            hop = Hop(host="127.0.0.1", port=server.getsockname()[1], user="a", identity=Identity(password="x"))

            with pytest.raises(Unreachable, match="did not finish the handshake"):
                says(lines.line((hop,)))
            hanging.join(20)

    def test_a_host_that_drops_packets_is_given_up(self, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dialling, "CONNECT_S", 0.5)
        with contextlib.ExitStack() as held:
            full = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(2):  # whoever comes when the queue is full gets no answer at all
                waiting = held.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            hop = Hop(host="127.0.0.1", port=full.getsockname()[1], user="a", identity=Identity(password="x"))

            with pytest.raises(Unreachable, match=r"did not answer within 0\.5 s"):
                says(lines.line((hop,)))

    def test_a_name_that_does_not_exist_is_told(self, lines: Lines) -> None:
        hop = Hop(host="nowhere.invalid", user="a", identity=Identity(password="x"))

        with pytest.raises(Unreachable, match="No address is known"):
            says(lines.line((hop,)))

    def test_a_jump_host_that_forbids_forwarding_is_told(self, start_sshd: StartSshd, lines: Lines) -> None:
        edge, far = start_sshd("AllowTcpForwarding no"), start_sshd()

        with pytest.raises(Forbidden, match="does not allow a connection to 127") as forbidden:
            says(lines.line((hop_to(edge), hop_to(far))))
        assert "AllowTcpForwarding" in forbidden.value.hint

    def test_a_host_behind_the_jump_that_nobody_serves_is_told(self, ssh_host: sshd.Sshd, lines: Lines) -> None:
        far = hop_to(ssh_host, port=sshd.free_port())

        with pytest.raises(Unreachable, match=r"jump host does not reach 127\.0\.0\.1:.*Connection refused"):
            says(lines.line((hop_to(ssh_host), far)))

    def test_a_refused_login_is_not_tried_again_until_its_pause_is_over(
        self, start_sshd: StartSshd, lines: Lines, tmp_path: Path
    ) -> None:
        server, wrong = start_sshd("LogLevel VERBOSE"), sshd.make_key(tmp_path / "wrong")
        line = lines.line((hop_to(server, identity=Identity(key=wrong.read_text())),))

        def refused() -> str:
            with pytest.raises(LoginRefused) as problem:
                says(line)
            return problem.value.sentence

        assert len({refused() for _ in range(20)}) == 1
        assert server.daemon.log.read_text().count("Failed publickey") == 1
        assert "next try" in facts(line)

        line.again()  # a person who mended something asks
        refused()
        assert server.daemon.log.read_text().count("Failed publickey") == 2

    def test_a_refused_login_is_not_tried_by_another_worker_either(self, start_sshd: StartSshd, tmp_path: Path) -> None:
        server, wrong = start_sshd("LogLevel VERBOSE"), sshd.make_key(tmp_path / "wrong")
        hop = hop_to(server, identity=Identity(key=wrong.read_text()))

        def refused(hop: Hop = hop) -> LoginRefused:
            with contextlib.closing(Lines(tmp_path / "shared")) as worker:
                with pytest.raises(LoginRefused) as problem:
                    says(worker.line((hop,)))
                return problem.value

        first, second = refused(), refused()

        assert (second.sentence, second.hint) == (first.sentence, first.hint)
        assert server.daemon.log.read_text().count("Failed publickey") == 1
        refused(dataclasses.replace(hop, user="somebody else"))  # another login is another matter
        with contextlib.closing(Lines(tmp_path / "shared")) as worker:
            assert says(worker.line((hop_to(server),))) == "hello\n"
        kept = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
        assert kept
        assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
        assert not any(line in path.read_text(errors="replace") for path in kept for line in secret_lines(wrong))

    def test_a_caller_in_a_hurry_does_not_end_the_dialling_for_the_others(
        self, start_sshd: StartSshd, lines: Lines
    ) -> None:
        server = start_sshd()
        line = lines.line((hop_to(server),))

        with pytest.raises(Unreachable, match="still being opened"):
            line.channel(session, party="a", timeout_s=0.001, session=True)

        assert says(line) == "hello\n"
        assert logins(server) == 1


def secret_lines(key: Path) -> list[str]:
    return key.read_text().splitlines()[1:-1]


class TestChannels:
    def test_a_server_with_one_session_is_learned_and_told(self, start_sshd: StartSshd, lines: Lines) -> None:
        line = lines.line((hop_to(start_sshd("MaxSessions 1")),))
        held = line.channel(session, party="a", timeout_s=10, session=True)
        held.exec_command("cat")

        with pytest.raises(Forbidden, match="allows 1 at once") as forbidden:
            line.channel(session, party="b", timeout_s=1, session=True)
        assert "MaxSessions" in forbidden.value.hint
        assert facts(line)["sessions"] == "1 of 1"

        held.close()
        assert [says(line) for _ in range(3)] == ["hello\n"] * 3  # one after the other

    def test_a_server_without_sessions_is_told(self, start_sshd: StartSshd, lines: Lines) -> None:
        line = lines.line((hop_to(start_sshd("MaxSessions 0")),))

        with pytest.raises(Forbidden, match="allows none"):
            line.channel(session, party="b", timeout_s=1, session=True)

    def test_everybody_gets_a_session_of_a_server_that_allows_one(self, start_sshd: StartSshd, lines: Lines) -> None:
        line, said = lines.line((hop_to(start_sshd("MaxSessions 1")),)), []
        people = [
            threading.Thread(target=lambda party=party: said.append(says(line, party=party, timeout_s=40)))
            for party in "aaaaaabc"
        ]
        for person in people:
            person.start()
        for person in people:
            person.join(60)

        assert said == ["hello\n"] * len(people)

    def test_a_forwarding_that_is_forbidden_is_told(self, start_sshd: StartSshd, lines: Lines) -> None:
        line = lines.line((hop_to(start_sshd("AllowTcpForwarding no")),))

        with far_port() as port, pytest.raises(Forbidden, match="does not allow this forwarding"):
            line.channel(to_port(port), party="a", timeout_s=10)
        assert says(line) == "hello\n"
        assert facts(line)["channels"].startswith("0 of")

    def test_of_many_refused_at_once_each_hears_its_own_reason(self, start_sshd: StartSshd, lines: Lines) -> None:
        with far_port() as port:
            line = lines.line((hop_to(start_sshd(f"PermitOpen 127.0.0.1:{port} 127.0.0.1:1")),))
            heard: list[tuple[int, str]] = []

            def ask(target: int) -> None:
                try:
                    line.channel(to_port(target), party="a", timeout_s=20).close()
                    heard.append((target, "open"))
                except (Forbidden, Unreachable) as problem:
                    heard.append((target, type(problem).__name__))

            people = [threading.Thread(target=ask, args=(target,)) for target in (port, 1, 2) * 8]
            for person in people:
                person.start()
            for person in people:
                person.join(30)

        expected = {port: "open", 1: "Unreachable", 2: "Forbidden"}
        assert sorted(heard) == sorted((target, expected[target]) for target in (port, 1, 2) * 8)

    def test_a_place_is_given_back_when_both_sides_have_closed(self, ssh_host: sshd.Sshd, lines: Lines) -> None:
        line = lines.line((hop_to(ssh_host),))
        with far_port(b"bye") as port:
            channel = line.channel(to_port(port), party="a", timeout_s=10)
            assert channel.recv(10) == b"bye"
            assert channel.recv(10) == b""
            assert facts(line)["channels"].startswith("1 of")

            channel.close()

            wait_for(lambda: facts(line)["channels"].startswith("0 of"), "the place is free", within_s=10)

    def test_a_place_is_given_back_though_the_program_at_the_far_side_goes_on(
        self, ssh_host: sshd.Sshd, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(carrier, "ACKNOWLEDGED_S", 0.5)
        line = lines.line((hop_to(ssh_host),))
        channel = line.channel(session, party="a", timeout_s=10, session=True)
        channel.exec_command("sleep 3")

        channel.close()

        wait_for(lambda: facts(line)["sessions"].startswith("0 of"), "the place is free", within_s=2.8)

    def test_a_place_is_given_back_when_a_channel_is_forgotten(self, ssh_host: sshd.Sshd, lines: Lines) -> None:
        line = lines.line((hop_to(ssh_host),))
        channel = line.channel(session, party="a", timeout_s=10, session=True)
        assert facts(line)["sessions"].startswith("1 of")

        del channel
        gc.collect()

        assert facts(line)["sessions"].startswith("0 of")

    def test_a_place_is_given_back_when_the_question_fails(self, ssh_host: sshd.Sshd, lines: Lines) -> None:
        line = lines.line((hop_to(ssh_host),))

        def break_down(transport: Carrier, timeout_s: float) -> paramiko.Channel:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            line.channel(break_down, party="a", timeout_s=10)
        assert facts(line)["channels"].startswith("0 of")
