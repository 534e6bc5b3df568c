from __future__ import annotations

import pytest

from runtimes.engine.answers import Info
from runtimes.engine.meter import network_reason, why_blind
from tests.unit.runtimes.engine.made import container


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("bridge", ""),
        ("default", ""),
        ("shop_default", ""),
        ("host", "It uses the network of the host."),
        ("none", "It has no network."),
        ("container:abc", "It shares the network of another container."),
        ("ns:/run/netns/x", "It shares the network of another container."),
    ],
)
def test_a_network_that_is_not_its_own_is_not_counted(mode: str, reason: str) -> None:
    assert network_reason(container(HostConfig={"NetworkMode": mode})) == reason


@pytest.mark.parametrize(
    ("info", "blind"),
    [
        (Info(cgroup_version="1"), False),
        (Info(cgroup_version="2", rootless=True), False),
        (Info(cgroup_version="1", rootless=True), True),
        (Info(cgroup_version="1", cgroup_driver="none"), True),
    ],
)
def test_an_engine_that_cannot_measure_is_known_beforehand(info: Info, blind: bool) -> None:
    assert bool(why_blind(info)) is blind
