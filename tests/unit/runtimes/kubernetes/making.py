"""Makes pods for tables, from the few words that a row needs; decoded by the very models that the adapter uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from runtimes.kubernetes.objects.pods import Pod

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def running(since_s: float = 3600) -> dict[str, Any]:
    return {"running": {"startedAt": ago(since_s)}}


def waiting(reason: str = "", message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int = 0, reason: str = "", *, signal: int = 0, ago_s: float = 3600) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal, "finishedAt": ago(ago_s)}}


def container(
    state: Mapping[str, Any],
    *,
    name: str = "web",
    ready: bool | None = None,
    restarts: int = 0,
    last: Mapping[str, Any] | None = None,
    started: bool | None = None,
) -> dict[str, Any]:
    known = {"name": name, "state": state, "restartCount": restarts, "lastState": last or {}}
    known["ready"] = "running" in state if ready is None else ready
    return known if started is None else known | {"started": started}


def pod(
    *statuses: Mapping[str, Any],
    phase: str = "Running",
    init: Sequence[Mapping[str, Any]] = (),
    sidecars: Sequence[str] = (),
    conditions: Mapping[str, Any] | None = None,
    restart_policy: str = "Always",
    age_s: float = 86_400,
    meta: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
) -> Pod:
    """Make a pod; `conditions` maps a type to "True", "False" or (status, reason, seconds ago)."""
    spelled = []
    for kind, value in (conditions or {}).items():
        word, reason, since_s = (value, "", age_s) if isinstance(value, str) else value
        spelled.append({"type": kind, "status": word, "reason": reason, "lastTransitionTime": ago(since_s)})
    document = {
        "metadata": {"name": "web-0", "uid": "u-1", "creationTimestamp": ago(age_s), **(meta or {})},
        "spec": {
            "restartPolicy": restart_policy,
            "containers": [{"name": each["name"]} for each in statuses] or [{"name": "web"}],
            "initContainers": [
                {"name": each["name"], **({"restartPolicy": "Always"} if each["name"] in sidecars else {})}
                for each in init
            ],
            **(spec or {}),
        },
        "status": {
            "phase": phase,
            "startTime": ago(age_s),
            "containerStatuses": list(statuses),
            "initContainerStatuses": list(init),
            "conditions": spelled,
            **(status or {}),
        },
    }
    return msgspec.convert(document, Pod)
