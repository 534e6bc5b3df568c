"""One worker holds a lease at a time, and another takes over soon after its holder is gone, however it went."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import text

from opsmodal.history import leases as leases_module
from opsmodal.history.leases import LASTS_S, RENEW_S, Leases
from opsmodal.store import Store

TAKEN_OVER_MAX_S = 30.0
SHORT_S = 1.0
WAIT_S = 20.0

HOLD = """
import sys, time
from opsmodal.history import leases
from opsmodal.store import open_store
leases.LASTS_S = float(sys.argv[2])
held = leases.Leases(open_store(sys.argv[1]), "killed").keep(["prod"])
print(sorted(held), flush=True)
time.sleep(60)
"""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "LASTS_S", SHORT_S)


def taken_over(leases: Leases, *, within_s: float = WAIT_S) -> float:
    began = time.monotonic()
    while not leases.keep(["prod"]):
        assert time.monotonic() - began < within_s
        time.sleep(0.05)
    return time.monotonic() - began


def test_a_lease_has_one_holder_at_a_time(store: Store) -> None:
    one, other = Leases(store, "one"), Leases(store, "other")
    assert one.keep(["prod", "edge"]) == {"prod", "edge"}
    assert other.keep(["prod", "edge", "lab"]) == {"lab"}
    assert one.keep(["prod", "edge"]) == {"prod", "edge"}


def test_of_many_who_ask_at_once_each_lease_goes_to_one(store: Store) -> None:
    names = [f"runtime-{number}" for number in range(20)]
    held: list[frozenset[str]] = []
    workers = [Leases(store, f"worker-{number}") for number in range(6)]
    threads = [
        threading.Thread(target=lambda worker=worker: held.append(worker.keep(names)), name=f"worker-{number}")
        for number, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(len(each) for each in held) == len(names)
    assert frozenset().union(*held) == frozenset(names)


def test_what_is_released_is_free_at_once(store: Store) -> None:
    one, other = Leases(store, "one"), Leases(store, "other")
    one.keep(["prod"])
    one.release()
    assert one.held == frozenset()
    assert other.keep(["prod"]) == {"prod"}


def test_what_is_no_longer_wanted_is_let_go(store: Store) -> None:
    one = Leases(store, "one")
    one.keep(["prod", "edge"])
    assert one.keep(["edge"]) == {"edge"}
    assert Leases(store, "other").keep(["prod"]) == {"prod"}
    assert one.keep([]) == frozenset()


@pytest.mark.usefixtures("short")
def test_a_holder_that_was_killed_is_followed_by_another(store: Store, made: str) -> None:
    killed = subprocess.Popen([sys.executable, "-c", HOLD, made, str(SHORT_S)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "['prod']\n"
    killed.kill()
    killed.wait(10)
    killed.stdout.close()
    assert taken_over(Leases(store, "other")) <= SHORT_S + 2


def test_by_its_constants_a_takeover_takes_at_most_half_a_minute() -> None:
    assert LASTS_S + RENEW_S <= TAKEN_OVER_MAX_S
    assert RENEW_S * 2 <= LASTS_S, "one renewal that fails does not lose the lease"


@pytest.mark.usefixtures("short")
def test_a_holder_that_does_not_reach_the_store_lets_go_before_another_may_take(store: Store) -> None:
    one, other = Leases(store, "one"), Leases(store, "other")
    one.keep(["prod"])
    taken_over(other)
    assert one.held == frozenset()


@pytest.mark.usefixtures("short")
def test_a_lease_from_before_the_databases_clock_was_set_back_is_taken(store: Store) -> None:
    Leases(store, "dead").keep(["prod"])
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE leases SET until = until + 86400"))
    assert Leases(store, "other").keep(["prod"]) == {"prod"}
