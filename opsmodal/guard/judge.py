"""The one way into the guard: a line and who asks give a verdict. Nothing runs that did not come out of here.

The first word chooses who judges the rest; what they let through is held against what the person may do, read-only
mode and the site's policy, which only ever refuse more. A suggestion is given only when it would be let through.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from opsmodal.guard import suggesting
from opsmodal.guard.engine import judge_engine, judge_in_container
from opsmodal.guard.host import judge_host
from opsmodal.guard.kubectl import judge_kubectl
from opsmodal.guard.line import Unsplittable, dashed, from_argv, split
from opsmodal.guard.masking import MASK
from opsmodal.guard.narrowing import narrowed
from opsmodal.guard.rule import Rule
from opsmodal.guard.verdict import Verdict, Where, refused
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked
from opsmodal.permissions import Permission

CLUSTER_PROGRAM = "kubectl"
ENGINE_PROGRAMS = ("docker", "podman")
NAMED: dict[str, str] = {"kubernetes": "Kubernetes", "docker": "Docker", "podman": "Podman"}

JUDGE_RULES = (
    Rule(
        "program",
        "The first word is exactly the program of the runtime: kubectl on Kubernetes, docker on Docker, podman on "
        "Podman; no path to it, no alias, nothing in front of it.",
        "Begin the line with the program's name.",
    ),
    Rule(
        "line-masked",
        f"A line that was shown again with {MASK} in place of a secret is not the line that was typed.",
        "Type the value anew.",
    ),
    Rule("container-on-cluster", "On Kubernetes a line names its pod and container itself.", "Use kubectl exec."),
    Rule("permission-exec", "Each line needs the permission exec on the service.", "Ask an administrator for it."),
    Rule(
        "permission-logs", "A line that reads logs needs the permission logs as well.", "Ask an administrator for it."
    ),
    Rule(
        "permission-manage",
        "A line that changes something, or reads a secret, needs the permission manage as well.",
        "Ask an administrator for it.",
    ),
    Rule(
        "runtime-permission",
        "A line that runs on the host, or is about the whole engine, needs exec granted on the runtime.",
        "Ask an administrator for a grant on the runtime, or choose a container to run it there.",
    ),
    Rule("read-only", "In read-only mode nothing runs that could change something.", "Read-only mode is a setting."),
)

_HINTS = {rule.id: rule.hint for rule in JUDGE_RULES}
_ORDER = (Permission.VIEW, Permission.EXEC, Permission.LOGS, Permission.MANAGE)
_RULE_OF = {Permission.LOGS: "permission-logs", Permission.MANAGE: "permission-manage"}


def judge(line: str | Sequence[str], asked: Asked) -> Verdict:
    """Judge a typed line, or the words of one. Raise nothing but what reading the world raises."""
    verdict = _decided(line, asked)
    if verdict.allowed:
        return verdict
    for better in suggesting.lines(_typed(line), verdict, asked):
        if _decided(better, asked).allowed:
            return replace(verdict, suggestion=better)
    return replace(verdict, suggestion="")


def _decided(line: str | Sequence[str], asked: Asked) -> Verdict:
    try:
        words = split(line) if isinstance(line, str) else from_argv(line)
    except Unsplittable as unsplittable:
        return refused(unsplittable.rule, unsplittable.reason, hint=unsplittable.hint)
    if any(MASK in word.text for word in words):
        return _refused("line-masked", f"{MASK} stands in place of a value that is kept nowhere.")
    verdict = _judged(words, asked)
    if dash := dashed(_outer(words, verdict)):
        return refused("line-dash", f"“{dash}” holds a dash that no program takes for one.", hint=_DASH_HINT)
    return narrowed(_permitted(verdict, asked), asked)


_DASH_HINT = "Type - or -- by hand, or put the word in quotes if it is meant as text."


def _judged(words: tuple[Word, ...], asked: Asked) -> Verdict:
    """Let the one judge whose program the first word is."""
    if not words:
        return refused("line-empty", "The line is empty.", hint="Type a command.")
    first = words[0].text
    if asked.kind == "kubernetes":
        if asked.container:
            return _refused("container-on-cluster", "No container is chosen on Kubernetes: the line names it.")
        return judge_kubectl(words, asked) if first == CLUSTER_PROGRAM else _no_program(first, asked)
    if asked.container:
        return judge_in_container(words, asked)
    if first == asked.kind:
        return judge_engine(words, asked)
    return _no_program(first, asked) if first in (*ENGINE_PROGRAMS, CLUSTER_PROGRAM) else judge_host(words, asked)


def _no_program(first: str, asked: Asked) -> Verdict:
    wanted = CLUSTER_PROGRAM if asked.kind == "kubernetes" else asked.kind
    return _refused("program", f"A line on {NAMED[asked.kind]} begins with {wanted}, not with “{first[:80]}”.")


def _outer(words: tuple[Word, ...], verdict: Verdict) -> tuple[Word, ...]:
    """Leave out the words that run inside a container: they are none of ours."""
    inner = len(verdict.argv) if verdict.where is Where.CONTAINER else 0
    return words[: len(words) - inner]


def _permitted(verdict: Verdict, asked: Asked) -> Verdict:
    """Refuse what the person has no right to, and what read-only mode removes."""
    if not verdict.allowed:
        return verdict
    missing = (verdict.needs | {Permission.EXEC}) - asked.world.permissions
    for permission in _ORDER:
        if permission in missing:
            return _refused(_RULE_OF.get(permission, "permission-exec"), f"This needs {permission} on the service.")
    if (verdict.where is Where.HOST or verdict.on_runtime) and Permission.EXEC not in asked.world.runtime_permissions:
        place = "runs on the host" if verdict.where is Where.HOST else "is about the whole engine"
        return _refused("runtime-permission", f"This {place}, which needs exec on the runtime.")
    if verdict.changes and asked.world.read_only:
        return _refused("read-only", "This could change something, and this installation is in read-only mode.")
    return verdict


def _refused(rule: str, reason: str) -> Verdict:
    return refused(rule, reason, hint=_HINTS[rule])


def _typed(line: str | Sequence[str]) -> str:
    """Give the line as it could have been typed; "" where it is none."""
    if isinstance(line, str):
        return line
    is_argv = isinstance(line, list | tuple) and all(isinstance(word, str) for word in line)
    return shlex.join(line) if is_argv else ""
