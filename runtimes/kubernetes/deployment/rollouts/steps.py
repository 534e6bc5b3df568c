"""Tells a rollout as steps: each revision, then each pod that is waited for, and what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from runtimes.base import Explanation
from runtimes.causes.words import counted, quoted
from runtimes.kubernetes.deployment.rollouts.pods import Member, Part, waiting
from runtimes.planning import Step

PODS_MAX = 10
"""Pods that are told one by one: of a thousand that wait, the first ten say why."""
REASON_MAX_CHARS = 300
State = Literal["waiting", "running", "done", "failed"]


def steps(parts: tuple[Part, ...], found: tuple[Member, ...], explained: Mapping[str, Explanation]) -> tuple[Step, ...]:
    """Give the steps of a rollout, the new revision first."""
    ordered = sorted(parts, key=lambda part: not part.new)
    told = [_part(part, found) for part in ordered]
    return (*told, *_pods(found, explained))


def _part(part: Part, found: tuple[Member, ...]) -> Step:
    number = f"revision {part.revision}, " if part.revision else ""
    name = f"{part.name} ({number}{'new' if part.new else 'old'})"
    if not part.new:
        if not part.total:
            return Step(name=name, state="done", detail="All of its pods are gone.")
        return Step(name=name, state="running", detail=f"{counted(part.total, 'pod')} still there, {part.ready} ready.")
    wanted = part.total if part.desired is None else part.desired
    failing = any(each.failing for each in found if each.new)
    state: State = "failed" if failing else "done" if part.ready >= wanted else "running"
    return Step(name=name, state=state, detail=f"{part.ready} of {wanted} ready.", done=part.ready, total=wanted)


def _pods(found: tuple[Member, ...], explained: Mapping[str, Explanation]) -> Iterator[Step]:
    unready = waiting(found)
    for each in unready[:PODS_MAX]:
        yield Step(name=f"Pod {each.name}", state=_state(each), detail=_detail(each, explained.get(each.name)))
    if len(unready) > PODS_MAX:
        yield Step(name=f"{len(unready) - PODS_MAX} more pods", state="waiting", detail="They are not ready either.")


def _state(member: Member) -> State:
    if member.failing:
        return "failed"
    return "running" if member.word == "Running" else "waiting"


def _detail(member: Member, known: Explanation | None) -> str:
    if known is not None:
        return known.sentence
    reason = quoted(member.reason, max_chars=REASON_MAX_CHARS).rstrip(".")
    stop = "" if reason.endswith("…") else "."
    return f"{quoted(member.word)}: {reason}{stop}" if reason else f"{quoted(member.word)}."
