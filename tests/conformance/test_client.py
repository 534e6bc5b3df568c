"""Every client call on the simulated cluster. tests/real plays the same on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opsmodal.demo.cluster import Cluster
from tests.conformance.calls import CALLS, Call
from tests.conformance.rooms import connected, room_of


@pytest.fixture(scope="session")
def api(played: Cluster) -> Iterator[Any]:
    with connected(played.kubeconfig()) as client:
        yield client


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_call_is_answered_as_a_real_cluster_does(api: Any, call: Call) -> None:
    with room_of(api) as room:
        call(room)
