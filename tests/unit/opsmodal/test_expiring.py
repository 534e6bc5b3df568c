"""What has to be done later is done in its order, once; closing forgets the rest and leaves no thread."""

from __future__ import annotations

import threading
import time

import pytest

from opsmodal import expiring
from opsmodal.expiring import Later

WITHIN_S = 5.0


def test_what_is_due_is_done_in_the_order_of_its_time() -> None:
    later, done, over = Later("in order"), list[str](), threading.Event()
    assert later.at(0.2, lambda: (done.append("second"), over.set())[0])
    assert later.at(0.05, lambda: done.append("first"))
    assert over.wait(WITHIN_S)
    later.close()
    assert done == ["first", "second"]


def test_one_that_fails_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    later, over = Later("failing"), threading.Event()

    def fail() -> None:
        raise RuntimeError("no")

    later.at(0, fail)
    later.at(0.01, over.set)
    assert over.wait(WITHIN_S)
    later.close()
    assert "not done in time" in caplog.text


def test_closing_forgets_and_leaves_no_thread() -> None:
    later, done = Later("closed early"), threading.Event()
    later.at(3600, done.set)
    began = time.monotonic()
    later.close()
    later.close()
    assert time.monotonic() - began < WITHIN_S
    assert not done.is_set()
    assert not later.at(0, done.set)
    assert "closed early" not in {thread.name for thread in threading.enumerate()}


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "WAITING_MAX", 2)
    later = Later("full")
    assert [later.at(3600, lambda: None) for _ in range(3)] == [True, True, False]
    later.close()
