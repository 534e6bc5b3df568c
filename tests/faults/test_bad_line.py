"""A far host behind a bad line: 200 ms away, 2 % of the packets lost, cut without a word, and there again."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from connectors.options import SshOptions, VpnOptions
from runtimes.base import LogQuery
from runtimes.errors import RuntimeProblem
from tests.contract.relay import Relay, listening
from tests.contract.ways import Tunnelled, Way, connected, hop
from tests.contract.world_kubernetes import SimulatedEngine, simulated
from tests.contract.worlds import World, settle
from tests.engines import line, sshd
from tests.engines.line import BAD, Weather, Wire
from tests.engines.openvpn import OpenVpnServer
from tests.engines.process import CannotStart
from tests.engines.wireguard import WireGuardServer

NOTICED_S = 20.0
BACK_S = 5.0
"""What issue and page promise: a lost link is noticed within the first, and the page works again within the second."""
NETWORK = "10.77.3"
TICKS = 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimulatedEngine]:
    with contextlib.closing(simulated()) as engine:
        yield engine


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    try:
        laid = line.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    with contextlib.closing(laid):
        yield laid


@contextlib.contextmanager
def ssh(wire: Wire) -> Iterator[Way]:
    """Put a port of the far host before an sshd of ours: what crosses the wire is one TCP connection, end to end."""
    with contextlib.closing(sshd.start()) as server, connected() as connectors:
        door = Relay(
            (server.host, server.port),
            (wire.host.address, 0),
            binding=lambda address: wire.host.inside(lambda: listening(address)),
        )
        host, port = cast(tuple[str, int], door.address)
        near = hop(server)
        known = near.known_hosts.replace(f"[{server.host}]:{server.port}", f"[{host}]:{port}")
        there = dataclasses.replace(near, host=host, port=port, known_hosts=known)
        with contextlib.closing(door):
            yield Way(connectors, SshOptions(hops=(there,)))


@contextlib.contextmanager
def wireguard(wire: Wire) -> Iterator[Way]:
    server = WireGuardServer(wire.host, NETWORK)
    server.start()
    try:
        with connected() as connectors:
            options = VpnOptions(name="far", kind="wireguard", config=server.profile())
            yield Tunnelled(connectors, options, host=wire.host, address=server.address)
    finally:
        server.kill()


@contextlib.contextmanager
def openvpn(wire: Wire) -> Iterator[Way]:
    server = OpenVpnServer(wire.host, NETWORK)
    server.start()
    try:
        with connected() as connectors:
            options = VpnOptions(name="far", kind="openvpn", config=server.profile())
            yield Tunnelled(connectors, options, host=wire.host, address=server.address)
    finally:
        server.kill()


WAYS: dict[str, Callable[[Wire], contextlib.AbstractContextManager[Way]]] = {
    "ssh": ssh,
    "wireguard": wireguard,
    "openvpn": openvpn,
}


@pytest.fixture(scope="module", params=WAYS)
def way(wire: Wire, request: pytest.FixtureRequest) -> Iterator[Way]:
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(WAYS[request.param](wire))
        except CannotStart as reason:
            pytest.skip(str(reason))


def works(world: World) -> bool:
    """Tell whether the page of the service would show the truth."""
    try:
        world.runtime.overview.read(world.scope)
        return not world.runtime.instances.list(world.scope).stale
    except RuntimeProblem:
        return False


@pytest.mark.often("ssh")
def test_a_slow_line_that_loses_packets_carries_lists_and_follows(
    wire: Wire, way: Way, cluster: SimulatedEngine
) -> None:
    with wire.being(BAD), contextlib.closing(cluster.world(way)) as world:
        name = world.ticking()
        assert [each.name for each in world.runtime.instances.list(world.scope).items] == [name]
        assert world.runtime.instances.get(world.scope, name).instance.name == name
        assert world.runtime.logs is not None
        with contextlib.closing(world.runtime.logs.follow(world.scope, LogQuery(instance=name))) as followed:
            said = [each.text for each, _ in zip(followed, range(TICKS), strict=False)]
        assert said == [f"tick {number}" for number in range(1, TICKS + 1)]


@pytest.mark.often("ssh")
def test_a_cut_line_is_noticed_and_the_page_works_soon_after_it_is_back(
    wire: Wire, way: Way, cluster: SimulatedEngine
) -> None:
    with (
        contextlib.closing(cluster.world(way)) as world,
        contextlib.closing(world.runtime.instances.watch(world.scope)),
    ):
        name = world.healthy()
        settle(lambda: works(world), "a page")
        with wire.being(Weather(cut=True)):
            settle(lambda: world.runtime.instances.list(world.scope).stale, "the loss", within_s=NOTICED_S)
            old = world.runtime.instances.list(world.scope)
            assert [each.name for each in old.items] == [name]
            assert old.problem.endswith((".", "?"))
            time.sleep(NOTICED_S)  # whoever tries again has waited longer and longer
        settle(lambda: works(world), "the page", within_s=BACK_S)
