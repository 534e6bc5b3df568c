"""Whether anything runs a container's health check. Pure.

dockerd runs checks itself. Podman leaves it to timers of systemd that it makes when a container starts; without systemd
it says nothing and the checks never run. What does not run shows in when they ran: so it is judged by the clock, and
needs no way to the host.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from runtimes.libpod import CheckRun

WHY = "Podman leaves it to timers of systemd, which does not run there or does not reach this container."
LATE_S = 5.0
"""How much later than twice its interval, and the time that it may take, a check may come on a busy host."""


def unrun(
    runs: Sequence[CheckRun], *, name: str, interval_s: float, timeout_s: float, started_at: datetime, now: datetime
) -> tuple[str, str]:
    """Say that nothing runs the check of a container that runs, and what to do: ("", "") where something does."""
    line = f"podman healthcheck run {shlex.quote(name)}"
    if interval_s <= 0:
        return "This health check has no interval: it runs only when somebody runs it.", f"Run it here, or: {line}"
    ends = [each.at for each in runs if each.at is not None and each.at >= started_at]
    moments = [started_at, *sorted(ends), now][-3:]
    longest_s = max((after - before).total_seconds() for before, after in pairwise(moments))
    if longest_s <= 2 * interval_s + timeout_s + LATE_S:
        return "", ""
    last = f"last ran {_span((now - ends[-1]).total_seconds())} ago" if ends else "has not run since it started"
    sentence = f"Nothing runs this health check by itself: it is due every {_span(interval_s)}, and {last}."
    return sentence, f"{WHY} Run it here, or let a scheduler of the host run it: {line}"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
