"""A clock that is wrong, set right, and set back, under a server that runs: nobody is locked out or in for ever."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.demo.cluster import start
from tests.faults.visitor import Visitor
from tests.web.test_serving import PASSWORD, Server

HOUR_S, DAY_S = 3600, 86_400
MENDED = """
import os, time
real = time.sleep
def sleep(seconds):
    try:
        real(seconds)
    except OSError:
        os.sched_yield()
time.sleep = sleep
"""
"""libfaketime 0.9.10 answers a sleep of (nearly) no time with EINVAL while it leaves the monotonic clock alone."""


class Clock:
    """The clock of a server's processes; that of the machine stays as it is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Let the server believe that it is so much later, or earlier."""
        moved = self._file.with_suffix(".new")
        moved.write_text(f"{ahead_s:+d}\n")
        moved.replace(self._file)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Clock]]:
    """Serve under a clock of the test's own; what waits and counts time inside a process goes on undisturbed."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        pytest.skip("faketime is not installed here")
    folder, cluster = tmp_path_factory.mktemp("clock"), start()
    clock = Clock(folder / "clock")
    (folder / "sitecustomize.py").write_text(MENDED)
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])),
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    server = Server(folder, cluster, OPSMODAL_COLLECT="false", **environment)
    yield server, clock
    if server.process.poll() is None:
        server.end()
    cluster.stop()


@pytest.fixture
def server(made: tuple[Server, Clock]) -> Iterator[Server]:
    made[1].set(0)
    yield made[0]
    made[1].set(0)


@pytest.fixture
def clock(made: tuple[Server, Clock]) -> Clock:
    return made[1]


def person(server: Server, address: str = "127.0.0.1") -> Visitor:
    """Sign somebody in."""
    visitor = Visitor(server.port, address)
    assert visitor.sign_in("admin", PASSWORD).status == 303
    assert visitor.ask("/account").status == 200
    return visitor


def test_the_server_believes_the_clock_of_the_test(server: Server, clock: Clock) -> None:
    """Else nothing here would prove anything."""
    clock.set(400 * DAY_S)
    visitor = Visitor(server.port)
    later = visitor.ask("/healthz").headers["Date"]
    clock.set(0)
    assert later != visitor.ask("/healthz").headers["Date"]
    assert int(re.findall(r" (\d{4}) ", later)[0]) > int(
        re.findall(r" (\d{4}) ", visitor.ask("/healthz").headers["Date"])[0]
    )


def test_a_session_ends_when_the_clock_says_so_and_a_little_back_ends_none(server: Server, clock: Clock) -> None:
    visitor = person(server)
    clock.set(-60)
    assert visitor.ask("/account").status == 200
    clock.set(13 * HOUR_S)
    assert visitor.ask("/account").status == 303, "twelve hours without use"


@pytest.mark.exhaustive
def test_a_session_of_a_clock_that_was_ahead_is_over_when_it_is_right_again(server: Server, clock: Clock) -> None:
    clock.set(365 * DAY_S)
    visitor = person(server)
    clock.set(0)
    assert visitor.ask("/account").status == 303
    assert person(server).ask("/account").status == 200, "and one can sign in again at once"


@pytest.mark.exhaustive
def test_a_session_that_was_last_used_by_a_clock_ahead_still_has_its_end(server: Server, clock: Clock) -> None:
    visitor = person(server)
    clock.set(11 * HOUR_S)
    assert visitor.ask("/account").status == 200
    clock.set(0)
    assert visitor.ask("/account").status == 200
    clock.set(8 * DAY_S)
    assert visitor.ask("/account").status == 303


@pytest.mark.exhaustive
def test_a_limit_that_a_clock_ahead_has_reached_holds_nobody_off_afterwards(server: Server, clock: Clock) -> None:
    clock.set(30 * DAY_S)
    guesser = Visitor(server.port, "127.0.0.9")
    assert [guesser.sign_in("admin", "guess").status for _ in range(6)] == [401] * 5 + [429]
    assert int(guesser.sign_in("admin", "guess").headers["Retry-After"]) <= 60
    clock.set(0)
    person(server, "127.0.0.9")


@pytest.mark.exhaustive
def test_a_limit_is_not_lifted_by_a_clock_that_is_set_back_a_little(server: Server, clock: Clock) -> None:
    clock.set(2 * DAY_S)
    guesser = Visitor(server.port, "127.0.0.10")
    assert [guesser.sign_in("nobody", "guess").status for _ in range(6)] == [401] * 5 + [429]
    clock.set(2 * DAY_S - 30)
    answer = guesser.sign_in("nobody", "guess")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) <= 120


@pytest.mark.exhaustive
def test_a_token_keeps_the_date_that_is_written_on_it(server: Server, clock: Clock) -> None:
    token = re.findall(r"opm_[\w-]+", server.run("token", "create", "admin", "--expires", "2h"))[0]
    visitor = Visitor(server.port)
    assert visitor.ask("/api/v1/services", token=token).status == 200
    clock.set(3 * HOUR_S)
    assert visitor.ask("/api/v1/services", token=token).status == 401
    clock.set(-DAY_S)
    assert visitor.ask("/api/v1/services", token=token).status == 200


@pytest.mark.exhaustive
def test_a_link_that_a_clock_ahead_has_made_is_none(server: Server, clock: Clock) -> None:
    clock.set(DAY_S)
    link = server.run("user", "link", "admin").strip()
    clock.set(0)
    assert Visitor(server.port).ask("/sign-in", {"ticket": link}).status == 401


@pytest.mark.exhaustive
def test_the_audit_log_is_whole_whatever_the_clock_did(server: Server, clock: Clock) -> None:
    for ahead_s in (DAY_S, -DAY_S, 0):
        clock.set(ahead_s)
        visitor = person(server, "127.0.0.11")
    assert visitor.ask("/audit").status == 200
    assert "whole" in server.run("audit", "verify")
    assert json.loads(server.get("/audit?limit=5"))["items"]
