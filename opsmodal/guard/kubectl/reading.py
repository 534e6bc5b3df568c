"""Lines that read objects: get, describe, events, top pod, wait, auth can-i, and what tells of kinds."""

from __future__ import annotations

import re
from dataclasses import replace

from opsmodal.guard.kubectl.formats import EXPLAINED, PLAIN, TEMPLATES, check_maskable, check_output
from opsmodal.guard.kubectl.kinds import WITH_PODS
from opsmodal.guard.kubectl.objects import SECRETS, Object, name_of, objects, one_object
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.saying import MANAGE, Line, kinds, viewed
from opsmodal.guard.verdict import Target, Verdict

_FIELD = re.compile(r"[A-Za-z0-9][-A-Za-z0-9./]*")
_SUBRESOURCES = frozenset({"status", "scale", "resize"})
"""Others are doors: log, exec, proxy and token are subresources too."""
_ASKED = re.compile(r"[A-Za-z0-9*][-A-Za-z0-9.*]*(/[A-Za-z0-9_:.*-]+)?")
_WAIT = re.compile(r"\+?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
"""A duration as Go reads it that is not negative: a negative one waits for a week."""
_ROLLED = WITH_PODS - {"replicasets", "replicationcontrollers"}


def get(line: Line) -> Verdict:
    """Judge get. Secrets need manage, and a format in which they can be masked."""
    _no_explained(line)
    _subresource(line)
    found = objects(line.words, line.world, secrets=True)
    if not any(each.sort.plural == SECRETS for each in found):
        return viewed(line, found, long="events" in kinds(found))
    check_maskable(line.read)
    return replace(
        viewed(line, found),
        rule="kubectl-manage",
        reason="This reads secrets; their values are masked.",
        needs=MANAGE,
        masked=True,
    )


def describe(line: Line) -> Verdict:
    """Judge describe."""
    return viewed(line, objects(line.words, line.world))


def events(line: Line) -> Verdict:
    """Judge events; `--for` names an object of the own namespace."""
    _no_explained(line)
    line.no_words()
    for given in line.read.all("for"):
        one_object(given.value, line.world)
    return replace(viewed(line, long=True), kinds=frozenset({"events"}), reason="This reads the own namespace.")


def top(line: Line) -> Verdict:
    """Judge top pod."""
    names = tuple(Target("pod", name_of(word)) for word in line.words) or (Target("pod", ""),)
    return replace(viewed(line), targets=names, kinds=frozenset({"pods"}), reason="This reads the own namespace.")


def wait(line: Line) -> Verdict:
    """Judge wait: it ends."""
    _no_explained(line)
    last = line.read.last("timeout")
    if last is None:
        raise Refused("kubectl-timeout", "This waits for as long as kubectl pleases.")
    if not _WAIT.fullmatch(last):
        raise Refused("kubectl-timeout", f"“{shown(last)}” is no time after which waiting ends.")
    return viewed(line, objects(line.words, line.world))


def explain(line: Line) -> Verdict:
    """Judge explain, which tells of any kind and reads no object."""
    for given in line.read.all("output"):
        check_output(given.value, EXPLAINED)
    if len(line.words) != 1 or not _FIELD.fullmatch(line.words[0]):
        raise Refused("kubectl-arguments", "explain wants one kind, with a field if any: pods.spec.containers.")
    return viewed(line)


def told(line: Line) -> Verdict:
    """Judge api-resources and version, which take no words."""
    _no_explained(line)
    line.no_words()
    return viewed(line)


def can_i(line: Line) -> Verdict:
    """Judge auth can-i, which asks about the own rights and reads no object."""
    if line.on("list"):
        line.no_words()
    elif not 2 <= len(line.words) <= 3:
        raise Refused("kubectl-arguments", "can-i wants a verb and a kind: kubectl auth can-i get pods.")
    for word in line.words:
        if word.startswith("/"):
            raise Refused("kubectl-raw", f"“{shown(word)}” is a path, and not a kind.")
        if not _ASKED.fullmatch(word):
            raise Refused("kubectl-arguments", f"“{shown(word)}” is neither a verb nor a kind.")
    return viewed(line)


def last_applied(line: Line) -> Verdict:
    """Judge apply view-last-applied."""
    for given in line.read.all("output"):
        check_output(given.value, frozenset({"json", "yaml"}))
    return viewed(line, objects(line.words, line.world))


def rollout(line: Line) -> Verdict:
    """Judge rollout status and history."""
    _no_explained(line)
    return viewed(line, rolled(line))


def rolled(line: Line) -> tuple[Object, ...]:
    """Resolve what rollout is for. Raise Refused for what has no revisions."""
    found = objects(line.words, line.world)
    for each in found:
        if each.sort.custom or each.sort.plural not in _ROLLED:
            raise Refused("kubectl-kind-here", f"{each.sort.plural} have no rollout.", "Name a deployment.")
    return found


def _no_explained(line: Line) -> None:
    """Refuse the formats that only explain has."""
    for given in line.read.all("output"):
        check_output(given.value, PLAIN | TEMPLATES)


def _subresource(line: Line) -> None:
    for given in line.read.all("subresource"):
        if given.value not in _SUBRESOURCES:
            raise Refused("kubectl-flag-refused", f"The subresource “{shown(given.value)}” is not read by this.")
