"""What a change in place sets, in the engines' own terms."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes.base import Resources
from runtimes.changes import SetResources, SetRestartPolicy
from runtimes.engine.updates.limits import by_hand, differences, for_podman, wanted_of
from runtimes.errors import Invalid, Unsupported

MIB = 1024**2


def resources(**values: Any) -> SetResources:
    return SetResources(workload="web", container="web", resources=Resources(**values))


def test_swap_goes_with_memory() -> None:
    usual = {"Memory": 64 * MIB, "MemorySwap": 128 * MIB}
    assert wanted_of(usual, resources(memory_limit_bytes=100 * MIB)) == {"Memory": 100 * MIB, "MemorySwap": 200 * MIB}
    own = {"Memory": 64 * MIB, "MemorySwap": 74 * MIB}
    assert wanted_of(own, resources(memory_limit_bytes=100 * MIB))["MemorySwap"] == 110 * MIB
    endless = {"Memory": 64 * MIB, "MemorySwap": -1}
    assert wanted_of(endless, resources(memory_limit_bytes=100 * MIB))["MemorySwap"] == -1
    assert wanted_of({}, resources(memory_limit_bytes=100 * MIB))["MemorySwap"] == 200 * MIB


def test_cores_are_set_in_the_way_in_which_they_are_set_already() -> None:
    assert wanted_of({"NanoCpus": 1}, resources(cpu_limit_cores=0.5)) == {"NanoCpus": 500_000_000}
    quota = {"CpuQuota": 20_000, "CpuPeriod": 50_000}
    assert wanted_of(quota, resources(cpu_limit_cores=0.5)) == {"CpuQuota": 25_000, "CpuPeriod": 50_000}
    assert wanted_of({"NanoCpus": 500_000_000}, resources(cpu_limit_cores=0.5)) == {}


@pytest.mark.parametrize(
    ("host", "change", "field"),
    [
        ({}, resources(cpu_request_cores=1), Invalid),
        ({}, resources(cpu_limit_cores=0.0), Invalid),
        ({"Memory": 64}, resources(), Unsupported),
        ({"NanoCpus": 64}, resources(), Unsupported),
        ({"MemoryReservation": 64}, resources(), Unsupported),
        ({}, resources(memory_limit_bytes=64, memory_request_bytes=65), Invalid),
        ({}, SetRestartPolicy(workload="web", policy="sometimes"), Invalid),
        ({}, SetRestartPolicy(workload="web", policy="always", retries=1), Invalid),
        ({}, SetRestartPolicy(workload="web", policy="on-failure", retries=-1), Invalid),
    ],
)
def test_what_cannot_be_is_refused(host: dict[str, Any], change: Any, field: type[Exception]) -> None:
    with pytest.raises(field):
        wanted_of(host, change)


def test_a_change_is_said_with_the_line_by_hand() -> None:
    host = {"Memory": 64 * MIB, "MemorySwap": 128 * MIB}
    wanted = wanted_of(host, resources(memory_limit_bytes=96 * MIB, cpu_limit_cores=1.5))
    assert by_hand("a b", wanted, really="docker") == "docker update --memory 96m --memory-swap 192m --cpus 1.5 'a b'"
    rows = [(each.what, each.before, each.after) for each in differences("web", host, wanted)]
    assert rows == [("CPU limit of web", "none", "1.5 cores"), ("memory limit of web", "64 MiB", "96 MiB")]
    policy = wanted_of({}, SetRestartPolicy(workload="web", policy="on-failure", retries=3))
    assert by_hand("web", policy, really="podman") == "podman update --restart on-failure:3 web"


def test_podman_is_asked_in_the_terms_of_the_runtime_specification() -> None:
    wanted = wanted_of({}, resources(memory_limit_bytes=96 * MIB, cpu_limit_cores=0.25))
    assert for_podman(wanted) == {
        "memory": {"limit": 96 * MIB, "swap": 192 * MIB},
        "cpu": {"quota": 25_000, "period": 100_000},
    }
    assert for_podman({"RestartPolicy": {"Name": "always"}}) == {}
