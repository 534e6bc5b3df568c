"""Adds up what containers ask for and may use, and counts those that leave it open: their part is no bound. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runtimes.base import Resources


def summed(parts: Iterable[Resources]) -> Resources:
    """Add up what is set, in cores and bytes; None where no part sets anything, which is not 0."""
    each = list(parts)
    return Resources(
        cpu_request_cores=_sum([one.cpu_request_cores for one in each]),
        cpu_limit_cores=_sum([one.cpu_limit_cores for one in each]),
        memory_request_bytes=_whole(_sum([one.memory_request_bytes for one in each])),
        memory_limit_bytes=_whole(_sum([one.memory_limit_bytes for one in each])),
    )


def without_limits(parts: Iterable[Resources]) -> int:
    """Count the parts that set no limit at all: neither of CPU nor of memory."""
    return sum(one.cpu_limit_cores is None and one.memory_limit_bytes is None for one in parts)


def without_requests(parts: Iterable[Resources]) -> int:
    """Count the parts that set no request at all: neither of CPU nor of memory."""
    return sum(one.cpu_request_cores is None and one.memory_request_bytes is None for one in parts)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
