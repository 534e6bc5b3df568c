"""Finds the verb of a line. It is the first word behind the program, or the second behind a group like `container`.

docker reads flags in front of the verb, podman also between a group and its verb; they choose another daemon, another
configuration, even another program to start. Nothing stands there.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.engine.tables import Grammar, Verb
from opsmodal.guard.pflag import Fault, read
from opsmodal.guard.words import Word

HINT_BY_VERB = {
    "compose": "Name the container itself: logs, exec, restart and the like take its name.",
    "info": "version says what the engine is; the Overview tab says how it does.",
    "images": "ps shows the image of each container.",
    "attach": "logs shows what a container prints; as a stream, logs -f follows it.",
    "rm": "The Containers tab restarts them; they are removed on the host itself, by whoever deploys the service.",
    "cp": "exec with cat prints a file of the container, and the output can be downloaded.",
    "wait": "ps -a and inspect say how a container ended.",
}
"""Where there is more to say of a verb than of its family."""


def found(words: Sequence[Word], grammar: Grammar) -> tuple[Verb, int]:
    """Give the verb of a line and the place of the first word behind it. Raise NotAllowed when it is none that runs."""
    spelled = tuple(word.text for word in words[1:3])
    if not spelled:
        raise NotAllowed("engine-verb", f"{grammar.program} alone does nothing.")
    if spelled[0].startswith("-"):
        raise NotAllowed("engine-global", _front(spelled[0]), suggestion=_without_front(words, grammar))
    for spelling in (spelled[:2], spelled[:1]):
        if verb := grammar.verbs.get(spelling):
            return verb, 1 + len(spelling)
    raise _not_run(words, spelled, grammar)


def _not_run(words: Sequence[Word], spelled: tuple[str, ...], grammar: Grammar) -> NotAllowed:
    first, *behind = spelled
    if first in grammar.groups and behind and behind[0].startswith("-"):
        return NotAllowed("engine-global", _front(behind[0]))
    name = behind[0] if first in grammar.groups and behind else first
    rule = grammar.refused.get(name)
    written = " ".join((grammar.program, *(spelled if name != first else (first,))))
    if rule is None:
        return NotAllowed("engine-verb", f"{shown(written)} is no command that runs here.")
    hint = HINT_BY_VERB.get(name, "")
    return NotAllowed(rule, f"{shown(written)} does not run here.", hint=hint, suggestion=_shortened(words, grammar))


def _front(flag: str) -> str:
    return f"{shown(flag)} stands where only the verb may stand."


def _without_front(words: Sequence[Word], grammar: Grammar) -> str:
    """Leave out the flags in front of the verb; `judge` gives the rest to take over if it runs."""
    given = read(words[1:], grammar.front, interspersed=False)
    if isinstance(given, Fault):
        return ""
    return shlex.join([grammar.program, *(word.text for word in given.arguments)])


def _shortened(words: Sequence[Word], grammar: Grammar) -> str:
    """Leave a group out that is none of ours: `system events` is `events`."""
    rest = [word.text for word in words[2:]]
    known = bool(rest) and (rest[0],) in grammar.verbs and words[1].text in ("system", "compose")
    return shlex.join([grammar.program, *rest]) if known else ""
