"""What the site's policy leaves of the lines that the built-in rules let through. It refuses more, and allows nothing.

A policy names what may be done: verbs, kinds of objects, and the programs inside a container. What it does not name is
refused where it names anything of that sort; a line about no kind of object is not held against the kinds.
"""

from __future__ import annotations

from opsmodal.guard.rule import Rule
from opsmodal.guard.verdict import Verdict, Where, refused
from opsmodal.guard.world import Asked

SITE_RULES = (
    Rule("site-verb", "The site's policy names the verbs that may be used on this service.", "Ask an administrator."),
    Rule("site-kind", "The site's policy names the kinds of objects that may be touched.", "Ask an administrator."),
    Rule(
        "site-program",
        "The site's policy names the programs that may be started inside a container.",
        "Start one of them, or ask an administrator.",
    ),
)

_REACHED = {
    "exec": frozenset({"pods"}),
    "logs": frozenset({"pods"}),
    "autoscale": frozenset({"horizontalpodautoscalers"}),
}


def narrowed(verdict: Verdict, asked: Asked) -> Verdict:
    """Refuse what the policy leaves out; give every other verdict as it is."""
    policy = asked.world.narrowing
    if not verdict.allowed:
        return verdict
    if policy.verbs is not None and policy.verbs.isdisjoint(_names(verdict.verb)):
        return refused(
            "site-verb", f"The policy of this service leaves out “{verdict.verb}”.", hint=_left(policy.verbs)
        )
    program = inner_program(verdict)
    if policy.programs is not None and program is not None and program not in policy.programs:
        return refused(
            "site-program", f"The policy of this service leaves out “{program}”.", hint=_left(policy.programs)
        )
    if policy.kinds is not None and (foreign := _kinds(verdict) - policy.kinds):
        return refused("site-kind", f"The policy of this service leaves out {min(foreign)}.", hint=_left(policy.kinds))
    return verdict


def _kinds(verdict: Verdict) -> frozenset[str]:
    """Give the kinds that a line is about, and those that it gets to: `exec deploy/web` enters a pod."""
    return verdict.kinds | _REACHED[verdict.verb] if verdict.kinds and verdict.verb in _REACHED else verdict.kinds


def inner_program(verdict: Verdict) -> str | None:
    """Give the first word of what runs inside a container; None where nothing does."""
    if verdict.where is Where.CONTAINER:
        return verdict.argv[0] if verdict.argv else None
    return verdict.argv[verdict.inner] if 0 < verdict.inner < len(verdict.argv) else None


def _names(verb: str) -> frozenset[str]:
    """Give what stands for a verb in a policy: all of it, or its first word, as `rollout` and `host` do."""
    return frozenset({verb, verb.partition(" ")[0]})


def _left(names: frozenset[str]) -> str:
    return f"It leaves: {', '.join(sorted(names))}." if names else "It leaves nothing."
