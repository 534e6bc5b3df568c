"""Quantities as people type them for CPU and memory, and as a form shows them again. Pure.

Source of the suffixes: the Kubernetes API reference, Quantity; docker takes the same small ones without "i" as ours.
"""

from __future__ import annotations

import re
from decimal import Decimal

from opsmodal.errors import BadRequest

_TYPED = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]{0,2})")
CPU = {"": Decimal(1), "m": Decimal("0.001")}
_KI = 1024
MEMORY = {
    "": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": _KI,
    "Mi": _KI**2,
    "Gi": _KI**3,
    "Ti": _KI**4,
}


def cores(typed: str, what: str) -> float | None:
    """Read a number of cores: `250m`, `0.25`, `2`. None for nothing. Raise BadRequest."""
    found = _read(typed, what, hint="Type thousandths of a core as 250m, or cores as 0.5 or 2.")
    if found is None:
        return None
    number, suffix = found
    if suffix not in CPU:
        raise BadRequest(f"{what} cannot be {typed[:40]!r}.", hint="Type thousandths of a core as 250m, or cores as 2.")
    return float(number * CPU[suffix])


def memory_bytes(typed: str, what: str) -> int | None:
    """Read an amount of memory: `512Mi`, `1Gi`, `1000000`. None for nothing. Raise BadRequest."""
    found = _read(typed, what, hint="Type it with its unit, as 512Mi or 1Gi.")
    if found is None:
        return None
    number, suffix = found
    if suffix not in MEMORY:
        raise BadRequest(f"{what} cannot be {typed[:40]!r}.", hint="Units are Ki, Mi, Gi, Ti and k, M, G, T.")
    return int(number * MEMORY[suffix])


def cores_typed(count: float | None) -> str:
    """Write cores as they are typed."""
    if count is None:
        return ""
    return f"{count:g}" if count == int(count) else f"{Decimal(str(count)) * 1000:f}".rstrip("0").rstrip(".") + "m"


def memory_typed(count: int | None) -> str:
    """Write an amount of memory as it is typed: in the largest unit that loses nothing."""
    if count is None:
        return ""
    unit = next((unit for unit in ("Ti", "Gi", "Mi", "Ki") if count and count % MEMORY[unit] == 0), "")
    return f"{count // MEMORY[unit]}{unit}"


FILTERS = (cores_typed, memory_typed)


def _read(typed: str, what: str, *, hint: str) -> tuple[Decimal, str] | None:
    text = typed.strip()
    if not text:
        return None
    found = _TYPED.fullmatch(text)
    if found is None:
        raise BadRequest(f"{what} cannot be {typed[:40]!r}.", hint=hint)
    return Decimal(found[1]), found[2]
