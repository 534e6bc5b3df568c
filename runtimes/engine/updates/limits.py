"""What of a container's HostConfig a change in place sets, and how that is asked for and said. Pure.

Limits go through control groups, so they hold at once. Neither engine takes a limit away that way, and swap goes with
memory: what a container may swap stays as much as it was.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from runtimes.base import Resources
from runtimes.changes import SetResources, SetRestartPolicy
from runtimes.engine.problems import Kind
from runtimes.engine.updates.raw import Raw, part
from runtimes.engine.updates.readable import NANO, policy_text, size_text
from runtimes.errors import Invalid, Unsupported
from runtimes.planning import Difference

InPlaceChange = SetResources | SetRestartPolicy
Settings = Mapping[str, Any]
"""Fields of HostConfig with what they are to be."""
PERIOD_US = 100_000
POLICIES = ("no", "always", "unless-stopped", "on-failure")
RETRIES_MAX = 1_000_000
MIB = 1024**2
REVISION_CHARS = 32
READ = ("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuQuota", "CpuPeriod", "RestartPolicy")


def wanted_of(host: Raw, change: InPlaceChange) -> Settings:
    """Give what a change sets; {} where everything is as it is wanted. Raise Invalid or Unsupported with why."""
    if isinstance(change, SetRestartPolicy):
        policy = _policy(change)
        return {} if policy_text(policy) == policy_text(part(host, "RestartPolicy")) else {"RestartPolicy": policy}
    if change.resources.cpu_request_cores is not None:
        raise Invalid(
            "An engine knows no CPU request.", hint="Set a CPU limit, or leave it empty.", field="cpu_request"
        )
    return {**_processor(host, change.resources), **_memory(host, change.resources)}


def differences(name: str, host: Raw, wanted: Settings) -> tuple[Difference, ...]:
    """Say in words what is set, with what it was."""
    before, after = dict(_said(host)), dict(_said({**host, **wanted}))
    return tuple(
        Difference(what=f"{what} of {name}", before=before[what], after=after[what])
        for what in after
        if before[what] != after[what]
    )


def by_hand(name: str, wanted: Settings, *, really: Kind) -> str:
    """Write the line that does the same."""
    return f"{really} update {' '.join(_options(wanted))} {shlex.quote(name)}"


def for_podman(wanted: Settings) -> dict[str, Any]:
    """Write limits as podman takes them: the runtime specification's LinuxResources."""
    memory = {"limit": wanted.get("Memory"), "reservation": wanted.get("MemoryReservation")}
    memory |= {"swap": wanted.get("MemorySwap")}
    quota, period = wanted.get("CpuQuota"), wanted.get("CpuPeriod") or PERIOD_US
    if nano := wanted.get("NanoCpus"):
        quota, period = nano * PERIOD_US // NANO, PERIOD_US
    found = {"memory": {key: value for key, value in memory.items() if value}}
    found["cpu"] = {"quota": quota, "period": period} if quota else {}
    return {key: value for key, value in found.items() if value}


def revision_of(container: str, host: Raw) -> str:
    """Name what was looked at: the container, and what can be changed of it."""
    looked_at = msgspec.json.encode([container, [host.get(key) for key in READ]])
    return hashlib.sha256(looked_at).hexdigest()[:REVISION_CHARS]


def _policy(change: SetRestartPolicy) -> dict[str, Any]:
    if change.policy not in POLICIES:
        hint = f"One of {', '.join(POLICIES)}."
        raise Invalid(f"{change.policy[:40]!r} is no restart policy.", hint=hint, field="policy")
    if not 0 <= change.retries <= RETRIES_MAX or (change.retries and change.policy != "on-failure"):
        hint = f"0 to {RETRIES_MAX}, and only for on-failure; 0 is without end."
        raise Invalid("So many tries do not go with this restart policy.", hint=hint, field="retries")
    return {"Name": change.policy, "MaximumRetryCount": change.retries}


def _processor(host: Raw, wanted: Resources) -> Settings:
    nano, quota = int(host.get("NanoCpus") or 0), int(host.get("CpuQuota") or 0)
    period = int(host.get("CpuPeriod") or 0) or PERIOD_US
    now = nano or max(0, quota) * NANO // period
    if wanted.cpu_limit_cores is None:
        _demand_none(now, "CPU limit", "cpu_limit")
        return {}
    asked = round(wanted.cpu_limit_cores * NANO)
    if asked <= 0:
        raise Invalid("The CPU limit must be more than 0.", hint="0.5 is half a core.", field="cpu_limit")
    if asked == now:
        return {}
    if quota > 0 and not nano:  # neither engine takes both
        return {"CpuQuota": asked * period // NANO, "CpuPeriod": period}
    return {"NanoCpus": asked}


def _memory(host: Raw, wanted: Resources) -> Settings:
    now, kept = int(host.get("Memory") or 0), int(host.get("MemoryReservation") or 0)
    found: dict[str, Any] = {}
    if wanted.memory_limit_bytes is None:
        _demand_none(now, "memory limit", "memory_limit")
    elif wanted.memory_limit_bytes != now:
        found |= {"Memory": wanted.memory_limit_bytes, "MemorySwap": _swap(host, wanted.memory_limit_bytes)}
    if wanted.memory_request_bytes is None:
        _demand_none(kept, "memory reservation", "memory_request")
    elif wanted.memory_request_bytes != kept:
        found["MemoryReservation"] = wanted.memory_request_bytes
    limit = found.get("Memory", now)
    if limit and found.get("MemoryReservation", kept) > limit:
        hint = "Memory that is reserved counts to the limit."
        raise Invalid("The memory reservation is above the limit.", hint=hint, field="memory_request")
    return found


def _swap(host: Raw, memory: int) -> int:
    """Give memory and swap together, as engines count it: twice the memory where nobody said otherwise."""
    now, swap = int(host.get("Memory") or 0), int(host.get("MemorySwap") or 0)
    if swap < 0:
        return swap
    return memory * 2 if not swap or swap == now * 2 else memory + max(0, swap - now)


def _demand_none(now: int, what: str, field: str) -> None:
    if now:
        raise Unsupported(
            f"An engine does not take a {what} away from a container that is there.",
            hint=f"Set a high one ({field}), or make the container again without it, with what made it.",
        )


def _said(host: Raw) -> Iterator[tuple[str, str]]:
    nano, quota = int(host.get("NanoCpus") or 0), int(host.get("CpuQuota") or 0)
    cores = nano / NANO or max(0, quota) / (int(host.get("CpuPeriod") or 0) or PERIOD_US)
    yield "CPU limit", f"{cores:g} cores" if cores else "none"
    for key, what in (("Memory", "memory limit"), ("MemoryReservation", "memory reservation")):
        yield what, size_text(size) if (size := int(host.get(key) or 0)) else "none"
    yield "restart policy", policy_text(part(host, "RestartPolicy"))


def _options(wanted: Settings) -> Iterator[str]:
    flags = {"Memory": "--memory", "MemorySwap": "--memory-swap", "MemoryReservation": "--memory-reservation"}
    for key, flag in flags.items():
        if size := wanted.get(key):
            yield f"{flag} {f'{size // MIB}m' if size % MIB == 0 else size}"
    if nano := wanted.get("NanoCpus"):
        yield f"--cpus {nano / NANO:g}"
    if quota := wanted.get("CpuQuota"):
        yield f"--cpu-quota {quota} --cpu-period {wanted.get('CpuPeriod')}"
    if policy := wanted.get("RestartPolicy"):
        yield f"--restart {policy_text(policy)}"
