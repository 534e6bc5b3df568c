"""What a real container uses, beside what its engine's own `stats --no-stream` says of the same one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from runtimes.base import Usage
from tests.contract.world_engine import EngineWorld, running
from tests.contract.worlds import World, settle

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
AMOUNT = re.compile(r"([0-9.]+) ?([A-Za-z]+)")
CORES_APART = 0.1
BYTES_APART = 1_000_000
"""Both look at their own moment: what a program asks the kernel for goes up and down by some pages."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the engine's program prints: cores, and bytes of memory, received, sent, read and written."""

    cores: float
    amounts: tuple[float, float, float, float, float]


def said(box: EngineWorld, name: str) -> Said:
    if box.kind == "docker":
        shown = json.loads(box.engine.cli("stats", "--no-stream", "--format", "{{json .}}", name))
        keys = ("CPUPerc", "MemUsage", "NetIO", "BlockIO")
    else:
        (shown,) = json.loads(box.engine.cli("stats", "--no-stream", "--format", "json", name))
        keys = ("cpu_percent", "mem_usage", "net_io", "block_io")
    percent, memory, network, disk = (shown[key] for key in keys)
    (used, _), (received, sent), (read, written) = (AMOUNT.findall(text) for text in (memory, network, disk))
    numbers = tuple(float(number) * UNITS[unit] for number, unit in (used, received, sent, read, written))
    return Said(float(percent.rstrip("%")) / 100, numbers)  # type: ignore[arg-type]


def alike(usage: Usage, other: Said) -> bool:
    ours = (
        usage.memory_bytes,
        usage.network_rx_bytes,
        usage.network_tx_bytes,
        usage.block_read_bytes,
        usage.block_written_bytes,
    )
    if usage.cpu_cores is None or abs(usage.cpu_cores - other.cores) > CORES_APART:
        return False
    return all(
        mine is not None and abs(mine - its) < BYTES_APART for mine, its in zip(ours, other.amounts, strict=True)
    )


@pytest.mark.parametrize("script", ["while true; do :; done", "exec sleep 3600"])
def test_the_figures_are_those_of_the_engines_own_program(world: World, script: str) -> None:
    assert isinstance(world, EngineWorld)
    filled = f"head -c 8000000 /dev/zero > /filled; cat /filled > /dev/null; {script}"
    name = world.run(filled, running, "--cpus", "0.3")
    seen: list[object] = []

    def agree() -> bool:
        (row,) = [each for each in world.runtime.instances.list(world.scope).items if each.name == name]
        seen[:] = [row.usage, said(world, name)]
        return alike(row.usage, seen[1])  # type: ignore[arg-type]

    settle(agree, "figures that are alike")
    usage = seen[0]
    assert isinstance(usage, Usage)
    assert usage.memory_bytes is not None
    assert usage.memory_bytes > 0
