"""A network bridge for the containers of one engine, with an address range that nothing on the machine uses."""

from __future__ import annotations

import ipaddress
import json
import random
import secrets
import subprocess
from dataclasses import dataclass

from tests.engines.process import CannotStart

ANSWER_S = 20.0
RANGES = tuple(ipaddress.ip_network("10.208.0.0/12").subnets(new_prefix=24))
"""4,096 ranges to pick from, by chance: a range that was picked is seen by others only when its bridge is up."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """`name` is the interface, `address` the machine's own address on it with its prefix length."""

    name: str
    address: str

    @classmethod
    def made(cls, owner: str) -> Bridge:
        """Make a bridge for `owner`; raise CannotStart when the machine does not allow it."""
        bridge = free(owner)
        try:
            _ip("link", "add", bridge.name, "type", "bridge")
            _ip("address", "add", bridge.address, "dev", bridge.name)
            _ip("link", "set", bridge.name, "up")
        except (OSError, subprocess.SubprocessError) as problem:
            bridge.remove()
            raise CannotStart(f"cannot make a network bridge: {problem}") from problem
        return bridge

    def remove(self) -> None:
        """Remove it; a bridge that is not there is fine."""
        subprocess.run(["ip", "link", "delete", self.name], check=False, capture_output=True, timeout=ANSWER_S)


def free(owner: str) -> Bridge:
    """Choose a name and a range that are free, without making anything. Interface names end at 15 characters."""
    return Bridge(name=f"om-{owner[-4:]}{secrets.token_hex(3)}", address=_free_address())


def _free_address() -> str:
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all"))
    taken = [ipaddress.ip_network(route["dst"]) for route in routes if route["dst"][0].isdigit()]
    for candidate in random.sample(RANGES, len(RANGES)):
        if not any(candidate.overlaps(network) for network in taken):
            return f"{candidate[1]}/{candidate.prefixlen}"
    raise CannotStart("every address range that the tests could use for a bridge is in use")


def _ip(*args: str) -> str:
    done = subprocess.run(["ip", *args], check=True, capture_output=True, text=True, timeout=ANSWER_S)
    return done.stdout
