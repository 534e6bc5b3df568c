"""What else is hit when instances are deleted or restarted: the value that every runtime fills in, and its words. Pure.

Part of `runtimes.base`, which is where to import `Blast` from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """Short sentences without a full stop: what is `touched`, and what is `unknown` because it could not be read."""

    touched: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def counted(number: int, noun: str) -> str:
    """Say how many of what: 1 pod, 2 pods."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def last_ready(hit: int, ready_hit: int, ready_left: int, *, noun: str, workload: str) -> str:
    """Say that nothing of a workload stays ready; "" when something does, or nothing was."""
    if not ready_hit or ready_left:
        return ""
    if hit == 1:
        return f"the last ready {noun} of {workload}"
    ones = "1 is the last ready one" if ready_hit == 1 else f"{ready_hit} are the last ready ones"
    return f"{counted(hit, noun)}, of which {ones} of {workload}"


def unread(what: str, sentence: str) -> str:
    """Say that something could not be looked at, and why."""
    return f"could not be looked at: {what}. {sentence}"


def stays(noun: str, names: Sequence[str], *, does: tuple[str, str] = ("stays", "stay")) -> str:
    """Say what becomes of the things with these names, in the singular or the plural."""
    count = len(dict.fromkeys(names))
    return f"{noun} {named(names)} {does[0]}" if count == 1 else f"{counted(count, noun)}: {named(names)} {does[1]}"


def named(names: Sequence[str], *, most: int = 5) -> str:
    """Write names in a row, of many only the first."""
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
