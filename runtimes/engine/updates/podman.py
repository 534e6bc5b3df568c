"""What Podman shows through its Docker-compatible API, written as it takes it. Pure.

It answers with what a container got, where Docker answers with what was asked for: variables that it adds itself,
limits in two ways at once, ulimits by the kernel's names. What it does not show at all (`UNSHOWN`) is found in the
command line that made the container, which it keeps for those made by its own program.

Source: podman 4.3, pkg/api/handlers/compat/containers.go and containers_create.go, read beside its answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runtimes.engine.updates.raw import Raw, items, pairs, part, written

ADDED = {"TERM": "xterm", "container": "podman"}
"""Variables that podman gives to every container."""
HOMES = ("/", "/root")
RLIMIT = "RLIMIT_"
DEFAULT_SIGNAL = "15"
PERIOD = 100_000
NANO = 10_000
"""Billionths of a core for each microsecond of quota in the usual period."""
ALL_RIGHTS = "rwm"
UNSHOWN = (
    *("annotation", "cgroup-conf", "cgroup-parent", "cgroups", "chrootdirs", "conmon-pidfile", "decryption-key"),
    *("device-cgroup-rule", "gidmap", "gpus", "group-entry", "hostuser", "image-volume", "mac-address"),
    *("no-hosts", "passwd", "passwd-entry", "personality", "pidfile", "pod", "pod-id-file", "requires", "rootfs"),
    *("sdnotify", "seccomp-policy", "secret", "security-opt", "subgidname", "subuidname", "systemd", "timeout"),
    *("tz", "uidmap", "umask", "unsetenv", "unsetenv-all", "userns", "variant", "volumes-from"),
    *("blkio-weight", "blkio-weight-device", "cpu-rt-period", "cpu-rt-runtime", "network-alias", "health-start-period"),
)
"""Options of `podman run` of which its compatible API does not tell all: a container with one is left alone."""
SYSCTL = "sysctl"
NETWORK = ("network", "net")
ADDRESS = ("ip", "ip6")
SHARED = "container:"
"""Of `--network`: what follows names another container, which podman does tell."""
CARRIED = ("ip=", "ip6=", "alias=")
"""What of `--network NAME:…` is carried over; podman itself shows only the aliases."""


def as_asked(container: Raw, command: Sequence[str] = ()) -> dict[str, Any]:
    """Give what podman shows of a container as one would ask for it; `command` is what made it, where that is known."""
    config, host = dict(part(container, "Config")), dict(part(container, "HostConfig"))
    config["Env"] = _environment(config)
    if str(config.get("StopSignal")) == DEFAULT_SIGNAL:
        config["StopSignal"] = ""
    if config.get("WorkingDir") == "/":
        config["WorkingDir"] = ""
    host |= {"Ulimits": _ulimits(host), "Devices": _devices(host), **_processor(host)}
    if sysctls := dict(_sysctls(command)):
        host["Sysctls"] = sysctls
    if host.get("MemorySwappiness") == -1:
        host["MemorySwappiness"] = None
    networks = _networks(container, dict(_addresses(command)))
    settings = {**part(container, "NetworkSettings"), "Networks": networks}
    return {**container, "Config": config, "HostConfig": host, "NetworkSettings": settings}


def unshown(command: Sequence[str]) -> tuple[str, ...]:
    """Name the options of a command line that podman does not tell of afterwards."""
    found = {f"--{name}" for name, _ in _options(command) if name in UNSHOWN}
    for name, value in _options(command):
        words = value.partition(":")[2].split(",") if name in NETWORK and not value.startswith(SHARED) else ()
        found |= {f"--{name} …:{word.partition('=')[0]}" for word in words if word and not word.startswith(CARRIED)}
    return tuple(sorted(found))


def _environment(config: Raw) -> list[str]:
    env = pairs(items(config, "Env"))
    if env.get("HOSTNAME") == config.get("Hostname"):
        env.pop("HOSTNAME", None)
    if env.get("HOME") in HOMES:
        env.pop("HOME")
    return written({name: value for name, value in env.items() if ADDED.get(name) != value})


def _ulimits(host: Raw) -> list[dict[str, Any]]:
    found = (
        {**each, "Name": str(each.get("Name", "")).removeprefix(RLIMIT).lower()} for each in items(host, "Ulimits")
    )
    return sorted(found, key=lambda each: str(each["Name"]))


def _devices(host: Raw) -> list[dict[str, Any]]:
    return [
        {**each, "CgroupPermissions": each.get("CgroupPermissions") or ALL_RIGHTS} for each in items(host, "Devices")
    ]


def _processor(host: Raw) -> dict[str, int]:
    """Give the CPU limit in one way: podman shows cores also as quota and period, and takes only one of both."""
    nano, quota, period = (int(host.get(key) or 0) for key in ("NanoCpus", "CpuQuota", "CpuPeriod"))
    if nano and period == PERIOD and quota * NANO == nano:
        return {"NanoCpus": nano, "CpuQuota": 0, "CpuPeriod": 0}
    return {"NanoCpus": 0 if quota else nano, "CpuQuota": quota, "CpuPeriod": period}


def _sysctls(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, value in _options(command):
        if name == SYSCTL:
            key, _, setting = value.partition("=")
            yield key, setting


def _networks(container: Raw, addresses: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Give the networks with the addresses that were asked for: "" is that of the only one."""
    found = part(container, "NetworkSettings", "Networks")
    alone = addresses.get("", {})
    asked = {name: {**addresses.get(name, {}), **(alone if len(found) == 1 else {})} for name in found}
    return {name: {**(each or {}), "IPAMConfig": asked[name] or None} for name, each in found.items()}


def _addresses(command: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in _options(command):
        if name in ADDRESS:
            yield "", {_family(value): value}
        if name in NETWORK:
            network, _, words = value.partition(":")
            split = (word.partition("=") for word in words.split(","))
            if ips := {_family(ip): ip for key, _, ip in split if key in ADDRESS}:
                yield network, ips


def _family(ip: str) -> str:
    return "IPv6Address" if ":" in ip else "IPv4Address"


def _options(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read the long options of a command line with their values.

    The command of the container itself is read as well: it can only bring options in that are not there.
    """
    for at, word in enumerate(command):
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            yield name, value if equals or at + 1 == len(command) else command[at + 1]
