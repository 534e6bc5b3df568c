"""What the permission check and the audit log cost a request."""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Figure, Promise, in_turns, percentile
from tests.bench.served import REGISTRY, Served, served
from tests.bench.sizes import Size
from tests.engines.sshd import HOST

BARE, GUARDED = "/api/v1/bench/bare", "/api/v1/bench/guarded"
"""The addresses that `tests.bench.beside` adds."""
SERVICE = "bench"
DOOR_MS = 3.0
DOOR_PROGRAM = ("-m", "tests.bench.beside")
RUNTIME = {"name": "nowhere", "kind": "docker", "socket": "/nonexistent/bench.sock"}
DOCUMENT = {
    **REGISTRY,
    "runtimes": [RUNTIME],
    "services": [{"name": SERVICE, "runtime": "nowhere", "project": SERVICE}],
}
"""A service whose runtime is never asked."""


def door(size: Size) -> Iterator[Figure]:
    """Ask for the same work with and without the door, in turns, over one connection each."""
    with served(DOCUMENT, collecting=False, program=DOOR_PROGRAM) as server:
        guarded, bare, nobody = (_Kept(server, path) for path in (GUARDED, BARE, "/healthz"))
        ours, peer = in_turns(guarded.timed_ms, bare.timed_ms, rounds=size.door_requests)
        commits_ms = percentile(_two_commits_ms(server.data / "beside.db", size.door_requests), 50)
        floor = percentile([nobody.timed_ms() for _ in range(size.door_requests)], 50)
        for each in (guarded, bare, nobody):
            each.close()
    p50, bare_p50 = percentile(ours, 50), percentile(peer, 50)
    with_ = "an installation of one service, SQLite, one connection after the other"
    yield Figure(
        name="a request through the door, p50",
        ours=p50,
        unit="ms",
        peer=bare_p50,
        peer_name="the same without",
        count=len(ours),
        with_=with_,
        note=f"Both are asked with a token, whose owner is looked up. An address for anybody takes {floor:.2g} ms.",
    )
    yield Figure(
        name="permission check and audit add, p50",
        ours=max(0.0, p50 - bare_p50),
        unit="ms",
        peer=commits_ms,
        peer_name="two bare commits",
        promise=Promise(at_most=DOOR_MS),
        count=len(ours),
        with_=with_,
        note="The difference of the two: the grants are read, an intent is committed before the work and its outcome "
        "after it, each on disk before the request goes on. Beside it what two commits of a row take in an SQLite file "
        "on the same disk, without anything else.",
    )
    yield Figure(
        name="permission check and audit add, p99",
        ours=max(0.0, percentile(ours, 99) - percentile(peer, 99)),
        unit="ms",
        count=len(ours),
        with_=with_,
    )


def _two_commits_ms(path: Path, rounds: int) -> list[float]:
    """Give how long two commits of one row take, as safe as the store's, in a file of their own."""
    connection, took_ms = sqlite3.connect(path, isolation_level=None), []
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (text)")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(2):
            connection.execute("INSERT INTO rows VALUES ('a row')")
        took_ms.append((time.perf_counter() - began) * 1000)
    connection.close()
    return took_ms


class _Kept:
    """An address that is asked again and again over a connection that stays open, as a browser does."""

    def __init__(self, server: Served, path: str) -> None:
        self._server, self._path = server, path
        self._connection = http.client.HTTPConnection(HOST, server.port, timeout=60)

    def timed_ms(self) -> float:
        """Ask once, and give how long the answer took."""
        began = time.perf_counter()
        self._server.get(self._path, kept=self._connection)
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
