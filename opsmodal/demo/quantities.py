"""Kubernetes quantities: "250m" of a core, "64Mi" of memory. Pure; refuses what is not a quantity with ValueError."""

from __future__ import annotations

import re
from decimal import Decimal

SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
FORM = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]i?|Ki)?)$")


def amount(quantity: str | float | None) -> Decimal:
    """Read a quantity as a plain number (cores, bytes, pieces); None counts as 0."""
    if quantity is None:
        return Decimal(0)
    found = FORM.match(str(quantity))
    if not found:
        raise ValueError(f"not a quantity: {quantity!r}")
    number, exponent, suffix = found.groups()
    if suffix and suffix not in SUFFIXES:
        raise ValueError(f"not a quantity: {quantity!r}")
    return Decimal(number + (exponent or "")) * SUFFIXES[suffix or ""]


def millicores(quantity: str | float | None) -> int:
    """Read a CPU quantity in thousandths of a core, rounded up as Kubernetes does."""
    return int((amount(quantity) * 1000).to_integral_value(rounding="ROUND_CEILING"))


def whole(quantity: str | float | None) -> int:
    """Read a quantity as a whole number (bytes, pods), rounded up as Kubernetes does."""
    return int(amount(quantity).to_integral_value(rounding="ROUND_CEILING"))
