"""Audited actions at a rate, while the server is killed again and again: what was told as done must stand in the log.

The action is `DELETE /account/sessions`: a real one, with an intent, a change of the store and an outcome, and cheap,
so that it is the audit log that is measured and not a runtime. Each request has an id, which its rows carry.
"""

from __future__ import annotations

import http.client
import itertools
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.measure import Figure, Promise, percentile
from tests.bench.served import PROGRAM, REGISTRY, Served, served, settled
from tests.bench.sizes import Size
from tests.engines.sshd import HOST

PATH = "/api/v1/account/sessions"
AT_ONCE = 24
"""People who act side by side; each waits for the answer before it acts again."""
ANSWER_S = 30.0
TICK_S = 0.05
CLOSED_S = 60.0
"""How long a server may take after its start to close what its predecessor left open."""
SLACK = 1.02
VERIFY_S = 120.0
ROWS = "SELECT request_id, entry, outcome FROM audit WHERE request_id LIKE 'bench-%'"
OPEN = """SELECT count(*) FROM audit AS begun WHERE entry = 'intent'
    AND NOT EXISTS (SELECT 1 FROM audit AS ended WHERE ended.intent_id = begun.id)"""
INTERRUPTED = "SELECT count(*) FROM audit WHERE outcome = 'interrupted'"


@dataclass
class Crowd:
    """People who act at a rate, and what they were told. The clock stands still while the server is down."""

    server: Served
    rate: int
    count: int
    done: list[str] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """The answers: done; another one; none after the request was sent; nobody there to send it to."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._open = threading.Event()
        self._moved = threading.Lock()
        self._from, self._down_s, self._closed_at = 0.0, 0.0, time.monotonic()
        self._threads = [threading.Thread(target=self._act, args=(n,), name=f"person-{n}") for n in range(AT_ONCE)]

    @property
    def clock_s(self) -> float:
        """Give for how long the server was there."""
        with self._moved:
            return (time.monotonic() if self._open.is_set() else self._closed_at) - self._from - self._down_s

    def begin(self) -> None:
        """Let them act."""
        self._from = time.monotonic()
        self._open.set()
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Let them wait, from the next action on."""
        with self._moved:
            self._closed_at = time.monotonic()
            self._open.clear()

    def resume(self) -> None:
        """Let them go on, at the moment of their clock at which they stopped."""
        with self._moved:
            self._down_s += time.monotonic() - self._closed_at
            self._open.set()

    def acting(self) -> bool:
        """Tell whether somebody still acts."""
        return any(thread.is_alive() for thread in self._threads)

    def _act(self, place: int) -> None:
        token, connection = self.server.tokens[place % len(self.server.tokens)], None
        while (number := next(self._numbers)) < self.count:
            self._until(number / self.rate)
            connection = self._one(connection, f"bench-{number:08d}", token)
        if connection is not None:
            connection.close()

    def _until(self, at_s: float) -> None:
        """Wait for a moment of the clock, and for the server."""
        while self._open.wait(ANSWER_S) and (wait_s := at_s - self.clock_s) > 0:
            time.sleep(min(TICK_S, wait_s))

    def _one(
        self, kept: http.client.HTTPConnection | None, number: str, token: str
    ) -> http.client.HTTPConnection | None:
        """Act once, over the connection that is kept; give the one to keep, None when it is broken."""
        connection, told = kept or http.client.HTTPConnection(HOST, self.server.port, timeout=ANSWER_S), self.absent
        began = time.perf_counter()
        try:
            if connection.sock is None:
                connection.connect()
            told = self.unknown
            connection.request("DELETE", PATH, headers={"Authorization": f"Bearer {token}", "X-Request-Id": number})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            told.append(number)
            connection.close()
            return None
        if answer.status == 200:
            self.took_ms.append((time.perf_counter() - began) * 1000)
            self.done.append(number)
        else:
            self.refused.append(f"{number} {answer.status}")
        return connection


def killed(size: Size) -> Iterator[Figure]:
    """Let people act, kill the server in the middle, start it again; then hold what was told against the log."""
    with served(REGISTRY, collecting=False) as server:
        crowd = Crowd(server, size.audited_rate, int(size.audited_rate * size.audited_s))
        served_s, down_s = _acted(server, crowd, size.kills)
        settled(lambda: _asked(server, OPEN), within_s=CLOSED_S, until=lambda open_: not open_)
        server.daemon.stop()
        yield from _figures(size, server, crowd, served_s, down_s)


def _acted(server: Served, crowd: Crowd, kills: int) -> tuple[float, float]:
    """Give for how long the server was there until all had acted, and how long it was away on average."""
    chance, away_s = random.Random(kills), []
    whole_s = crowd.count / crowd.rate
    crowd.begin()
    for number in range(kills):
        at_s = whole_s * (number + chance.uniform(0.3, 1)) / (kills + 0.5)
        while crowd.clock_s < at_s and crowd.acting():
            time.sleep(0.005)
        began = time.monotonic()
        server.kill()
        crowd.pause()
        server.start()
        crowd.resume()
        away_s.append(time.monotonic() - began)
    while crowd.acting():
        time.sleep(0.02)
    return crowd.clock_s, sum(away_s) / len(away_s)


def _figures(size: Size, server: Served, crowd: Crowd, served_s: float, down_s: float) -> Iterator[Figure]:
    with_ = f"SQLite, {size.audited_rate} actions a second for {size.audited_s:g} s, {size.kills} times kill -9"
    told = f"{len(crowd.done):,} done, {len(crowd.unknown)} without an answer, {len(crowd.absent)} nobody took"
    yield Figure(
        name="time that the server took for a minute of audited actions",
        ours=served_s * 60 / size.audited_s,
        unit="s",
        promise=Promise(at_most=60 * SLACK),
        count=crowd.count,
        with_=with_,
        note=f"{told}, {len(crowd.refused)} refused. Counted while the server was there: after a kill it was away for "
        f"{down_s:.1f} s. The action is DELETE /account/sessions: intent, change and outcome, a transaction each.",
    )
    for percent in (50, 99):
        took_ms = percentile(crowd.took_ms, percent)
        yield Figure(name=f"audited action, p{percent}", ours=took_ms, unit="ms", count=len(crowd.took_ms), with_=with_)
    rows = _rows(server)
    lost = [number for number in crowd.done if rows.get(number) != {("intent", ""), ("outcome", "done")}]
    yield Figure(
        name="actions told as done without both their rows",
        ours=len(lost),
        unit="actions",
        promise=Promise(at_most=0),
        count=len(crowd.done),
        with_=with_,
        note=f"first of them: {lost[0]}" if lost else "",
    )
    yield Figure(
        name="actions that the next start left without an outcome",
        ours=_asked(server, OPEN),
        unit="actions",
        promise=Promise(at_most=0),
        count=crowd.count,
        with_=with_,
        note=f"{_asked(server, INTERRUPTED)} were closed as interrupted.",
    )
    broken, said = verified(server)
    yield Figure(
        name="chains that `audit verify` found broken",
        ours=broken,
        unit="chains",
        promise=Promise(at_most=0),
        with_=with_,
        note=said,
    )


def verified(server: Served) -> tuple[int, str]:
    """Run `opsmodal audit verify`; give 1 when it found something, and what it said."""
    argv = [sys.executable, *PROGRAM, "audit", "verify", "--data-dir", str(server.data)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=VERIFY_S)
    return int(done.returncode != 0), (done.stdout + done.stderr).split(", its hash")[0].strip()


def _rows(server: Served) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    with sqlite3.connect(f"file:{server.data / 'opsmodal.db'}?mode=ro", uri=True) as connection:
        for number, entry, outcome in connection.execute(ROWS):
            found.setdefault(number, set()).add((entry, outcome))
    connection.close()
    return found


def _asked(server: Served, question: str) -> int:
    connection = sqlite3.connect(f"file:{server.data / 'opsmodal.db'}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute(question).fetchone()[0])
    finally:
        connection.close()
