"""The line that somebody may have meant: what is refused left out, and what is missing put in.

What is given here is judged like any other line before anybody is shown it; so nothing here has to be right, only
never to do more than was typed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from opsmodal.guard.kubectl.flags import FOLLOW, TARGET, TERMINAL, TRACE
from opsmodal.guard.kubectl.objects import SECRETS
from opsmodal.guard.kubectl.tables import verb_tables
from opsmodal.guard.kubectl.verbs import ALIASES, VERBS
from opsmodal.guard.pflag import Given, Read, Takes, read
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, Mode

_DROPPED = TARGET | TRACE | {"all-namespaces", "namespace"}
DEFAULT_WAIT = "--timeout=30s"
_INSTEAD: Mapping[str, str] = {
    "attach": "logs",
    "log": "logs",
    "ls": "get",
    "list": "get",
    "show": "get",
    "rm": "delete",
}
"""Verbs that people type, and the one that does what they mean."""
_SECRET = re.compile(r"(?:[^/]*,)?secrets?(?:\Z|[.,/])", re.IGNORECASE)
"""A first word that names secrets: their annotations are set with --overwrite only."""
_SINGLE = tuple(path for path in VERBS if " " not in path)


def corrected(words: Sequence[Word], asked: Asked) -> str:
    """Give a whole line to take over; "" where nothing could be meant."""
    texts = [word.text for word in words]
    meant = _meant(words, asked)
    return shlex.join(meant) if meant and meant != texts else ""


def _meant(words: Sequence[Word], asked: Asked) -> list[str]:
    found = _verb_in(words[1:])
    if found is None:
        return _another_verb([word.text for word in words[1:]])
    path, rest = found
    seen = read(rest, verb_tables()[path], interspersed=path != "exec" or any(word.text == "--" for word in rest))
    if not isinstance(seen, Read):
        return []
    texts = ["kubectl", *path.split(), *_kept(rest, seen, asked)]
    if path == "wait" and not seen.all("timeout"):
        texts.append(DEFAULT_WAIT)
    if path == "exec" and seen.dashes is None and len(seen.positionals) > 1:
        texts.insert(len(texts) - len(seen.positionals) + 1, "--")
    if path == "annotate" and any(_SECRET.match(word.text) for word in seen.arguments[:1]):
        texts.insert(2, "--overwrite")
    if path == "describe" and texts[2:3] in ([SECRETS], ["secret"]):
        texts[1] = "get"
    return texts


def _another_verb(texts: Sequence[str]) -> list[str]:
    """Give help where that was asked for, what does the same as a verb that is refused, or the verb that is nearest."""
    asks = any(text in ("-h", "--help") for text in texts)
    if not texts or (asks and texts[0].startswith("-")):
        return ["kubectl", "help"]
    if asks:
        return ["kubectl", "help", texts[0]]
    verb = _INSTEAD.get(texts[0]) or next(iter(get_close_matches(texts[0], _SINGLE, n=1)), "")
    return ["kubectl", verb, *texts[1:]] if verb else []


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
    places: dict[int, list[Given]] = {}
    for given in seen.given:
        places.setdefault(given.at, []).append(given)
    at = 0
    while at < last:
        here = places.get(at, [])
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
