"""The bad line of the tests is itself tried: a test of patience on a line that is not bad proves nothing."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.engines import line
from tests.engines.line import Weather, Wire
from tests.engines.netns import ran
from tests.engines.process import CannotStart

DATAGRAMS = 400


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    try:
        laid = line.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    with contextlib.closing(laid):
        yield laid


def test_a_delay_is_that_of_both_ways(wire: Wire) -> None:
    port = wire.host.echo(wire.host.address)
    with socket.create_connection((wire.host.address, port), timeout=5) as asked:
        for delay_s in (0.0, 0.1):
            with wire.being(Weather(delay_s=delay_s)):
                began = time.monotonic()
                asked.sendall(b"?")
                assert asked.recv(1) == b"?"
                took_s = time.monotonic() - began
            assert 2 * delay_s <= took_s < 2 * delay_s + 0.1


def test_what_is_lost_is_lost_to_datagrams_and_made_good_by_tcp(wire: Wire) -> None:
    receiver = wire.host.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, wire.being(Weather(loss=0.5)):
        receiver.bind((wire.host.address, 0))
        receiver.settimeout(0.5)
        for _ in range(DATAGRAMS):
            sender.sendto(b"x", receiver.getsockname())
            time.sleep(0.0005)
        came = 0
        with contextlib.suppress(TimeoutError):
            while receiver.recv(10):
                came += 1
    assert DATAGRAMS * 0.3 < came < DATAGRAMS * 0.7
    port = wire.host.echo(wire.host.address)
    said = bytes(range(256)) * 100
    with wire.being(Weather(loss=0.1)), socket.create_connection((wire.host.address, port), timeout=20) as asked:
        asked.sendall(said)
        heard = b""
        while len(heard) < len(said):
            heard += asked.recv(65_536)
    assert heard == said


def test_a_cut_wire_says_nothing_and_goes_on_afterwards(wire: Wire) -> None:
    port = wire.host.echo(wire.host.address)
    with socket.create_connection((wire.host.address, port), timeout=0.5) as asked:
        with wire.being(Weather(cut=True)):
            asked.sendall(b"?")
            with pytest.raises(TimeoutError):
                asked.recv(1)
        asked.settimeout(10)
        assert asked.recv(1) == b"?"


def network() -> str:
    """Give the machine's own interfaces and routes, those of tests included."""
    return ran("ip", "-br", "link") + ran("ip", "route", "show", "table", "all")


def test_nothing_of_a_wire_is_left() -> None:
    try:
        laid = line.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    name = laid.host.name
    assert name in network()
    laid.close()
    assert name not in network()
    assert not laid.host.folder.exists()
