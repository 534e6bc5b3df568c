"""Adds up what containers ask for and may use. Pure; it refuses a sum that would promise more than is set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runtimes.base import Resources


def summed(parts: Iterable[Resources]) -> Resources:
    """Add up, in cores and bytes; None where any part sets nothing: a sum without it would be no bound."""
    each = list(parts)
    return Resources(
        cpu_request_cores=_sum([one.cpu_request_cores for one in each]),
        cpu_limit_cores=_sum([one.cpu_limit_cores for one in each]),
        memory_request_bytes=_whole(_sum([one.memory_request_bytes for one in each])),
        memory_limit_bytes=_whole(_sum([one.memory_limit_bytes for one in each])),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
