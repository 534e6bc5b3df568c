"""Words the ends of containers that were started again, as a pod's status tells of the last one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes.exits import exit_meaning
from runtimes.history import Report
from runtimes.kubernetes.objects.held import HeldContainerStatus
from runtimes.kubernetes.objects.pods import Pod

SAYING_NOTHING = frozenset({"", "Error", "Completed"})
"""Reasons of an end that say no more than its exit code."""


def endings(pod: Pod, service: str) -> Iterator[Report]:
    """Give one report for each container that has been started again, about its last end."""
    status = pod.status
    for each in (*(status.init_container_statuses or ()), *(status.container_statuses or ())):
        ended = each.last_state.terminated or each.state.terminated
        if not each.restart_count or ended is None or ended.finished_at is None:
            continue
        yield Report(
            service=service,
            key=f"restart/{pod.metadata.uid}/{each.name}/{each.restart_count}"[:128],
            about="restart",
            kind="Normal" if ended.exit_code == 0 else "Warning",
            reason="Restarted" if ended.reason in SAYING_NOTHING else ended.reason,
            subject=f"pod/{pod.metadata.name}",
            message=_sentence(each, ended.exit_code, ended.reason),
            first_at=ended.finished_at,
            last_at=ended.finished_at,
        )


def _sentence(each: HeldContainerStatus, code: int, reason: str) -> str:
    meaning = "out of memory" if reason == "OOMKilled" else exit_meaning(code)
    times = "once" if each.restart_count == 1 else f"{each.restart_count} times"
    return f"Container {each.name} ended with exit code {code} ({meaning}). It was restarted {times} so far."
