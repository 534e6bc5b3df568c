"""Tunnels of the tests: a folder of their own, and proof that nothing of them is left on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.options import VpnOptions
from connectors.vpn.tunnels import Tunnel
from tests.engines import wireguard
from tests.engines.netns import machine_network
from tests.engines.process import CannotStart, own_folder, sweep, wait_for
from tests.engines.wireguard import WireGuardServer
from tests.unit.connectors.vpn.left import children_of, is_running, keepers_of

IDLE_S = 1.5
"""Long enough for two dials one after the other, short enough to be waited for."""

MakeTunnel = Callable[..., Tunnel]


@pytest.fixture(scope="module")
def wireguard_session() -> Iterator[WireGuardServer]:
    try:
        server = wireguard.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield server
    server.close()


@pytest.fixture(scope="module")
def untouched_by_module(wireguard_session: WireGuardServer) -> Iterator[None]:
    before = machine_network()
    yield
    assert machine_network() == before


@pytest.fixture
def peer(wireguard_session: WireGuardServer) -> WireGuardServer:
    """Give a WireGuard peer that runs; tests that break it take `own_peer`."""
    return wireguard_session


@pytest.fixture
def own_peer() -> Iterator[WireGuardServer]:
    """Give a WireGuard peer that the test may break."""
    try:
        server = wireguard.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield server
    server.close()


@pytest.fixture
def home() -> Iterator[Path]:
    """Give the folder of an installation; its keepers are killed afterwards, and all else must end by that."""
    folder = own_folder("vpn")
    folder.chmod(0o700)
    yield folder
    held = [child for keeper in keepers_of(folder) for child in (*children_of(keeper), keeper)]
    for keeper in keepers_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGKILL)
    try:
        wait_for(lambda: not any(map(is_running, held)), f"the tunnels of {folder} ended", within_s=10)
    finally:
        sweep(folder)


@pytest.fixture
def tunnel(home: Path) -> MakeTunnel:
    """Make tunnels of a profile in the folder of the test."""

    def make(config: str, *, name: str = "hq", kind: str = "wireguard", **more: object) -> Tunnel:
        options = VpnOptions(name=name, kind=kind, config=config, **more)  # type: ignore[arg-type]  # a test's own words
        return Tunnel(home, options, idle_s=IDLE_S)

    return make


@pytest.fixture
def untouched() -> Iterator[None]:
    """Hold that the machine's interfaces, addresses, routes and rules are afterwards as they were."""
    before = machine_network()
    yield
    assert machine_network() == before
