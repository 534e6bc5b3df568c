"""Drafts what a container asks for and may use. Values that are not ours to show, such as GPUs, stay as they are. Pure.

Source of the spelling: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from runtimes.base import Resources
from runtimes.changes import SetResources
from runtimes.errors import Invalid
from runtimes.kubernetes.api.media import STRATEGIC
from runtimes.kubernetes.changes.draft import Asked, Draft, changed, command, patch, patch_command
from runtimes.kubernetes.changes.found import Found, Obj, part
from runtimes.kubernetes.changes.images import container_of, in_container
from runtimes.kubernetes.changes.rollouts import by_hand, pods_of, rolls
from runtimes.kubernetes.objects.quantity import quantity

MILLI = Decimal("0.001")
"""The finest share of a core that the API takes."""
BINARY: Mapping[str, int] = {"Ti": 2**40, "Gi": 2**30, "Mi": 2**20, "Ki": 2**10}
CORES_MAX, BYTES_MAX = 1_000_000, 2**60
"""More than any node has: a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value: `side` is "requests" or "limits", `name` "cpu" or "memory"; "" is nothing."""

    side: str
    name: str
    before: str
    after: str

    @property
    def words(self) -> str:
        return f"{'CPU' if self.name == 'cpu' else self.name} {self.side.removesuffix('s')}"

    @property
    def changes(self) -> bool:
        return quantity(self.before or None) != quantity(self.after or None)


def set_resources(asked: Asked, change: SetResources) -> Draft:
    """Draft other requests and limits. Raise Invalid for what cannot be, and for a container that is not there."""
    found = asked.found
    field, container = container_of(found, change.container)
    name, every = str(container["name"]), tuple(_settings(container, change.resources))
    _demand_sensible(every)
    settings = tuple(each for each in every if each.changes)
    body = in_container(found, field, name, {"resources": _patch(settings)})
    return Draft(
        calls=(patch(found, body, media=STRATEGIC),),
        summary=f"Set what {name} in {found.words} asks for and may use",
        command=_command(found, name, settings, body),
        sentence=f"What {name} in {found.words} asks for and may use was set.",
        differences=tuple(
            one for each in settings for one in changed(f"{each.words} of {name}", each.before, each.after)
        ),
        warnings=(*_warnings(every), *by_hand(found)),
        hits=pods_of(found) if rolls(found) else (),
        already="" if settings else f"{name} in {found.words} asks for and may use just that already.",
        lasting=rolls(found),
    )


def spelled_cores(cores: float) -> str:
    """Write cores as people do: `250m`, `2`. Raise Invalid for what is none."""
    if not 0 <= cores <= CORES_MAX:  # also what is no number
        raise Invalid(f"{cores} is no number of cores.", hint="Give cores, such as 0.25.")
    millis = int((Decimal(str(cores)) / MILLI).to_integral_value(rounding="ROUND_CEILING"))
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def spelled_bytes(count: int) -> str:
    """Write bytes as people do: `256Mi`, `1500000`. Raise Invalid for what is none."""
    if not 0 <= count <= BYTES_MAX:
        raise Invalid(f"{count} is no number of bytes.", hint="Give bytes, such as 268435456 for 256Mi.")
    unit = next((unit for unit, size in BINARY.items() if count and count % size == 0), "")
    return f"{count // BINARY[unit]}{unit}" if unit else str(count)


def _settings(container: Obj, wanted: Resources) -> Iterator[Setting]:
    told = {
        ("requests", "cpu"): None if wanted.cpu_request_cores is None else spelled_cores(wanted.cpu_request_cores),
        ("requests", "memory"): None
        if wanted.memory_request_bytes is None
        else spelled_bytes(wanted.memory_request_bytes),
        ("limits", "cpu"): None if wanted.cpu_limit_cores is None else spelled_cores(wanted.cpu_limit_cores),
        ("limits", "memory"): None if wanted.memory_limit_bytes is None else spelled_bytes(wanted.memory_limit_bytes),
    }
    for (side, name), after in told.items():
        before = part(container, "resources", side).get(name)
        yield Setting(side=side, name=name, before="" if before is None else str(before), after=after or "")


def _demand_sensible(settings: tuple[Setting, ...]) -> None:
    wanted = {(each.side, each.name): each.after for each in settings if each.after}
    for name in ("cpu", "memory"):
        request, limit = wanted.get(("requests", name)), wanted.get(("limits", name))
        if request and limit and (quantity(request) or 0) > (quantity(limit) or 0):
            raise Invalid(
                f"The {name} request of {request} is above its limit of {limit}.",
                hint="Raise the limit, or ask for less.",
            )


def _patch(settings: tuple[Setting, ...]) -> Obj:
    sides: Obj = {}
    for each in settings:
        sides.setdefault(each.side, {})[each.name] = each.after or None
    return sides


def _command(found: Found, name: str, settings: tuple[Setting, ...], body: Obj) -> str:
    """Give `set resources`, or the patch where a value is taken away, which that command cannot."""
    if any(not each.after for each in settings):
        return patch_command(found, body, media=STRATEGIC)
    flags = []
    for side in ("requests", "limits"):
        given = [f"{each.name}={each.after}" for each in settings if each.side == side]
        flags += [f"--{side}={','.join(given)}"] if given else []
    return command(found, "set", "resources", found.target, f"-c={name}", *flags)


def _warnings(settings: tuple[Setting, ...]) -> Iterator[str]:
    wanted = {(each.side, each.name) for each in settings if each.after}
    if ("limits", "memory") not in wanted:
        yield "Without a limit of memory it may take all that its node has, and others there are ended for it."
    if not wanted:
        yield "With nothing set its pods are BestEffort: the first to go when a node runs short."
