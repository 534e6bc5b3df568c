from __future__ import annotations

import msgspec
import pytest

from runtimes.base import Usage
from runtimes.engine.answers import MemoryStats, Stats
from runtimes.engine.measures import Sample, cpu_cores, sample, summed, usage, used_memory, without_network


def taken(second: float, cpu_s: float = 0.0, memory: int = 1000, networks: dict[str, object] | None = None) -> Sample:
    answer = {
        "read": f"2026-01-01T00:00:{second:012.9f}Z",
        "cpu_stats": {"cpu_usage": {"total_usage": int(cpu_s * 1e9)}},
        "memory_stats": {"usage": memory},
        "networks": networks,
    }
    found = sample(msgspec.convert(answer, Stats))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("memory", "used"),
    [
        (MemoryStats(usage=1000), 1000),
        (MemoryStats(usage=1000, stats={"total_inactive_file": 300, "inactive_file": 200}), 700),
        (MemoryStats(usage=1000, stats={"inactive_file": 200}), 800),
        (MemoryStats(usage=1000, stats={"inactive_file": 1500}), 1000),
        (MemoryStats(usage=1000, stats={"cache": 500}), 1000),
    ],
)
def test_memory_is_without_the_page_cache_that_goes_first(memory: MemoryStats, used: int) -> None:
    assert used_memory(memory) == used


@pytest.mark.parametrize(
    ("before", "after", "cores"),
    [
        (taken(0, 1.0), taken(2, 2.0), 0.5),
        (taken(0, 1.0), taken(1, 3.0), 2.0),
        (taken(0, 1.0), taken(1, 1.0), 0.0),
        (taken(0, 1.0), taken(0.1, 1.1), None),
        (taken(1, 1.0), taken(0, 2.0), None),
        (taken(0, 5.0), taken(1, 0.2), None),
    ],
)
def test_cpu_is_what_was_used_between_two_samples(before: Sample, after: Sample, cores: float | None) -> None:
    assert cpu_cores(before, after) == (None if cores is None else pytest.approx(cores))


def test_no_figures_are_none_and_never_zero() -> None:
    assert sample(Stats()) is None
    assert sample(Stats(read="2026-01-01T00:00:00Z")) is None
    assert sample(Stats(read="0001-01-01T00:00:00Z", memory_stats=MemoryStats(usage=5))) is None
    assert summed([]).cpu_cores is None


def test_networks_are_added_up_and_absent_ones_are_explained() -> None:
    both = taken(0, networks={"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}})
    assert (both.network_rx_bytes, both.network_tx_bytes) == (11, 22)
    assert usage(both, 0.1).missing_reason == ""
    shared = usage(without_network(both), 0.1, network_reason="It uses the network of the host.")
    assert (shared.network_rx_bytes, shared.missing_reason) == (None, "It uses the network of the host.")


def test_a_sum_leaves_out_what_is_not_known_and_says_so() -> None:
    total = summed(
        [
            Usage(cpu_cores=0.5, memory_bytes=10, network_rx_bytes=1, network_tx_bytes=2),
            Usage(cpu_cores=0.25, memory_bytes=30),
            Usage(missing_reason="Only running containers use anything."),
        ]
    )
    assert (total.cpu_cores, total.memory_bytes, total.network_rx_bytes) == (0.75, 40, 1)
    assert total.missing_reason == "Without 1 of 3 containers. Only running containers use anything."


def test_a_sum_of_nothing_known_is_none_with_the_reason() -> None:
    total = summed([Usage(missing_reason="Only running containers use anything.")] * 2)
    assert total == Usage(missing_reason="Only running containers use anything.")
