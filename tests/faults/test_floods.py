"""Floods of guesses against a server that runs: bounded memory, store and audit log, and everybody else is served."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from opsmodal.demo.cluster import start
from tests.engines.process import CannotStart
from tests.faults.visitor import Visitor
from tests.unit.opsmodal.store.postgresql import started
from tests.web.test_serving import PASSWORD, Server

GUESSES = 10_000
AT_ONCE = 16
MEMORY_GROWTH_MAX_KB = 60_000
"""Two hashes of 64 MB come and go; what stays is noise."""
PATIENCE_S = 5.0
"""A page takes some milliseconds; a busy machine may make it wait."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cluster = start()
    server = Server(tmp_path_factory.mktemp("floods"), cluster, OPSMODAL_COLLECT="false")
    yield server
    if server.process.poll() is None:
        server.end()
    cluster.stop()


def all_at_once(act: Callable[[int], int], count: int, threads: int = AT_ONCE) -> Counter[int]:
    """Do something so many times, so many at once; count what came of it."""
    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(act, range(count)))


def resident_kb(server: Server) -> int:
    """Give the memory that the workers hold."""
    lines = [line for pid in server.workers() for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def count_of(server: Server, table: str) -> int:
    """Count rows of the store."""
    with closing(sqlite3.connect(f"file:{server.data}/opsmodal.db?mode=ro", uri=True)) as store:
        return int(store.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.exhaustive
def test_ten_thousand_wrong_passwords_cost_little_and_let_others_in(server: Server) -> None:
    guesser = Visitor(server.port, "127.0.0.66")
    all_at_once(lambda _: guesser.sign_in("user0", "guess").status, 100)
    memory, recorded = resident_kb(server), count_of(server, "audit")
    began = time.monotonic()
    answers = all_at_once(lambda number: guesser.sign_in(f"user{number % 50}", f"guess {number}").status, GUESSES)
    minutes = (time.monotonic() - began) / 60 + 1
    assert set(answers) <= {401, 429}
    assert answers[401] <= 5 * (minutes + 1)
    assert count_of(server, "sign_in_failures") <= 20
    assert count_of(server, "audit") - recorded <= 7 * (minutes + 1), "five failures a minute, and that there were more"
    assert resident_kb(server) - memory < MEMORY_GROWTH_MAX_KB
    assert Visitor(server.port, "127.0.0.67").sign_in("admin", PASSWORD).status == 303
    assert "whole" in server.run("audit", "verify")


@pytest.mark.exhaustive
def test_a_name_that_is_guessed_at_is_let_in_from_elsewhere_as_soon_as_the_minute_is_over(server: Server) -> None:
    server.run("user", "add", "alice", "--admin")
    for number in range(6):
        Visitor(server.port, f"127.0.1.{number + 1}").sign_in("alice", "guess")
    assert Visitor(server.port, "127.0.0.67").sign_in("admin", PASSWORD).status == 303, "other names are let in at once"


@pytest.mark.exhaustive
def test_a_flood_from_everywhere_starves_no_page(server: Server) -> None:
    """Each guess has a name and an address of its own, so that none is refused before its password is looked at."""
    person = Visitor(server.port)
    assert person.sign_in("admin", PASSWORD).status == 303
    slowest, done = 0.0, False

    def guess(number: int) -> int:
        return (
            Visitor(server.port, f"127.1.{number // 200}.{number % 200 + 1}").sign_in(f"user{number}", "guess").status
        )

    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(all_at_once, guess, 300, 64)
        while not done:
            done = flood.done()
            began = time.monotonic()
            assert person.ask("/services").status == 200
            slowest = max(slowest, time.monotonic() - began)
        answers = flood.result()
    assert slowest < PATIENCE_S
    assert set(answers) <= {401, 429}
    assert answers[401] > 0
    assert answers[429] > 0, "who came when too many waited was sent away"
    assert Visitor(server.port, "127.9.9.9").sign_in("admin", PASSWORD).status == 303


def test_two_workers_count_the_same_failures(tmp_path: Path) -> None:
    try:
        with started() as postgresql:
            cluster = start()
            address = {"OPSMODAL_DATABASE_URL": postgresql.new_database(), "OPSMODAL_WORKERS": "2"}
            server = Server(tmp_path, cluster, OPSMODAL_COLLECT="false", **address)
            guesser = Visitor(server.port, "127.0.0.66")
            answers = all_at_once(lambda number: guesser.sign_in("admin", f"guess {number}").status, 60)
            assert answers[401] == 5
            assert answers[429] == 55
            answering = {line["process"] for line in server.logged() if line.get("path") == "/sign-in"}
            assert len(answering) == 2, "else one worker counted for itself"
            assert server.end() == 0
            cluster.stop()
    except CannotStart as reason:
        pytest.skip(str(reason))


@pytest.mark.exhaustive
def test_heads_that_never_end_are_cut_and_hold_no_place(tmp_path: Path) -> None:
    """The bound is 75 s; made short here."""
    cluster = start()
    patched = "import opsmodal.cli.production as production\nproduction.KEEP_ALIVE_S = 2"
    server = Server(tmp_path, cluster, patched=patched, OPSMODAL_COLLECT="false")
    try:
        lines = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(100)]
        began, open_still = time.monotonic(), set(lines)
        while open_still and time.monotonic() - began < 20:
            for line in list(open_still):
                try:
                    line.sendall(b"G")
                    line.settimeout(0.01)
                    open_still -= {line} if line.recv(65536) == b"" else set()
                except TimeoutError:
                    continue
                except OSError:
                    open_still.discard(line)
            assert Visitor(server.port).ask("/healthz").status == 200
        assert not open_still, f"{len(open_still)} of {len(lines)} are held still"
        for line in lines:
            line.close()
    finally:
        server.end()
        cluster.stop()
