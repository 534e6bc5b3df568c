"""Why a running container is not ready or not healthy: its probes, health checks and readiness gates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runtimes.causes.facts import ContainerFacts, Facts
from runtimes.causes.finding import Finding, Weight, latest
from runtimes.causes.words import listed, named, quoted

_PROBE = re.compile(
    r"(?P<probe>Readiness|Liveness|Startup) probe (?:failed|errored)[^:]{0,60}: ?(?P<said>.*)",
    re.DOTALL | re.IGNORECASE,
)
_KILLED = re.compile(r"[Cc]ontainer (?P<name>\S{1,253}) failed (?P<probe>liveness|startup) probe")

_ANSWERS = (
    ("http", r"statuscode: (?P<code>\d{3})", "answers HTTP {code}"),
    ("refused", r"connection refused", "gets no connection (refused): nothing listens on its port"),
    ("unhealthy", r"NOT_SERVING|service unhealthy", "is answered: not serving (gRPC)"),
    ("name", r"no such host", "asks a host name that cannot be resolved"),
    ("route", r"no route to host|network is unreachable", "cannot reach the container"),
    ("tls", r"HTTP response to HTTPS client|x509|tls:", "fails in TLS: its scheme or the certificate is wrong"),
    ("reset", r"connection reset|EOF|malformed HTTP", "gets a broken answer: is its port that of an HTTP server?"),
    ("command", r"executable file not found|no such file or directory", "cannot run its command or find its file"),
    ("timeout", r"deadline exceeded|Client\.Timeout|i/o timeout|timed? ?out", "gets no answer in time"),
)
"""(manner, words of the kubelet's prober, in our words)."""

_HINTS = {
    "http": "Ask the same path yourself; the program's log says why it answers so.",
    "refused": "Check the probe's port, and that the program listens on all addresses and not on localhost only.",
    "timeout": "The program is slow or busy: look at its cpu limit and log, or raise timeoutSeconds.",
}
_HINT = "Compare the probe with what the program offers: scheme, port, path, command."

_WHAT = {
    "readiness": "is running but not ready",
    "liveness": "keeps being restarted",
    "startup": "is starting but not up yet",
}
_WEIGHTS = {"liveness": Weight.DECISIVE, "startup": Weight.DECISIVE, "readiness": Weight.LIKELY}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failing probe: readiness, liveness or startup, and what it met in a few words."""

    probe: str
    manner: str
    met: str
    said: str


def parse(message: str) -> Failure | None:
    """Take the message of an Unhealthy event apart; None when it is something else."""
    found = _PROBE.match(message.strip())
    if found is None:
        return None
    said = found["said"].strip()
    for manner, words, met in _ANSWERS:
        answer = re.search(words, said, re.IGNORECASE)
        if answer:
            return Failure(found["probe"].lower(), manner, met.format(**answer.groupdict()), said)
    return Failure(found["probe"].lower(), "other", f"fails: {quoted(said)}" if said else "fails", said)


def findings(facts: Facts) -> Iterator[Finding]:
    """Find failing probes and health checks of containers that run or were killed for them."""
    yield from _health(facts)
    unready = [
        c for c in facts.containers if c.state == "running" and not c.ready and c.kind in ("container", "sidecar")
    ]
    down = [c for c in facts.containers if c.state != "running" and c.restarts]
    if facts.kind == "pod" and facts.phase == "Running" and facts.deletion_due is None:
        yield from _gates(facts, unready=bool(unready))
    if facts.kind != "pod" or not (unready or down):
        return
    failures = _failures(facts, liveness=any(c.restarts for c in (*unready, *down)), readiness=bool(unready))
    for failure in failures:
        yield _finding(facts, failure, unready or down)
    if unready and not failures:
        yield _not_ready(unready)


def _failures(facts: Facts, *, liveness: bool, readiness: bool) -> list[Failure]:
    """Give the newest failure of each probe, those that kill first."""
    newest: dict[str, Failure] = {}
    for event in latest(facts.events, "Unhealthy", "ProbeWarning"):
        failure = parse(event.message)
        if failure:
            newest.setdefault(failure.probe, failure)
    if not liveness:
        newest.pop("liveness", None)
    if not readiness:
        newest.pop("readiness", None)
    return [newest[probe] for probe in ("startup", "liveness", "readiness") if probe in newest]


def _finding(facts: Facts, failure: Failure, containers: list[ContainerFacts]) -> Finding:
    killed = [found for event in latest(facts.events, "Killing") if (found := _KILLED.search(event.message))]
    name = next((found["name"] for found in killed if found["probe"] == failure.probe), "")
    name = name or (containers[0].name if len(containers) == 1 else "")
    whose = f" of container {named(name)}" if name else ""
    return Finding(
        kind=f"{failure.probe}-probe",
        what=_WHAT[failure.probe],
        because=f"the {failure.probe} probe{whose} {failure.met}",
        hint=_HINTS.get(failure.manner, _HINT),
        weight=_WEIGHTS[failure.probe],
        said="" if failure.manner == "other" else failure.said,
    )


def _not_ready(unready: list[ContainerFacts]) -> Finding:
    names = listed([named(container.name) for container in unready])
    return Finding(
        kind="not-ready",
        what="is running but not ready",
        because=f"{names} has not been found ready so far, and no failing probe was reported",
        hint="It may still be starting. If it lasts, compare its readiness probe with what the program offers.",
        weight=Weight.GENERAL,
    )


def _gates(facts: Facts, *, unready: bool) -> Iterator[Finding]:
    """Find readiness gates that are not open; while a container is not ready either they only come second."""
    status, reason, message = facts.conditions.get("Ready", ("", "", ""))
    said = message if status == "False" and reason == "ReadinessGatesNotReady" else ""
    closed = [gate for gate in facts.readiness_gates if facts.conditions.get(gate, ("",))[0] != "True"]
    if not closed and not said:
        return
    clauses = listed([_gate(gate, *facts.conditions.get(gate, ("", "", ""))) for gate in closed])
    yield Finding(
        kind="readiness-gate",
        what="is running but not ready",
        because=clauses or "a readiness gate has not been opened by what controls it (often a load balancer)",
        hint="What sets this condition on the pod (often a load balancer's controller) opens the gate: look there.",
        weight=Weight.CONTEXT if unready and not said else Weight.DECISIVE,
        said=said,
    )


def _gate(name: str, status: str, reason: str, message: str) -> str:
    if not status:
        return f"the condition {named(name)} of its readiness gate has not been set by anything"
    why = ": ".join(filter(None, (named(reason), quoted(message))))
    return f"the condition {named(name)} of its readiness gate is {named(status)}{f' ({why})' if why else ''}"


def _printed(output: str | None) -> str:
    if output is None:
        return ""
    return f": {quoted(output)}" if output.strip() else " and prints nothing"


def _health(facts: Facts) -> Iterator[Finding]:
    for container in facts.containers:
        if container.state not in ("running", "") or container.health not in ("starting", "unhealthy"):
            continue
        starting = container.health == "starting"
        met = _printed(container.health_output)
        yield Finding(
            kind="health-starting" if starting else "health-check",
            what="is running but its health is not known yet" if starting else "is running but unhealthy",
            because="its health check has not succeeded so far" if starting else f"its health check fails{met}",
            detail="" if not starting else f"Its health check has not succeeded so far{met}.",
            hint="Wait for its start period." if starting else "Run the health check's command in the container.",
            weight=Weight.GENERAL if starting else Weight.LIKELY,
        )
