"""Says whether a new container has shown that it runs. Pure: what was seen and what time it is come from outside.

With a health check it must become healthy within the time that the check itself allows; without one it must run for a
while, without having been started again in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtimes.causes.exits import exit_meaning
from runtimes.engine.updates.raw import Raw, items, name_of, part
from runtimes.errors import Conflict

NANOSECONDS = 1_000_000_000
INTERVAL_S, TIMEOUT_S, RETRIES = 30.0, 30.0, 3
"""What both engines take where a check does not say."""
SPARE_S = 30.0
HEALTH_MAX_S = 900.0
CHECK_EVERY_S = 2.0
"""How often Podman is asked to run a check while it is waited for: nothing else runs it without systemd."""


class Sinking(Conflict):
    """The new container does not run as it should."""


@dataclass(slots=True, kw_only=True)
class Running:
    """What was seen of a container since it was started."""

    stays_up_s: float
    since: float | None = None
    checked: float | None = None
    started_at: str = ""

    def is_check_due(self, now: float) -> bool:
        """Tell whether it is time to have a check run, and take it as run."""
        if self.checked is not None and now - self.checked < CHECK_EVERY_S:
            return False
        self.checked = now
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a container stands: whether it has shown that it runs, and a sentence."""

    runs: bool
    sentence: str


def standing(container: Raw, seen: Running, now: float) -> Standing:
    """Judge a container. Raise Sinking when it has ended, is unhealthy, or takes too long."""
    state, name = part(container, "State"), name_of(container)
    seen.since = now if seen.since is None else seen.since
    seen.started_at = seen.started_at or str(state.get("StartedAt") or "")
    again = bool(seen.started_at) and str(state.get("StartedAt")) != seen.started_at
    if not state.get("Running") or state.get("Restarting") or again:
        raise _ended(container)
    lasted = now - seen.since
    if not (limit := _limit_s(container)):
        if lasted >= seen.stays_up_s:
            return Standing(runs=True, sentence=f"{name} has run for {seen.stays_up_s:g} s.")
        return Standing(runs=False, sentence=f"{name} runs; it has to for {seen.stays_up_s:g} s.")
    health = str(part(state, "Health").get("Status") or "starting")
    if health == "healthy":
        return Standing(runs=True, sentence=f"{name} is healthy.")
    if health == "unhealthy" or lasted > limit:
        said = "is unhealthy" if health == "unhealthy" else f"did not become healthy within {limit:g} s"
        raise Sinking(f"The new container {said}.", hint="Its health check says why: try it by hand in the image.")
    return Standing(runs=False, sentence=f"{name} runs; its health check has not passed yet.")


def _limit_s(container: Raw) -> float:
    """Give how long a container may take until it is healthy; 0 for one without a check."""
    check = part(container, "Config", "Healthcheck")
    test = list(items(check, "Test"))
    if not test or test[0] == "NONE":
        return 0.0
    interval = float(check.get("Interval") or 0) / NANOSECONDS or INTERVAL_S
    timeout = float(check.get("Timeout") or 0) / NANOSECONDS or TIMEOUT_S
    start = float(check.get("StartPeriod") or 0) / NANOSECONDS
    return min(start + (interval + timeout) * (int(check.get("Retries") or 0) or RETRIES) + SPARE_S, HEALTH_MAX_S)


def _ended(container: Raw) -> Sinking:
    state = part(container, "State")
    code = int(state.get("ExitCode") or 0)
    memory = " It had run out of memory." if state.get("OOMKilled") else ""
    said = f" {error.rstrip('.')}." if (error := str(state.get("Error") or "")) else ""
    return Sinking(f"The new container ended with {code} ({exit_meaning(code)}).{memory}{said}")
