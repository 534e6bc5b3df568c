"""The rules of commands on a host and of runbooks."""

from __future__ import annotations

from opsmodal.guard.rule import Rule

RULES = (
    Rule("host-shape", "A listed program with arguments that only show something runs on the host."),
    Rule(
        "host-program",
        "On a host a fixed list of programs runs, and no other: no shell, no editor, no wrapper, nothing that writes.",
        "Choose a container to run it there, or ask an administrator for a runbook.",
    ),
    Rule(
        "host-argument",
        "A program on a host gets only arguments that are known to show something and change nothing.",
        "Leave it out. Long flags are written in full.",
    ),
    Rule(
        "host-endless",
        "What repeats until it is stopped is for streaming.",
        "Give a count, or switch to streaming.",
    ),
    Rule("runbook", "A runbook of the runtime runs as an administrator wrote it down."),
    Rule(
        "runbook-parameter",
        "A parameter of a runbook matches its pattern, and never begins with a dash.",
        "Give a value that fits.",
    ),
)

HINTS = {rule.id: rule.hint for rule in RULES}
