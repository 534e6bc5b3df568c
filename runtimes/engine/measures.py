"""What a container uses, out of an engine's counters. Pure arithmetic; None where a figure is not known, never 0.

All of it is what `docker stats` shows (docker/cli, cli/command/container/stats_helpers.go). CPU is a counter, so a
figure needs two samples: the share of what all CPUs of the host spent meanwhile, times their number. Podman's own way
is to divide by the time that passed (libpod/stats_common.go), here by the engine's own clock (`read`): that of this
machine would add the time that the answer was on its way. Memory is usage without the page cache that the kernel would
give back at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runtimes.base import Usage
from runtimes.engine.answers import BlockEntry, MemoryStats, Stats, moment

INACTIVE_KEYS = ("total_inactive_file", "inactive_file")
"""The same figure in cgroups v1 (of the whole tree) and v2."""

CPU_SPAN_MIN_S = 0.2
"""Two samples nearer than this say little: cgroup counters move in steps of a scheduler tick (1 to 10 ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One reading of the counters; None is "not known".

    `cpu_nanoseconds` counts since the container started, `system_nanoseconds` what all CPUs of the host have spent.
    """

    at: datetime
    cpu_nanoseconds: int
    system_nanoseconds: int | None = None
    online_cpus: int = 0
    memory_bytes: int | None
    network_rx_bytes: int | None
    network_tx_bytes: int | None
    block_read_bytes: int | None = None
    block_written_bytes: int | None = None


def sample(stats: Stats, *, by_system: bool = True) -> Sample | None:
    """Take a sample from an engine's answer; None where there are no counters (it stopped meanwhile).

    Not `by_system`, CPU is divided by the time that passed.
    """
    at = moment(stats.read)
    if at is None or not stats.memory_stats.usage:  # a process cannot run in no memory: there was no cgroup to read
        return None
    networks, cpu, blocks = stats.networks, stats.cpu_stats, stats.blkio_stats.io_service_bytes_recursive
    online = cpu.online_cpus or len(cpu.cpu_usage.percpu_usage or ())
    return Sample(
        at=at,
        cpu_nanoseconds=cpu.cpu_usage.total_usage,
        system_nanoseconds=cpu.system_cpu_usage if by_system and cpu.system_cpu_usage and online else None,
        online_cpus=online,
        memory_bytes=used_memory(stats.memory_stats),
        network_rx_bytes=sum(each.rx_bytes for each in networks.values()) if networks else None,
        network_tx_bytes=sum(each.tx_bytes for each in networks.values()) if networks else None,
        block_read_bytes=_moved(blocks, "r"),
        block_written_bytes=_moved(blocks, "w"),
    )


def without_network(taken: Sample) -> Sample:
    """Leave the network figures out: they count what others send and receive too."""
    return replace(taken, network_rx_bytes=None, network_tx_bytes=None)


def used_memory(memory: MemoryStats) -> int:
    """Give the bytes in use without inactive page cache."""
    figures = memory.stats or {}
    inactive = next((figures[key] for key in INACTIVE_KEYS if 0 <= figures.get(key, memory.usage) < memory.usage), 0)
    return memory.usage - inactive


def cpu_cores(before: Sample, after: Sample) -> float | None:
    """Give the cores used between two samples; None when they are too near or the container started anew between."""
    span_s = (after.at - before.at).total_seconds()
    used = after.cpu_nanoseconds - before.cpu_nanoseconds
    if span_s < CPU_SPAN_MIN_S or used < 0:
        return None
    if before.system_nanoseconds is None or after.system_nanoseconds is None:
        return used / 1e9 / span_s
    spent = after.system_nanoseconds - before.system_nanoseconds
    return used / spent * after.online_cpus if spent > 0 else None


def usage(after: Sample, cores: float | None, *, network_reason: str = "") -> Usage:
    """Put a sample's figures together; `network_reason` says why there are no network figures."""
    reasons = []
    if cores is None:
        reasons.append("The container started a moment ago.")
    if after.network_rx_bytes is None:
        reasons.append(network_reason or "The engine gives no network figures for it.")
    return Usage(
        cpu_cores=cores,
        memory_bytes=after.memory_bytes,
        network_rx_bytes=after.network_rx_bytes,
        network_tx_bytes=after.network_tx_bytes,
        block_read_bytes=after.block_read_bytes,
        block_written_bytes=after.block_written_bytes,
        missing_reason=" ".join(reasons),
    )


def summed(usages: Iterable[Usage]) -> Usage:
    """Add up what is known; what is known of none stays None. The reason names how many have no figures at all."""
    every = list(usages)
    without = [each for each in every if each.cpu_cores is None and each.memory_bytes is None]
    reason = ""
    if not every:
        reason = "The service has no containers."
    elif len(without) == len(every):
        reason = without[0].missing_reason
    elif without:
        reason = f"Without {len(without)} of {len(every)} containers. {without[0].missing_reason}"
    return Usage(
        cpu_cores=_total(each.cpu_cores for each in every),
        memory_bytes=_whole(each.memory_bytes for each in every),
        network_rx_bytes=_whole(each.network_rx_bytes for each in every),
        network_tx_bytes=_whole(each.network_tx_bytes for each in every),
        block_read_bytes=_whole(each.block_read_bytes for each in every),
        block_written_bytes=_whole(each.block_written_bytes for each in every),
        missing_reason=reason or next((each.missing_reason for each in every if each.missing_reason), ""),
    )


def _moved(entries: Sequence[BlockEntry] | None, letter: str) -> int | None:
    """Add up what was read or written, over all disks; None where the engine gives no figures at all."""
    if entries is None:
        return None
    return sum(each.value for each in entries if each.op[:1].lower() == letter)


def _total(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _whole(figures: Iterable[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
