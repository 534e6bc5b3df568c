"""Why no node takes a pod: the scheduler's message, and what its nodes have where they may be read.

The message counts, for each reason, the nodes that it rules out; its wording changed over the years (forms from 1.20 to
1.36 are understood, an unknown reason is quoted). It refuses to name a shortage in figures that the message does not
hold: figures come from nodes, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runtimes.causes import room
from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Weight, latest
from runtimes.causes.obstacles import OBSTACLES
from runtimes.causes.words import READ_MAX_CHARS, counted, listed, named, quoted

WHAT = "cannot be scheduled"

_HEAD = re.compile(r"0/(\d{1,6}) nodes are available(?:: ?|, ?)")
_TAIL = re.compile(r"[.,]? ?(?:no new claims to deallocate|\.*preemption: )")
"""What follows the reasons: since 1.33 a word on resource claims, since 1.24 on preemption. Neither is a reason."""
_NEXT = re.compile(r", (?=\d{1,6} |pod has |persistentvolumeclaim )|\. (?=\S)")
_NOISE = ("", "not found")
"""1.33 ends a message about claims with a bare "not found" of its preemption step."""
_COUNTED = re.compile(r"(\d{1,6}) (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of the scheduler's message; `nodes` is None where it is about the pod itself."""

    nodes: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scheduler's message taken apart; `nodes` is None where it does not say how many there are."""

    nodes: int | None
    reasons: tuple[Reason, ...]


def parse(message: str) -> Verdict:
    """Take a FailedScheduling message apart. What is not of its usual form becomes one reason, whole."""
    message = message[:READ_MAX_CHARS].strip()
    head = _HEAD.search(message)
    if head is None:
        return Verdict(None, (Reason(None, message),) if message else ())
    rest = message[head.end() :]
    tail = _TAIL.search(rest)
    rest = rest[: tail.start()] if tail else rest
    parts = [part.strip().rstrip(".") for part in _NEXT.split(rest)]
    return Verdict(int(head[1]), tuple(_reason(part) for part in parts if part not in _NOISE))


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why a pod that has no node has none."""
    if facts.kind != "pod" or facts.node or facts.phase not in ("Pending", "") or _has_run(facts):
        return
    message = _message(facts)
    claims = list(_claims(facts))
    yield from claims
    yield from _autoscaler(facts)
    if message:
        yield from _from_message(facts, parse(message), message)
    elif not claims and facts.phase == "Pending" and not facts.gates and not facts.deletion_due:
        yield Finding(
            kind="not-looked-at",
            what="has no node yet",
            because="no scheduler has said anything about it so far",
            hint="If this lasts, check that a scheduler runs, and that spec.schedulerName names one that exists.",
            weight=Weight.GENERAL,
        )


def _has_run(facts: Facts) -> bool:
    return any(container.state in ("running", "terminated") for container in facts.containers)


def _message(facts: Facts) -> str:
    status, reason, message = facts.conditions.get("PodScheduled", ("", "", ""))
    if status == "True" or reason == "SchedulingGated":
        return ""
    return message or next((event.message for event in latest(facts.events, "FailedScheduling")), "")


def _from_message(facts: Facts, verdict: Verdict, message: str) -> Iterator[Finding]:
    named_reasons = [_judged(facts, reason, verdict) for reason in verdict.reasons]
    whole = _whole(verdict, [clause for clause, _ in named_reasons])
    for _, finding in named_reasons:
        yield Finding(
            kind=finding.kind,
            what=WHAT,
            because=whole,
            detail=finding.detail,
            hint=finding.hint,
            weight=finding.weight,
        )
    if not named_reasons:
        hint = "Look at the pod's events for the scheduler's own words."
        yield Finding(kind="unschedulable", what=WHAT, because=whole, hint=hint, said=message)


def _whole(verdict: Verdict, clauses: list[str]) -> str:
    """Put the clauses of all reasons into one, those that count nodes first."""
    if verdict.nodes == 0:
        return "the cluster has no node that can take pods"
    of_nodes = [clause for clause in clauses if clause[:1].isdigit()]
    of_pod = [clause for clause in clauses if clause not in of_nodes]
    nodes = f"no node fits: of {counted(verdict.nodes or 0, 'node')}, {listed(of_nodes)}"
    if len(of_nodes) == 1 and of_nodes[0].startswith(f"{verdict.nodes} "):
        every = "the only node" if verdict.nodes == 1 else f"{verdict.nodes} of {verdict.nodes} nodes"
        nodes = of_nodes[0].replace(f"{verdict.nodes} ", f"{every} ", 1)
    return "; ".join([nodes] * bool(of_nodes) + [listed(of_pod)] * bool(of_pod)) or "no node fits"


def _judged(facts: Facts, reason: Reason, verdict: Verdict) -> tuple[str, Finding]:
    """Give a reason as a clause of the sentence, and as a cause of its own."""
    for obstacle in OBSTACLES:
        found = re.search(obstacle.words, reason.words, re.IGNORECASE)
        if found:
            fields = {key: named(value or "").strip() for key, value in found.groupdict().items()}
            if "taint" in fields:
                fields["taint"] = fields["taint"].replace(": ", "=").rstrip(":")
            clause = obstacle.clause(reason.nodes, fields)
            more = room.more(facts, obstacle.kind, fields)
            kind = f"insufficient-{fields['resource']}" if "resource" in fields else obstacle.kind
            detail = obstacle.detail(reason.nodes, verdict.nodes, fields) + (f" {more}" if more else "")
            short = room.short(facts, obstacle.kind, fields)
            alone = len(verdict.reasons) == 1 and "resource" in fields
            added = f", {short}" if alone else f" ({short})"
            return clause + (added if short else ""), _finding(kind, detail, obstacle.hint)
    words = quoted(reason.words)
    clause = words if reason.nodes is None else f"{reason.nodes} cannot: {words}"
    return clause, _finding("unschedulable", f"The scheduler says: {words}.", "Look this wording up in the events.")


def _finding(kind: str, detail: str, hint: str) -> Finding:
    return Finding(kind=kind, what=WHAT, because="", detail=detail, hint=hint)


def _reason(part: str) -> Reason:
    found = _COUNTED.fullmatch(part)
    return Reason(int(found[1]), found[2]) if found else Reason(None, part)


def _claims(facts: Facts) -> Iterator[Finding]:
    for claim in facts.claims:
        name = named(claim.name)
        if claim.phase == "":
            because, hint = (
                f"its volume claim {name} does not exist",
                "Create the claim, or correct its name in the pod.",
            )
            yield Finding(kind="claim-missing", what=WHAT, because=because, hint=hint)
        elif claim.phase == "Lost":
            because = f"the volume behind its claim {name} is gone"
            hint = "Restore the PersistentVolume, or delete the claim and restore the data into a new one."
            yield Finding(kind="claim-lost", what=WHAT, because=because, hint=hint)
        elif claim.phase == "Pending" and "first consumer" not in claim.message:  # such a claim waits for this pod
            of_class = f" (storage class {named(claim.storage_class)})" if claim.storage_class else ""
            yield Finding(
                kind="claim-pending",
                what=WHAT,
                because=f"its volume claim {name}{of_class} is not bound to a volume",
                hint="See the claim's events: the storage class may not exist, or its provisioner may fail.",
                weight=Weight.LIKELY,
                said=claim.message,
            )


def _autoscaler(facts: Facts) -> Iterator[Finding]:
    for event in latest(facts.events, "NotTriggerScaleUp"):
        yield Finding(
            kind="no-scale-up",
            what=WHAT,
            because="the cluster autoscaler sees no node group that would help",
            hint="Raise the largest size of a fitting node group, or make the pod fit one.",
            weight=Weight.CONTEXT,
            said=event.message,
        )
        return
