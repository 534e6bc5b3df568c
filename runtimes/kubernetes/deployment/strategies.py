"""Says how a workload replaces its pods, and what else of its settings a person sees or sets. Pure.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from runtimes.kubernetes.objects.workloads import DeployedObject, JobBody, Rolling, Strategy

DEFAULT = "RollingUpdate"
"""What the API server writes where nothing is set."""


def strategy(known: DeployedObject, kind: str) -> str:
    """Name the strategy as the workload does: "RollingUpdate", "Recreate", "OnDelete"; a CronJob's is on concurrency.

    "" for kinds that never replace a pod.
    """
    if kind == "CronJob":
        return known.spec.concurrency_policy or "Allow"
    found = _strategy(known, kind)
    return "" if found is None else found.type or DEFAULT


def facts(known: DeployedObject, kind: str) -> Mapping[str, str]:
    """Give the settings that are set, of: max_surge, max_unavailable, partition, pod_management, min_ready_s,
    progress_deadline_s, revisions_kept; of Jobs completions, parallelism, backoff_limit, deadline_s; of CronJobs also
    time_zone, last_scheduled_at, last_succeeded_at.
    """
    return {name: str(value) for name, value in _facts(known, kind) if value not in (None, "")}


def _strategy(known: DeployedObject, kind: str) -> Strategy | None:
    if kind == "Deployment":
        return known.spec.strategy or Strategy()
    return (known.spec.update_strategy or Strategy()) if kind in {"StatefulSet", "DaemonSet"} else None


def _facts(known: DeployedObject, kind: str) -> Iterator[tuple[str, object]]:
    spec, found = known.spec, _strategy(known, kind)
    if kind in {"Job", "CronJob"}:
        yield "time_zone", spec.time_zone
        yield "last_scheduled_at", _stamp(known.status.last_schedule_time)
        yield "last_succeeded_at", _stamp(known.status.last_successful_time)
        yield from _of_job(spec.job_template.spec if kind == "CronJob" else spec)
        return
    rolling = (found.rolling_update if found else None) or Rolling()
    yield "max_surge", rolling.max_surge
    yield "max_unavailable", rolling.max_unavailable
    yield "partition", rolling.partition
    yield "pod_management", spec.pod_management_policy
    yield "min_ready_s", spec.min_ready_seconds or None
    yield "progress_deadline_s", spec.progress_deadline_seconds
    yield "revisions_kept", spec.revision_history_limit


def _stamp(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def _of_job(body: JobBody) -> Iterator[tuple[str, object]]:
    yield "completions", body.completions
    yield "parallelism", body.parallelism
    yield "backoff_limit", body.backoff_limit
    yield "deadline_s", body.active_deadline_seconds
