"""Lines that change what is there: rollout restart and kin, set, label and annotate."""

from __future__ import annotations

from dataclasses import replace

from opsmodal.guard.kubectl.formats import check_maskable
from opsmodal.guard.kubectl.kinds import WORKLOADS, kind_of
from opsmodal.guard.kubectl.metadata import check_key
from opsmodal.guard.kubectl.objects import SECRETS, Object, name_of, objects
from opsmodal.guard.kubectl.reading import rolled
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.saying import Line, managed, viewed
from opsmodal.guard.kubectl.tokens import check_tokens
from opsmodal.guard.verdict import Verdict

_ENDS = {"rollout restart": "This starts every pod of it anew."}
_SOURCES = frozenset({"secrets", "configmaps"})


def rollout(line: Line) -> Verdict:
    """Judge rollout restart, pause and resume."""
    return managed(line, rolled(line), destroys=_ENDS.get(line.verb, ""))


def image(line: Line) -> Verdict:
    """Judge set image: objects, then CONTAINER=IMAGE."""
    words, pairs = _parted(line.words, removes=False)
    if not pairs:
        raise Refused(
            "kubectl-arguments", "No image is named.", "Type kubectl set image deployment/NAME CONTAINER=IMAGE."
        )
    return managed(line, workloads(line, words))


def resources(line: Line) -> Verdict:
    """Judge set resources."""
    return managed(line, workloads(line, line.words))


def env(line: Line) -> Verdict:
    """Judge set env. With --list alone it reads; --resolve would print the values of secrets."""
    if line.has("resolve"):
        raise Refused("kubectl-secret", "--resolve prints the values of secrets.", "Leave --resolve out.")
    words, pairs = _parted(line.words, removes=True)
    typed = [*pairs, *(given.value for given in line.read.all("env"))]
    if "-" in (*words, *typed):
        raise Refused("kubectl-file", "“-” reads variables from standard input.", "Type them as NAME=VALUE.")
    if line.on("list"):
        if typed or line.has("from", "keys", "prefix"):
            raise Refused("kubectl-arguments", "--list reads, and beside it nothing is set.", "Leave one of both out.")
        return viewed(line, workloads(line, words))
    for given in line.read.all("from"):
        _source(given.value, line)
    return managed(line, workloads(line, words))


def mark(line: Line) -> Verdict:
    """Judge label and annotate: objects, then KEY=VALUE or KEY-."""
    words, pairs = _parted(line.words, removes=True)
    found = objects(words, line.world, secrets=True)
    named(line, found)
    secrets = any(each.sort.plural == SECRETS for each in found)
    for pair in pairs:
        check_key(pair.partition("=")[0] if "=" in pair else pair[:-1], secrets=secrets)
    if secrets:
        _marks_secrets(line)
    if pairs:
        return managed(line, found)
    if not line.on("list"):
        raise Refused(
            "kubectl-arguments", f"Nothing is set by this {line.verb}.", "Type KEY=VALUE, or KEY- to remove it."
        )
    return replace(managed(line, found), changes=False, reason="This reads the own namespace.")


def _marks_secrets(line: Line) -> None:
    """Refuse what prints annotations of secrets: one holds their values where they were applied. Raise Refused.

    annotate prints the value that is there when it may not overwrite it, on its standard error, which nothing masks.
    """
    check_maskable(line.read)
    if line.verb != "annotate":
        return
    if line.has("list"):
        raise Refused(
            "kubectl-secret", "An annotation may hold the values of a secret.", "Use kubectl get secret NAME."
        )
    if not line.on("overwrite"):
        raise Refused(
            "kubectl-secret", "Without --overwrite the annotation that is there is printed.", "Add --overwrite."
        )


def workloads(line: Line, words: tuple[str, ...]) -> tuple[Object, ...]:
    """Resolve what has a pod template. Raise Refused."""
    found = objects(words, line.world)
    named(line, found)
    for each in found:
        if each.sort.custom or each.sort.plural not in WORKLOADS:
            raise Refused("kubectl-kind-here", f"{each.sort.plural} have no containers.", "Name a deployment.")
    return found


def named(line: Line, found: tuple[Object, ...]) -> None:
    """Refuse a kind without names where neither --all nor a selector says which. Raise Refused."""
    if any(not each.name for each in found) and not (line.on("all") or line.has("selector", "field-selector")):
        raise Refused("kubectl-arguments", "No object is named.", "Type TYPE/NAME, a selector with -l, or --all.")


def _source(value: str, line: Line) -> None:
    """Judge `--from`: a secret or a config map, whose keys become variables that point there."""
    kind, slash, name = value.partition("/")
    plural = kind_of(kind, line.world).plural if slash else ""
    if plural not in _SOURCES:
        raise Refused("kubectl-arguments", f"“{shown(value)}” is neither secret/NAME nor configmap/NAME.")
    name_of(name)
    if plural == SECRETS:
        check_tokens({name}, lambda: line.world.tokens)


def _parted(words: tuple[str, ...], *, removes: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part objects from pairs as kubectl does: `KEY=VALUE`, and `KEY-` where that removes. Raise Refused."""
    pairs = [
        ("=" in word and not word.startswith("=")) or (removes and word.endswith("-") and word != "-") for word in words
    ]
    first = pairs.index(True) if True in pairs else len(words)
    if not all(pairs[first:]):
        raise Refused("kubectl-arguments", f"“{shown(words[first])}” stands in front of a name.", "Name objects first.")
    return words[:first], words[first:]
