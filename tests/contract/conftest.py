"""One set of cases, every engine: gives each case a fresh World on each engine that this machine has."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import cast

import pytest

from tests.contract.worlds import Absent, Engine, World
from tests.engines.cluster import SETTING

ENGINES = {
    "simulated": "world_kubernetes:simulated",
    "cluster": "world_kubernetes:cluster",
    "docker": "world_engine:docker",
    "podman": "world_engine:podman",
}
"""Each names a function without arguments that gives an Engine or raises Absent."""


NAMED = [name for name in ENGINES if name != "cluster" or os.environ.get(SETTING)]
"""A real cluster takes part where one is named; `test_real_cluster.py` says once when none is."""


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


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    """Give an empty service on the engine and sweep it away afterwards."""
    made = engine.world()
    yield made
    made.close()
