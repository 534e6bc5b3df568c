"""The line that somebody may have meant: what is refused left out, and what is missing put in.

What is given here is judged like any other line before anybody is shown it; so nothing here has to be right, only
never to do more than was typed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from opsmodal.guard.kubectl.flags import FOLLOW, TARGET, TERMINAL, TRACE
from opsmodal.guard.kubectl.tables import verb_tables
from opsmodal.guard.kubectl.verbs import ALIASES, VERBS
from opsmodal.guard.pflag import Given, Read, Takes, read
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, Mode

_DROPPED = TARGET | TRACE | {"all-namespaces", "namespace"}
DEFAULT_WAIT = "--timeout=30s"


def corrected(words: Sequence[Word], asked: Asked) -> str:
    """Give a whole line to take over; "" where nothing could be meant."""
    found = _verb_in(words[1:])
    if found is None:
        return ""
    path, rest = found
    table = verb_tables()[path]
    seen = read(rest, table, interspersed=path != "exec" or any(word.text == "--" for word in rest))
    if not isinstance(seen, Read):
        return ""
    texts = ["kubectl", *path.split(), *_kept(rest, seen, asked)]
    if path == "wait" and not seen.all("timeout"):
        texts.append(DEFAULT_WAIT)
    if path == "exec" and seen.dashes is None and len(seen.positionals) > 1:
        at = len(texts) - len(seen.positionals) + 1
        texts.insert(at, "--")
    line = shlex.join(texts)
    return "" if line == shlex.join(word.text for word in words) else line


def _verb_in(words: Sequence[Word]) -> tuple[str, list[Word]] | None:
    """Find the verb behind flags, and put what stood in front of it behind it, as kubectl would read it."""
    texts = [word.text for word in words]
    for at in range(len(texts)):
        for length in (1, 2, 3):
            path = " ".join(texts[at : at + length])
            path = ALIASES.get(path, path)
            if path in VERBS:
                return path, [*words[:at], *words[at + length :]]
        if texts[at] == "--":
            break
    return None


def _kept(rest: Sequence[Word], seen: Read, asked: Asked) -> Iterator[str]:
    """Give the words again without the flags that have to go; of a cluster, what is left is spelled out."""
    last = len(rest) if seen.dashes is None else seen.dashes
    at = 0
    while at < last:
        here = [given for given in seen.given if given.at == at]
        if any(_goes(given, asked) for given in here):
            yield from (_spelled(given) for given in here if not _goes(given, asked))
            at = max(given.end for given in here)
        else:
            yield rest[at].text
            at += 1
    yield from (word.text for word in rest[last:])


def _goes(given: Given, asked: Asked) -> bool:
    name = given.flag.name
    if name in _DROPPED:
        return name != "namespace" or given.value != asked.namespace
    return (name in TERMINAL or (name in FOLLOW and asked.mode is Mode.ONESHOT)) and given.on


def _spelled(given: Given) -> str:
    if given.flag.takes is Takes.VALUE:
        return f"--{given.flag.name}={given.value}"
    return f"--{given.flag.name}={given.value}" if given.typed else f"--{given.flag.name}"
