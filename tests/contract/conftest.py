"""One set of cases, every engine, every way: gives each case a fresh World on each engine, over each connection.

`make test` runs all of them over a direct connection, and those marked `smoke` over the other ways too, each way with
an engine or two of `PAIRS`; `make test-all` runs all over all.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from typing import cast

import pytest

from tests.contract.ways import DIRECT, WAYS, Way
from tests.contract.worlds import Absent, Engine, World
from tests.engines.cluster import SETTING
from tests.engines.process import CannotStart

ENGINES = {
    "simulated": "world_kubernetes:simulated",
    "cluster": "world_kubernetes:cluster",
    "docker": "world_engine:docker",
    "podman": "world_engine:podman",
}
"""Each names a function without arguments that gives an Engine or raises Absent."""


NAMED = [name for name in ENGINES if name != "cluster" or os.environ.get(SETTING)]
"""A real cluster takes part where one is named; `test_real_cluster.py` says once when none is."""


PAIRS = {"ssh": {"simulated", "docker"}, "jump": {"podman"}, "wireguard": {"simulated"}, "openvpn": {"docker"}}
"""Which engine `make test` reaches over which way: every way and every engine, but not every two of them."""


@pytest.hookimpl(tryfirst=True)  # pytest leaves out what is marked in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make test-all` what is over another way than the direct one and no smoke test, or of no pair."""
    for item in items:
        taken = getattr(item, "callspec", None)
        way = taken.params.get("way", DIRECT) if taken else DIRECT
        if way != DIRECT and (item.get_closest_marker("smoke") is None or not _is_pair(way, item.name)):
            item.add_marker(pytest.mark.exhaustive)


def _is_pair(way: str, name: str) -> bool:
    """Tell whether a case takes an engine that goes with the way; its engine stands among its parameters."""
    return bool(PAIRS[way] & set(name.partition("[")[2].rstrip("]").split("-")))


@pytest.fixture(scope="session", params=NAMED)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Start or find one engine for the whole run; skip what this machine cannot have, with the reason."""
    module, function = ENGINES[request.param].split(":")
    try:
        opened = cast(Engine, getattr(importlib.import_module(f"tests.contract.{module}"), function)())
    except Absent as absent:
        pytest.skip(f"{request.param}: {absent}")
    yield opened
    opened.close()


@pytest.fixture(scope="session", params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """Open one way for the whole run; skip what this machine cannot have, with the reason."""
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(WAYS[request.param]())
        except CannotStart as reason:
            pytest.skip(f"{request.param}: {reason}")
        yield opened


@pytest.fixture
def world(engine: Engine, way: Way) -> Iterator[World]:
    """Give an empty service on the engine, reached over the way, and sweep it away afterwards."""
    made = engine.world(way)
    yield made
    made.close()
