"""Reads Kubernetes quantities ("250m", "128Mi", "1e3") into plain numbers: cores and bytes.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei|[eE][+-]?\d{1,3})?")
_PLAIN = {"n": 1e9, "m": 1e3}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def quantity(text: str | int | float | None) -> Decimal | None:
    """Read a quantity exactly; None for nothing or for what is none (a page without a number beats no page)."""
    match = _FORM.fullmatch(str(text)) if text is not None else None
    if match is None:
        return None
    number, suffix = match[1], match[2] or ""
    try:
        if suffix in _BINARY:
            return Decimal(number) * Decimal(1024) ** _BINARY[suffix]
        if suffix in _DECIMAL:
            return Decimal(number).scaleb(_DECIMAL[suffix])
        return Decimal(number + suffix)
    except InvalidOperation:
        return None


def cores(text: str | int | float | None) -> float | None:
    """Read CPU in cores."""
    if isinstance(text, str) and text[-1:] in _PLAIN and text[:-1].isascii() and text[:-1].isdigit():
        return int(text[:-1]) / _PLAIN[text[-1]]  # as the Metrics API writes it: 5,000 of them in a look
    value = quantity(text)
    return None if value is None else float(value)


def whole_bytes(text: str | int | float | None) -> int | None:
    """Read memory in bytes, rounded up as the API server does."""
    if isinstance(text, str) and text[-2:] == "Ki" and text[:-2].isascii() and text[:-2].isdigit():
        return int(text[:-2]) * 1024  # as the Metrics API writes it
    value = quantity(text)
    return None if value is None else int(value.to_integral_value(rounding="ROUND_CEILING"))
