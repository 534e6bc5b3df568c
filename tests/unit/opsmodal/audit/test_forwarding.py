"""Rows reach every kind of target in order and without loss, whatever the receiver does; repeats have their number."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsmodal.audit import Audit, Row, forwarder, to_syslog, to_webhook
from opsmodal.audit.checking import check
from opsmodal.audit.exporting import json_lines
from opsmodal.audit.forwarder import Forwarder, head_line, row_line
from opsmodal.audit.forwarding import Forwarding, ForwardingFigures, opened
from opsmodal.audit.heads import Signer
from opsmodal.audit.positions import Positions
from opsmodal.audit.reading import AuditLog
from opsmodal.audit.targets import Line, NotTaken, Target, checked
from opsmodal.audit.to_file import ToFile
from opsmodal.audit.to_syslog import framed, local_message, message
from opsmodal.permissions import Actor
from opsmodal.settings import Settings
from opsmodal.store import Store, Vault
from tests.engines.process import own_folder
from tests.unit.opsmodal.audit.receivers import Collector, Webhook, body_of, certified, datagrams, until

ALICE = Actor(name="alice", address="192.0.2.7", request_id="request-1")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less than a real server does."""
    monkeypatch.setattr(forwarder, "POLL_S", 0.02)
    monkeypatch.setattr(forwarder, "BACK_OFF_FIRST_S", 0.02)
    monkeypatch.setattr(forwarder, "BACK_OFF_MAX_S", 0.1)
    monkeypatch.setattr(to_webhook, "TAKE_MAX_S", 0.5)
    monkeypatch.setattr(to_syslog, "TAKE_MAX_S", 0.5)


class Room:
    """An audit log, and forwarders that are ended with the test."""

    def __init__(self, store: Store, vault: Vault, folder: Path, ending: ExitStack) -> None:
        self.store, self.vault, self.folder = store, vault, folder
        self.audit, self.log, self.positions = Audit(store, Signer(vault)), AuditLog(store), Positions(store)
        self.may = True
        self._ending = ending

    def write(self, count: int = 1, *, target: str = "web-0") -> None:
        """Write actions; each leaves two rows."""
        for _ in range(count):
            self.audit.event(Row(actor=ALICE, action="instance.delete", target=target), outcome="done")

    def target(self, address: str, **settings: str) -> Target:
        return opened(checked(address), Settings(data_dir=self.folder, **settings))

    def forward(self, target: Target, *, heads_every_s: float = 3600) -> Forwarder:
        made = Forwarder(target, self.log, self.positions, may=lambda: self.may, heads_every_s=heads_every_s)
        self._ending.callback(self.end, made)
        made.start()
        return made

    def end(self, made: Forwarder) -> None:
        made.close()
        made.join()

    def last(self) -> int:
        head = self.log.head()
        return head.id if head else 0

    def until_taken(self, target: str) -> None:
        until(lambda: self.positions.of(target) == self.last(), f"{target} has taken everything")

    def rows(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in json_lines(self.log.rows())]


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Forward from SQLite; what differs on PostgreSQL is tested in test_positions.py."""
    return f"sqlite:///{tmp_path}/data/opsmodal.db"


@pytest.fixture
def room(store: Store, vault: Vault, tmp_path: Path) -> Iterator[Room]:
    with ExitStack() as ending:
        yield Room(store, vault, tmp_path, ending)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def rows_of(lines: list[bytes]) -> list[dict[str, object]]:
    """Give the rows among lines, without repeats, as a receiver has them; they must be in order."""
    rows = [row for row in map(json.loads, lines) if row["entry"] != "head"]
    numbers = [row["id"] for row in rows]
    unique = list(dict.fromkeys(numbers))
    assert unique == sorted(unique), "out of order"
    return [rows[numbers.index(number)] for number in unique]


# Lines


def test_a_row_is_written_as_the_export_writes_it_in_ascii(room: Room) -> None:
    room.write(target="web-ü\n\u2028")
    (row, _) = room.log.rows()
    line = row_line(row)
    assert line.text.isascii()
    assert b"\n" not in line.text
    assert json.loads(line.text) == room.rows()[0]


def test_a_message_has_the_form_of_its_standard() -> None:
    line = Line(id=1, at=NOON, text=b'{"id":1}')
    text = message(line).decode()
    assert text.startswith("<110>1 2026-11-21T12:00:00.000000Z ")
    assert text.endswith(' opsmodal - audit - {"id":1}')
    assert " audit-head - " in message(replace(line, is_head=True)).decode()
    assert local_message(line).startswith(b"<110>Nov 2")
    assert framed(b"abc") == b"3 abc"


# A file


def test_a_file_holds_every_row_from_the_first_on_with_its_hash(room: Room) -> None:
    room.write(3)
    path = room.folder / "audit.jsonl"
    room.forward(room.target(f"file:{path}"))
    room.until_taken(f"file:{path}")
    room.write(2)
    room.until_taken(f"file:{path}")
    assert rows_of(path.read_bytes().splitlines()) == room.rows()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", ["renamed", "removed", "emptied"])
def test_a_file_that_was_rotated_is_opened_again(room: Room, how: str) -> None:
    path, kept = room.folder / "audit.jsonl", room.folder / "audit.1"
    name = f"file:{path}"
    room.write(2)
    room.forward(room.target(name))
    room.until_taken(name)
    before = path.read_bytes()
    if how == "emptied":
        os.truncate(path, 0)
    else:
        path.rename(kept)
        if how == "removed":
            kept.unlink()
    room.write(2)
    room.until_taken(name)
    assert rows_of((before + path.read_bytes()).splitlines()) == room.rows()
    assert len(rows_of(path.read_bytes().splitlines())) == 2 * 2


def test_half_a_line_that_a_killed_server_left_is_cut_off(room: Room) -> None:
    path = room.folder / "audit.jsonl"
    room.write(1)
    path.write_bytes(b'{"id":0,"entry":"intent"}\n{"id":1,"en')
    room.forward(room.target(f"file:{path}"))
    room.until_taken(f"file:{path}")
    first, *others = path.read_bytes().splitlines()
    assert first == b'{"id":0,"entry":"intent"}'
    assert rows_of(others) == room.rows()


def test_a_full_disk_loses_nothing_and_every_line_is_whole(room: Room) -> None:
    folder = room.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True, timeout=20
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    ending: list[Forwarder] = []
    try:
        path = folder / "audit.jsonl"
        (folder / "ballast").write_bytes(b"x" * 1_000_000)
        made = room.forward(room.target(f"file:{path}"))
        ending.append(made)
        room.write(120, target="web-" + "0" * 400)
        until(lambda: "make room" in made.trouble, "the full disk is told")
        assert room.positions.of(made.name) < room.last()
        (folder / "ballast").unlink()
        room.until_taken(made.name)
        assert rows_of(path.read_bytes().splitlines()) == room.rows()
        until(lambda: made.trouble == "", "all is well again")
    finally:
        for each in ending:
            room.end(each)
        subprocess.run(["umount", "-l", folder], check=True, timeout=20)


def test_a_pipe_or_a_folder_of_that_name_is_told_and_holds_up_nothing(room: Room) -> None:
    os.mkfifo(room.folder / "pipe")
    for name in ("pipe", "."):
        target = ToFile(checked(f"file:{room.folder / name}"))
        with pytest.raises(NotTaken) as problem:
            target.take([Line(id=1, at=NOON, text=b"{}")])
        assert problem.value.sentence.endswith(".")
        target.close()


# A webhook


def test_a_webhook_gets_json_lines_with_its_token(room: Room, webhook: Webhook) -> None:
    room.write(2)
    name = f"http://127.0.0.1:{webhook.port}"
    room.forward(room.target(f"{name}/", audit_forward_token="planted-token"))
    room.until_taken(name)
    assert rows_of(webhook.lines()) == room.rows()
    assert webhook.headers[0]["Authorization"] == "Bearer planted-token"
    assert webhook.headers[0]["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize("manner", ["500", "503", "413", "401", "302", "hang", "reset", "half"])
def test_a_webhook_that_fails_gets_everything_in_the_end(room: Room, webhook: Webhook, manner: str) -> None:
    webhook.manners = [manner] * 3
    room.write(4)
    name = f"http://127.0.0.1:{webhook.port}"
    made = room.forward(room.target(name))
    if manner != "half":
        until(lambda: bool(made.trouble), "the trouble is told")
        assert made.trouble.endswith(".")
    room.until_taken(name)
    assert rows_of(webhook.lines()) == room.rows()
    assert set(webhook.paths) == {"/"}, "a redirect was followed"


def test_a_certificate_is_verified(room: Room) -> None:
    context, authority = certified(room.folder)
    hook = Webhook(context)
    try:
        room.write(1)
        name = f"https://127.0.0.1:{hook.port}"
        distrusting = room.forward(room.target(name))
        until(lambda: "certificate" in distrusting.trouble, "the certificate is not trusted")
        assert hook.bodies == []
        room.end(distrusting)
        room.forward(room.target(name, audit_forward_ca_file=str(authority)))
        room.until_taken(name)
        assert rows_of(hook.lines()) == room.rows()
    finally:
        hook.close()


def test_a_row_that_is_too_large_with_others_is_sent_alone(room: Room, webhook: Webhook) -> None:
    webhook.manners = ["413"] * 9
    room.write(20)
    name = f"http://127.0.0.1:{webhook.port}"
    room.forward(room.target(name))
    room.until_taken(name)
    assert len(webhook.bodies[0].splitlines()) == 1
    assert rows_of(webhook.lines()) == room.rows()


# Syslog


def test_a_collector_over_tcp_gets_frames_in_order(room: Room, collector: Collector) -> None:
    room.write(3)
    name = f"syslog+tcp://127.0.0.1:{collector.port}"
    room.forward(room.target(name))
    room.until_taken(name)
    until(lambda: len(collector.messages) == 7, "all frames and the head are there")
    assert rows_of([body_of(each) for each in collector.messages]) == room.rows()


def test_a_collector_over_tls_is_verified(room: Room) -> None:
    context, authority = certified(room.folder)
    collector = Collector(context)
    try:
        room.write(3)
        name = f"syslog+tls://127.0.0.1:{collector.port}"
        distrusting = room.forward(room.target(name))
        until(lambda: "certificate" in distrusting.trouble, "the certificate is not trusted")
        room.end(distrusting)
        room.forward(room.target(name, audit_forward_ca_file=str(authority)))
        room.until_taken(name)
        until(lambda: len(collector.messages) == 7, "all frames and the head are there")
        assert rows_of([body_of(each) for each in collector.messages]) == room.rows()
    finally:
        collector.close()


@pytest.mark.parametrize("read", [1, 2, 4, 5])
def test_a_collector_that_closes_before_it_has_read_all_gets_all_again(
    room: Room, collector: Collector, read: int
) -> None:
    collector.drop_after = read
    name = f"syslog+tcp://127.0.0.1:{collector.port}"
    room.write(2)
    room.forward(room.target(name))
    room.until_taken(name)

    def complete() -> bool:
        return rows_of([body_of(each) for each in collector.messages]) == room.rows()

    until(lambda: collector.connections >= 2, "it is found closed")
    until(complete, "all rows are there")


def test_what_a_collector_lost_is_sent_again_also_when_it_is_away_for_long(room: Room) -> None:
    """Nothing new is written, and the rows were acknowledged: only who looks finds that the collector is gone."""
    collector = Collector()
    name = f"syslog+tcp://127.0.0.1:{collector.port}"
    room.write(2)
    made = room.forward(room.target(name))
    room.until_taken(name)
    collector.close()
    until(lambda: bool(made.trouble), "it is found closed")
    again = Collector(port=collector.port)
    try:
        until(lambda: rows_of([body_of(each) for each in again.messages]) == room.rows(), "all came again")
        until(lambda: not made.trouble, "all is well again")
    finally:
        again.close()


def test_a_collector_that_comes_back_later_gets_everything(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = f"syslog+tcp://127.0.0.1:{port}"
    made = room.forward(room.target(name))
    room.write(3)
    until(lambda: bool(made.trouble), "the trouble is told")
    collector = Collector(port=port)
    try:
        room.until_taken(name)
        until(lambda: len(collector.messages) >= 6, "all frames and the head are there")
        assert rows_of([body_of(each) for each in collector.messages]) == room.rows()
    finally:
        collector.close()


def test_a_collector_that_reads_nothing_holds_up_nobody_and_is_told(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        name = f"syslog+tcp://127.0.0.1:{deaf.getsockname()[1]}"
        made = room.forward(room.target(name))
        began = time.monotonic()
        room.write(400, target="x" * 500)
        assert time.monotonic() - began < 30
        until(lambda: "did not take it" in made.trouble, "the trouble is told")
        assert room.positions.of(name) < room.last()


def test_datagrams_say_that_they_confirm_nothing(room: Room) -> None:
    room.write(2)
    with datagrams(socket.AF_INET, ("127.0.0.1", 0)) as (found, (_, port)):
        target = room.target(f"syslog+udp://127.0.0.1:{port}")
        assert not target.confirms
        room.forward(target)
        room.until_taken(target.name)
        until(lambda: len(found) == 5, "all rows and the head are there")
        assert rows_of([body_of(each) for each in found]) == room.rows()


def test_the_socket_of_the_machine_gets_lines_as_programs_write_them(room: Room) -> None:
    room.write(2)
    path = str(room.folder / "log")
    target = room.target(f"syslog:{path}")
    made = room.forward(target)
    until(lambda: "No collector listens" in made.trouble, "the trouble is told")
    with datagrams(socket.AF_UNIX, path) as (found, _):
        room.until_taken(target.name)
        until(lambda: len(found) == 5, "all rows and the head are there")
        assert rows_of([body_of(each) for each in found]) == room.rows()
        assert found[0].startswith(b"<110>")


def test_rsyslog_takes_all_of_them(room: Room) -> None:
    program = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("rsyslogd is not installed here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = own_folder("rsyslog")
    kept = folder / "kept"
    (folder / "conf").write_text(
        'module(load="imtcp")\nmodule(load="imudp")\nmodule(load="imuxsock" SysSock.Use="off")\n'
        'template(name="plain" type="string" string="%msg%\\n")\n'
        f'input(type="imtcp" address="127.0.0.1" port="{port}")\n'
        f'input(type="imudp" address="127.0.0.1" port="{port}")\n'
        f'input(type="imuxsock" Socket="{folder}/log")\n'
        f'if $programname == "opsmodal" then action(type="omfile" file="{kept}" template="plain")\n'
    )
    argv = [program, "-n", "-f", str(folder / "conf"), "-i", str(folder / "pid")]
    daemon = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until((folder / "log").exists, "rsyslogd listens")
        room.write(50, target="web-ü")
        for address in (f"syslog+tcp://127.0.0.1:{port}", f"syslog+udp://127.0.0.1:{port}", f"syslog:{folder}/log"):
            kept.unlink(missing_ok=True)
            daemon.send_signal(signal.SIGHUP)
            room.forward(room.target(address))
            room.until_taken(address)
            until(lambda: kept.exists() and len(kept.read_bytes().splitlines()) >= 100, f"all came by {address}")
            assert rows_of([body_of(line) for line in kept.read_bytes().splitlines()]) == room.rows()
    finally:
        daemon.terminate()
        daemon.wait(20)
        assert daemon.stderr is not None
        daemon.stderr.close()
        shutil.rmtree(folder)


# All of them


def test_heads_follow_their_rows_and_verify_takes_such_a_file(room: Room) -> None:
    path = room.folder / "audit.jsonl"
    room.write(2)
    room.forward(room.target(f"file:{path}"), heads_every_s=0.01)
    until(lambda: path.exists() and b'"head"' in path.read_bytes(), "a head is there")
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["entry"] for line in lines[-2:]] == ["outcome", "head"]
    assert lines[-1]["id"] == lines[-2]["id"]
    assert check(room.store, room.vault, [path]).broken is None
    by_syslog = room.folder / "syslog"
    by_syslog.write_bytes(
        b"rsyslogd: start\n" + b"".join(b"opsmodal: " + line + b"\n" for line in path.read_bytes().splitlines())
    )
    assert check(room.store, room.vault, [by_syslog]).broken is None
    by_syslog.write_bytes(by_syslog.read_bytes().replace(b'"signature":"', b'"signature":"A'))
    assert "not signed" in check(room.store, room.vault, [by_syslog]).sentence
    head = room.log.head()
    assert head is not None
    assert json.loads(head_line(head).text)["signature"] == head.signature


def test_only_who_has_the_duty_forwards_and_another_goes_on_where_it_was(room: Room, webhook: Webhook) -> None:
    name = f"http://127.0.0.1:{webhook.port}"
    room.may = False
    first = room.forward(room.target(name))
    room.write(2)
    time.sleep(0.2)
    assert webhook.bodies == []
    room.may = True
    room.until_taken(name)
    room.end(first)
    room.write(2)
    room.forward(room.target(name))
    room.until_taken(name)
    rows = [line for line in webhook.lines() if b'"head"' not in line]
    assert len(rows) == len(rows_of(rows)) == room.last(), "nothing twice, when nothing has failed"


def test_a_store_that_was_put_back_is_sent_again_from_the_first_row(
    room: Room, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"http://127.0.0.1:{webhook.port}"
    room.positions.move(name, 1_000)
    room.write(2)
    room.forward(room.target(name))
    room.until_taken(name)
    assert rows_of(webhook.lines()) == room.rows()
    assert "audit position beyond the last row" in caplog.text


class _Duty:
    is_here = True


def test_how_far_each_target_is_can_be_read(room: Room, webhook: Webhook) -> None:
    path = room.folder / "audit.jsonl"
    away = f"syslog+tcp://127.0.0.1:{_closed_port()}"
    settings = Settings(data_dir=room.folder, audit_forward=(f"file:{path}", away))
    room.write(3)
    forwarding = Forwarding(room.store, settings, _Duty())  # type: ignore[arg-type]  # all that is asked of it
    forwarding.start()
    room.until_taken(f"file:{path}")
    until(lambda: all(bool(each.trouble) == (each.target == away) for each in forwarding.state()), "both are told")
    taken, missing = forwarding.state()
    assert (taken.behind, missing.behind, missing.taken_at) == (0, 6, None)
    figures = {
        (sample.name, sample.labels["target"]): sample.value
        for metric in ForwardingFigures(forwarding).collect()
        for sample in metric.samples
    }
    assert figures["opsmodal_audit_forward_behind_rows", away] == 6
    assert figures["opsmodal_audit_forward_idle_seconds", f"file:{path}"] >= 0
    forwarding.close()
    forwarding.close()


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
