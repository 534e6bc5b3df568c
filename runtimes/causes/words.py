"""Words of others made fit to quote: capped, on one line, without what acts on a screen or opens a door.

Whatever a runtime or a program wrote passes through here before it stands in an explanation. It refuses to repeat the
user part and the query of an address: registries and webhooks answer with addresses that hold tokens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

QUOTE_MAX_CHARS = 300
"""Longest quotation of foreign text in an explanation: enough for the end of a chain of errors, which tells most."""

NAME_MAX_CHARS = 253
"""Longest name that is repeated: what Kubernetes allows for a name (RFC 1123 subdomain)."""

READ_MAX_CHARS = 8192
"""How much of a foreign text is looked at. An event holds at most 1 KiB, a container's message 4 KiB."""

LISTED_MAX = 4
"""How many things a sentence lists by name before it counts the rest."""

_USER_PART = re.compile(r"://[^/\s@\"']{1,512}@")
_QUERY = re.compile(r"(https?://[^\s?\"']{1,512})\?[^\s\"']+")
_SECRET = re.compile(r"(?i)\b(authorization: ?\w+|bearer|basic|password[=:]|token[=:]) ?[^\s\"',;]{6,}")
_ACTING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def quoted(text: str, *, max_chars: int = QUOTE_MAX_CHARS) -> str:
    """Make foreign text fit for a sentence: one line, no control or direction characters, no credentials, capped."""
    shown = text[:READ_MAX_CHARS]
    shown = "".join(" " if unicodedata.category(c) in _ACTING else c for c in shown)
    shown = _QUERY.sub(r"\1?…", _USER_PART.sub("://…@", " ".join(shown.split())))
    shown = _SECRET.sub(r"\1 …", shown)
    return shown if len(shown) <= max_chars else shown[: max_chars - 1].rstrip() + "…"


def named(text: str) -> str:
    """Make a foreign name fit for a sentence."""
    return quoted(text, max_chars=NAME_MAX_CHARS)


def counted(count: int, noun: str) -> str:
    """Give a number with its noun: `1 node`, `3 nodes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does: `a, b and c`, counting those beyond LISTED_MAX."""
    parts = list(dict.fromkeys(parts))
    if len(parts) > LISTED_MAX:
        parts = [*parts[: LISTED_MAX - 1], f"{len(parts) - LISTED_MAX + 1} more"]
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def sentence(clause: str) -> str:
    """Make a clause a sentence: first letter large, one full stop."""
    clause = clause.strip().rstrip(".")
    return clause[:1].upper() + clause[1:] + "." if clause else ""


def amount(resource: str, value: float) -> str:
    """Give an amount of a resource with its unit: `0.5 cores of cpu`, `1.5 GiB of memory`, `2 nvidia.com/gpu`."""
    has_unit = resource == "cpu" or _in_bytes(resource)
    return f"{plain(resource, value)}{' of' if has_unit else ''} {named(resource)}"


def plain(resource: str, value: float) -> str:
    """Give an amount with its unit and without the resource's name: `0.5 cores`, `1.5 GiB`, `2`."""
    if resource == "cpu":
        return f"{value:.3g} {'core' if value == 1 else 'cores'}"
    return size(value) if _in_bytes(resource) else f"{value:.6g}"


def _in_bytes(resource: str) -> bool:
    return resource in {"memory", "ephemeral-storage", "storage"} or resource.startswith("hugepages-")


def size(value: float) -> str:
    """Give a number of bytes as people read it: `128 MiB`."""
    unit = 0
    while abs(value) >= 1024 and unit < len(_BINARY) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g} {_BINARY[unit]}"
