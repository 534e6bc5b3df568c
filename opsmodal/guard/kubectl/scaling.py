"""Lines that set replicas, and the lock: while an autoscaler owns a workload, nobody else sets how many there are.

0 replicas switch an autoscaler off: a number within its bounds then does no more than switch it on again, and passes.
The API has no such lock. A line is judged right before it runs, so what is left is the moment between the two.
"""

from __future__ import annotations

from opsmodal.guard.kubectl.changing import named
from opsmodal.guard.kubectl.kinds import WITH_PODS, spellings
from opsmodal.guard.kubectl.objects import Object, objects
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.saying import Line, managed
from opsmodal.guard.verdict import Verdict
from opsmodal.guard.world import World

_SCALABLE = WITH_PODS - {"daemonsets"}
_OWNED = frozenset({"replicasets", "replicationcontrollers"})
"""Kinds that others make: whose they are has to be known."""
OWNERS_MAX = 8
"""How many owners are followed; a chain of three is long."""


def scale(line: Line) -> Verdict:
    """Judge scale: named workloads, a number, none of them an autoscaler's."""
    replicas = line.read.last("replicas")
    if replicas is None or (count := number(replicas)) is None:
        raise Refused("kubectl-scale", "No number of replicas is given.")
    found = _scalable(line, count)
    return managed(line, found, destroys="This stops every pod of it." if count == 0 else "")


def autoscale(line: Line) -> Verdict:
    """Judge autoscale: a second autoscaler for one workload would be a way to set its replicas."""
    return managed(line, _scalable(line))


def _scalable(line: Line, count: int | None = None) -> tuple[Object, ...]:
    found = objects(line.words, line.world)
    named(line, found)
    for each in found:
        if not each.sort.custom and each.sort.plural not in _SCALABLE:
            raise Refused("kubectl-kind-here", f"{each.sort.plural} have no replicas.", "Name a deployment.")
        check_unlocked(each, line.world, count)
    return found


def check_unlocked(each: Object, world: World, count: int | None = None) -> None:
    """Refuse to touch the replicas of what an autoscaler owns. Raise Refused.

    Only a `count` passes that does no more than switch on again an autoscaler that 0 replicas have switched off.
    """
    owner = autoscaled_by(each, world)
    if not owner:
        return
    belongs = "" if owner == each.key else f", which {each.key} belongs to"
    bounds = world.switched_off.get(owner) if owner == each.key and not each.sort.custom else None
    if bounds is None or count is None:
        raise Refused("kubectl-autoscaled", f"An autoscaler owns {owner}{belongs}.")
    least, most = bounds
    if not least <= count <= most:
        hint = f"Scale it to a number between {least} and {most}: that switches the autoscaler on again."
        raise Refused("kubectl-autoscaled", f"An autoscaler owns {owner}, which 0 replicas have switched off.", hint)


def autoscaled_by(each: Object, world: World) -> str:
    """Give the workload that an autoscaler owns and that the object is or belongs to; "" where there is none."""
    scaled = world.autoscaled
    if not scaled:
        return ""
    for kind in spellings(each.sort, {key.partition("/")[0] for key in scaled}, world):
        if owner := _scaled_above(f"{kind}/{each.name}", world):
            return owner
    return _by_name(each, scaled) if each.sort.plural in _OWNED and each.key not in world.owners else ""


def _scaled_above(key: str, world: World) -> str:
    """Follow who owns what up to the first that an autoscaler owns; "" where there is none."""
    here: str | None = key
    for _ in range(OWNERS_MAX):
        if here in world.autoscaled:
            return here or ""
        here = world.owners.get(here or "")
    return ""


def _by_name(each: Object, scaled: frozenset[str]) -> str:
    """Say whose it could be by its name: a deployment's replica set is called after it."""
    return next((key for key in sorted(scaled) if each.name.startswith(f"{key.partition('/')[2]}-")), "")


def number(text: str) -> int | None:
    """Read a number as Go does for a flag: 0x0, 0b0, 0_0 and 00 are all nothing. None for what is none."""
    try:
        return int(text, 0)
    except ValueError:
        return (
            int(text, 8)
            if text.lstrip("+-").isdecimal() and text.isascii() and set(text) <= set("+-01234567")
            else None
        )
