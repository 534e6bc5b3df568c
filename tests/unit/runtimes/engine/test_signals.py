from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from runtimes.engine import signals
from runtimes.engine.problems import Place
from runtimes.engine.signals import Signals
from runtimes.errors import Unavailable, Unsupported

PLACE = Place(kind="podman", address="unix:///x.sock", socket="/x.sock")
WAIT_S = 5.0


class Body:
    """Gives chunks, then waits until it is closed."""

    def __init__(self, *chunks: bytes, ends: bool = False) -> None:
        self._chunks: Sequence[bytes] = chunks
        self._ends = ends
        self.read = threading.Event()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        self.read.set()
        if not self._ends:
            self.closed.wait(WAIT_S)

    def close(self) -> None:
        self.closed.set()


def line(container: str) -> bytes:
    return json.dumps({"Action": "die", "Actor": {"ID": container}}).encode() + b"\n"


def heard(*chunks: bytes, ends: bool = False) -> tuple[Signals, Body]:
    body = Body(*chunks, ends=ends)
    return Signals(body, place=PLACE, name="test"), body  # type: ignore[arg-type]  # a body of a test's own


def test_a_storm_in_one_container_is_one_signal() -> None:
    opened, body = heard(line("a") * 1000, line("b"))
    with closing(opened):
        assert body.read.wait(WAIT_S)
        assert opened.take(timeout_s=WAIT_S) == frozenset({"a", "b"})
        assert opened.take(timeout_s=0.0) == frozenset()


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_lines_are_put_together_however_they_were_cut(cut: int) -> None:
    text = line("a") + b"\n" + line("b")
    opened, body = heard(*(text[at : at + cut] for at in range(0, len(text), cut)))
    with closing(opened):
        assert body.read.wait(WAIT_S)
        assert opened.take(timeout_s=WAIT_S) == frozenset({"a", "b"})


def test_more_than_can_be_kept_means_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SIGNALLED_MAX", 10)
    opened, body = heard(b"".join(line(f"c{number}") for number in range(100)))
    with closing(opened):
        assert body.read.wait(WAIT_S)
        assert opened.take(timeout_s=WAIT_S) is None
        assert opened.take(timeout_s=0.0) == frozenset()


def test_the_last_signals_are_given_before_the_end_is_told() -> None:
    opened, body = heard(line("a"), ends=True)
    with closing(opened):
        assert body.read.wait(WAIT_S)
        assert opened.take(timeout_s=WAIT_S) == frozenset({"a"})
        with pytest.raises(Unavailable, match="ended its events"):
            opened.take(timeout_s=WAIT_S)


def test_an_engine_without_events_says_so_in_its_own_words() -> None:
    refusal = b'{"cause": "none", "message": "cannot read events with the \\"none\\" backend", "response": 500}\n'
    opened, _ = heard(refusal, ends=True)
    with closing(opened), pytest.raises(Unsupported, match="cannot read events"):
        opened.take(timeout_s=WAIT_S)


@pytest.mark.parametrize("junk", [b"<html>\n", b"[" * 100_000 + b"\n", b'{"Actor": 1}\n', b"\xff\n"])
def test_what_is_no_event_ends_it(junk: bytes) -> None:
    opened, _ = heard(junk)
    with closing(opened), pytest.raises(Unavailable, match="not a container engine"):
        opened.take(timeout_s=WAIT_S)


def test_a_line_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "LINE_MAX_BYTES", 1000)
    opened, _ = heard(*[b"x" * 100] * 20)
    with closing(opened), pytest.raises(Unavailable, match="not a container engine"):
        opened.take(timeout_s=WAIT_S)


def test_a_body_that_breaks_in_a_way_nobody_knows_ends_it_too(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Body):
        def __iter__(self) -> Iterator[bytes]:
            raise AttributeError("no such thing")

    opened = Signals(Broken(), place=PLACE, name="test")  # type: ignore[arg-type]  # a body of a test's own
    with closing(opened), pytest.raises(Unavailable, match="could not be read: AttributeError"):
        opened.take(timeout_s=WAIT_S)
    assert "events failed" in caplog.text


def test_closing_ends_the_thread_and_who_waits() -> None:
    opened, body = heard()
    opened.close()
    opened.close()
    assert body.closed.is_set()
    with pytest.raises(Unavailable):
        opened.take(timeout_s=WAIT_S)
    assert not [each for each in threading.enumerate() if each.name == "events: test"]
