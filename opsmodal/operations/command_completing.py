"""Completes a line: verbs and flags that the guard knows, kinds and names that the page knows. Pure.

It offers words and promises nothing: what is typed is judged when it runs. Behind `--`, and where quotes stand, it is
silent, since that is the business of another program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsmodal.operations.command_answers import Completion, Completions

ITEMS_MAX = 50
QUOTES = frozenset("\"'\\")
POD_VERBS = frozenset({"logs", "exec"})
ALIASES = {"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "po": "pod"}
"""Short names whose objects a page knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What can be said here. `verbs` are whole ("rollout restart") with their flags, `names` are by kind ("pod").

    `kinds` are empty on engines, where names are those of containers. `others` are programs of the host.
    """

    program: str
    verbs: Mapping[str, Sequence[str]]
    kinds: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def complete(line: str, at: int, known: Vocabulary) -> Completions:
    """Give the words that fit where the cursor is: at most ITEMS_MAX, each a whole word to put there."""
    before = line[: max(0, at)]
    words = before.split()
    prefix = words.pop() if words and not before[-1].isspace() else ""
    if QUOTES.intersection(before) or "--" in words:
        return Completions()
    fitting = (each for each in _words(words, prefix, known) if each.text.startswith(prefix) and each.text != prefix)
    found = {each.text: each for each in fitting}
    return Completions(items=tuple(found.values())[:ITEMS_MAX])


def _words(words: list[str], prefix: str, known: Vocabulary) -> Iterator[Completion]:
    if not words:
        yield from _each("program", (known.program, *known.others))
        return
    if words[0] != known.program:
        return
    said = [word for word in words[1:] if not word.startswith("-")]
    verb, rest = _verb(said, known.verbs)
    if verb is None:
        depth = len(said)
        following = (each.split() for each in known.verbs)
        yield from _each("verb", (path[depth] for path in following if path[:depth] == said and len(path) > depth))
    elif prefix.startswith("-"):
        yield from _each("flag", known.verbs[verb])
    else:
        yield from _objects(verb, rest, prefix, known)


def _verb(said: list[str], verbs: Iterable[str]) -> tuple[str | None, list[str]]:
    """Find the verb that the words begin with, the longest there is, and give what follows it."""
    found = [each for each in verbs if said[: len(path := each.split())] == path]
    longest = max(found, key=len, default=None)
    return longest, said[len(longest.split()) :] if longest else said


def _objects(verb: str, rest: list[str], prefix: str, known: Vocabulary) -> Iterator[Completion]:
    kind, slash, _ = prefix.partition("/")
    if not known.kinds:
        yield from _each("container", known.names.get("container", ()))
    elif slash:
        yield from _each("name", (f"{kind}/{name}" for name in known.names.get(singular(kind), ())))
    elif verb.split(maxsplit=1)[0] in POD_VERBS:
        yield from _each("name", known.names.get("pod", ()))
    elif rest:
        yield from _each("name", known.names.get(singular(rest[0]), ()))
    else:
        yield from _each("kind", known.kinds)


def singular(kind: str) -> str:
    """Give a kind as names are kept by: `pods`, `Pod` and `po` are all `pod`."""
    small = kind.lower().partition(".")[0]
    return ALIASES.get(small, small.removesuffix("s") if small not in ALIASES.values() else small)


def _each(kind: str, texts: Iterable[str]) -> Iterator[Completion]:
    return (Completion(text=text, kind=kind) for text in texts)
