"""Work done aside: under gevent others go on meanwhile, a crowd is bounded, and what is raised is raised."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from opsmodal.errors import TooMany
from opsmodal.people import passwords
from opsmodal.people.hashing import aside

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import os, threading, time
from opsmodal.people.hashing import aside

def work():
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        sum(range(1000))
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

beats, given = [], []
def beat():
    while not given:
        beats.append(1)
        time.sleep(0.01)
threads = [threading.Thread(target=beat), threading.Thread(target=lambda: given.append(aside(work)))]
for thread in threads: thread.start()
for thread in threads: thread.join()
def fail(): raise ValueError("its own")
try:
    aside(fail)
except ValueError as error:
    said = str(error)
print(len(beats) > 5, given[0] > os.getpriority(os.PRIO_PROCESS, 0), said)
"""


def test_under_gevent_others_are_served_meanwhile_and_first() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("True True its own\n", 0), done.stderr


def test_without_gevent_the_work_is_done_right_there() -> None:
    assert aside(threading.get_ident) == threading.get_ident()


def test_a_crowd_that_signs_in_is_bounded_and_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = passwords.hash_password("correct horse")
    monkeypatch.setattr(passwords, "_places", threading.BoundedSemaphore(2))
    held, go_on = threading.Barrier(3), threading.Event()

    def wait(_given: bytes, _kept: str) -> bool:
        held.wait(20)
        return go_on.wait(20)

    monkeypatch.setattr(passwords, "_is_of", wait)
    crowd = [threading.Thread(target=passwords.matches, args=("x" * 9, kept), name=f"guess-{n}") for n in range(2)]
    for thread in crowd:
        thread.start()
    held.wait(20)
    with pytest.raises(TooMany) as refused:
        passwords.matches("correct horse", kept)
    assert refused.value.retry_after_s > 0
    go_on.set()
    for thread in crowd:
        thread.join(20)
    monkeypatch.undo()
    assert passwords.matches("correct horse", kept)
