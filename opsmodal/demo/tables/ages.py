"""How long ago something was, written as kubectl shows it (k8s.io/apimachinery/pkg/util/duration HumanDuration)."""

from __future__ import annotations

from datetime import datetime

from opsmodal.demo.clock import parsed

UNKNOWN = "<unknown>"


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def duration(seconds: float) -> str:
    """Write a length of time with at most two units."""
    whole = int(seconds)
    if whole < 0:
        return "<invalid>" if whole < -1 else "0s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    steps = (
        (whole < 120, f"{whole}s"),
        (minutes < 10, _two(minutes, "m", whole % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _two(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _two(days, "d", hours % 24, "h")),
        (days < 730, f"{days}d"),
        (days < 2920, _two(days // 365, "y", days % 365, "d")),
    )
    return next((text for fits, text in steps if fits), f"{days // 365}y")


def since(stamp: str | None, now: datetime) -> str:
    """Write how long ago the API's `stamp` was."""
    return duration((now - parsed(stamp)).total_seconds()) if stamp else UNKNOWN
