"""Put what the topics found into one sentence, and the causes behind it in order.

It refuses to invent: when no topic found anything, it says what was looked at. It changes nothing and asks nobody, so
the same facts always give the same explanation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runtimes.base import Cause, Event, Explanation
from runtimes.causes import (
    absent,
    configuration,
    crashes,
    engine,
    images,
    lifecycle,
    probes,
    quota,
    sandbox,
    scheduling,
    volumes,
)
from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Weight
from runtimes.causes.words import counted, named, quoted, sentence

CAUSES_MAX = 10
"""More causes than this help nobody at once."""

EVENTS_MAX = 50
EVENT_MAX_CHARS = 1024
"""What Kubernetes itself allows for an event's message."""

TOPICS = (
    lifecycle.findings,
    scheduling.findings,
    quota.findings,
    sandbox.findings,
    volumes.findings,
    configuration.findings,
    images.findings,
    engine.findings,
    absent.findings,
    probes.findings,
    crashes.findings,
)
"""In the order of a life: of findings that weigh the same, the earlier obstacle is told first."""


def explain(facts: Facts) -> Explanation:
    """Say why an instance is not what it should be, or that it is.

    `causes` come most telling first. A cause of the kind `last-log-lines` quotes the log; facts without `last_lines`
    give none.
    """
    found = sorted((finding for topic in TOPICS for finding in topic(facts)), key=lambda finding: finding.weight)
    name = named(facts.name) or "This instance"
    events = tuple(_capped(event) for event in (*facts.events, *facts.owner_events)[:EVENTS_MAX])
    return Explanation(sentence=_sentence(facts, name, found), causes=_causes(found), events=events)


def _sentence(facts: Facts, name: str, found: list[Finding]) -> str:
    if _is_ok(facts):
        restarted = [finding for finding in found if finding.kind == "restarted"]
        return f"{name} is running and ready." + "".join(f" {sentence(f.because)}" for f in restarted[:1])
    told = [finding for finding in found if finding.weight < Weight.CONTEXT] or found
    if told:
        reason = f" because {told[0].because}" if told[0].because else ""
        return f"{name} {told[0].what}{reason}".rstrip(".") + "."
    return _nothing_known(facts, name)


def _is_ok(facts: Facts) -> bool:
    mains = [container for container in facts.containers if container.kind in ("container", "sidecar")]
    if not mains or facts.deletion_due is not None or facts.phase not in ("Running", ""):
        return False
    if facts.reason in ("NodeLost", "Evicted") or facts.conditions.get("Ready", ("True",))[0] in ("False", "Unknown"):
        return False
    healthy = all(container.health in ("", "healthy", "none") for container in mains)
    ready = all(container.ready or facts.kind == "container" for container in mains)
    return healthy and ready and all(container.state == "running" for container in mains)


def _nothing_known(facts: Facts, name: str) -> str:
    mains = [container for container in facts.containers if container.kind in ("container", "init")]
    runs = [container.last_run for container in mains]
    if mains and all(run is not None and run.exit_code == 0 and not run.oom for run in runs):
        return f"{name} has completed: {_each(len(mains))} finished without an error (exit code 0)."
    status = f" is {quoted(facts.status)}" if facts.status.strip() else " has no known state"
    looked = [
        counted(len(facts.containers), "container"),
        counted(len(facts.conditions), "condition"),
        counted(len(facts.events) + len(facts.owner_events), "event"),
    ]
    return f"{name}{status}; {looked[0]}, {looked[1]} and {looked[2]} were looked at, and none of them says why."


def _each(count: int) -> str:
    return "its container" if count == 1 else f"all {count} containers"


def _causes(found: Iterable[Finding]) -> tuple[Cause, ...]:
    causes = dict.fromkeys(finding.cause() for finding in found)
    return tuple(causes)[:CAUSES_MAX]


def _capped(event: Event) -> Event:
    if len(event.message) <= EVENT_MAX_CHARS:
        return event
    return replace(event, message=event.message[: EVENT_MAX_CHARS - 1] + "…")
