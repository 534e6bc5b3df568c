"""Facts in a few words, for tables: each default is a pod that waits for its only container."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runtimes.base import Event
from runtimes.causes import explain
from runtimes.causes.facts import ContainerFacts, Facts, Run

IMAGE = "registry.example/shop/web:1.2"
NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def event(reason: str, message: str, *, subject: str = "pod/web-0", minute: int = 0) -> Event:
    return Event(at=NOW.replace(minute=minute), kind="Warning", reason=reason, subject=subject, message=message)


def container(name: str = "app", **fields: Any) -> ContainerFacts:
    return ContainerFacts(**{"name": name, "image": IMAGE, "state": "waiting", **fields})


def pod(*containers: ContainerFacts, **fields: Any) -> Facts:
    defaults = {"kind": "pod", "name": "web-0", "status": "Pending", "phase": "Pending", "node": "node-1"}
    return Facts(**{**defaults, "containers": containers, **fields})


def waiting(reason: str, message: str = "", *events: Event, **fields: Any) -> Facts:
    return pod(container(reason=reason, message=message, **fields), status=reason, events=events)


def unscheduled(message: str, **fields: Any) -> Facts:
    conditions = {"PodScheduled": ("False", "Unschedulable", message)}
    return pod(**{"node": "", "conditions": conditions, **fields})


def creating(reason: str, message: str) -> Facts:
    starting = container(reason="ContainerCreating")
    return pod(starting, status="ContainerCreating", events=(event(reason, message),))


def running(*events: Event, **fields: Any) -> Facts:
    up = container(**{"state": "running", **fields})
    return pod(up, status="Running", phase="Running", events=events)


def crashed(exit_code: int, *events: Event, looping: bool = True, **fields: Any) -> Facts:
    reason = "CrashLoopBackOff" if looping else "Error"
    last = Run(**{"exit_code": exit_code, **fields.pop("run", {})})
    state = {"state": "waiting" if looping else "terminated", "reason": reason, "restarts": 5 if looping else 0}
    down = container(**{**state, "last_run": last, **fields})
    return pod(down, status=reason, phase="Running" if looping else "Failed", events=events)


def refused(message: str) -> Facts:
    owner = event("FailedCreate", message, subject="replicaset/web-5d4f")
    return pod(name="web-5d4f", status="", phase="", node="", owner_events=(owner,))


def engine(state: str, *, error: str = "", exit_code: int | None = None, **fields: Any) -> Facts:
    run, events = fields.pop("run", {}), fields.pop("events", ())
    last = None if exit_code is None else Run(**{"exit_code": exit_code, **run})
    own = container("web", state=state, last_run=last, ready=state == "running", **fields)
    return Facts(
        kind="container", name="web", status=state.title(), containers=(own,), engine_error=error, events=events
    )


def check(facts: Facts, kinds: list[str], fragment: str) -> None:
    """The causes in order, a fragment of the sentence, and that all words are calm and whole."""
    explanation = explain(facts)
    assert [cause.kind for cause in explanation.causes] == kinds
    assert fragment in explanation.sentence
    assert explanation.sentence.startswith(facts.name)
    assert explanation.sentence.endswith(".")
    for cause in explanation.causes:
        assert cause.detail[:1].upper() == cause.detail[:1]
        assert cause.hint.endswith(".")
        assert "!" not in cause.hint.replace("#!", "")
    for text in (explanation.sentence, *(part for cause in explanation.causes for part in (cause.detail, cause.hint))):
        assert not [blot for blot in ("  ", " ,", " .", "{", ": .") if blot in text], text
        assert text.strip() == text
