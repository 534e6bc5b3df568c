"""Judges what runs inside a container: `exec NAME COMMAND`, and a line for a chosen container.

The inner words are opaque: exec means full control of the container, and the limits act on whatever runs. What is
judged is the way in: which container, no terminal, no background, no rights and no folder beyond the container's.
The engine's API runs it rather than the program: argv is the inner command alone.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence

from opsmodal.guard.engine.names import resolved
from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.engine.rules import HINTS
from opsmodal.guard.engine.tables import Verb, grammar
from opsmodal.guard.pflag import Fault, Read, read
from opsmodal.guard.verdict import Decision, Target, Verdict, Where, refused
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, World

PREFIXES = ("docker", "podman", "kubectl")
LEADING_OUT = frozenset({"proc", "dev"})
"""/proc/self/fd/N as the working folder was a way to the host in runc up to 1.1.11 (CVE-2024-21626), and /dev/fd is
the same folder. A link of the container can still lead there: that is for the engine to withstand."""


def judge_exec(verb: Verb, given: Read, world: World) -> Verdict:
    """Judge `exec`, its flags read already. Raise NotAllowed."""
    name, command = given.arguments[:1], given.arguments[1:]
    if not name or not command:
        raise NotAllowed("engine-arguments", f"{verb.row.name} wants a container and a command.")
    own = resolved(name[0].text, world)
    return Verdict(
        decision=Decision.ALLOW,
        rule="engine-exec",
        reason=f"It runs inside {own.name}.",
        argv=tuple(word.text for word in command),
        where=Where.CONTAINER,
        container=own.id,
        user=given.last("user") or "",
        workdir=_workdir(given.last("workdir") or ""),
        environment=tuple(_environment(each.value) for each in given.all("env")),
        verb="exec",
        changes=True,
        targets=(Target("container", own.name),),
    )


def judge_in_container(words: tuple[Word, ...], asked: Asked) -> Verdict:
    """Judge a line for the chosen container. Raise only what reading the world raises."""
    try:
        own = resolved(asked.container, asked.world)
        if not words:
            raise NotAllowed("engine-arguments", "There is no command to run in the container.")
    except NotAllowed as problem:
        return problem.verdict
    if words[0].text in PREFIXES:
        return _prefixed(words, asked)
    return Verdict(
        decision=Decision.ALLOW,
        rule="container-exec",
        reason=f"It runs inside {own.name}.",
        argv=tuple(word.text for word in words),
        where=Where.CONTAINER,
        container=own.id,
        verb="exec",
        changes=True,
        targets=(Target("container", own.name),),
    )


def _prefixed(words: tuple[Word, ...], asked: Asked) -> Verdict:
    reason = f"A container is chosen, so the line runs inside it, where {words[0].text} has nothing to do."
    better = shlex.join(_meant(words, asked)) if len(words) > 1 else ""
    return refused("container-program", reason, hint=HINTS["container-program"], suggestion=better)


def _meant(words: Sequence[Word], asked: Asked) -> Sequence[str]:
    """Leave the program out, and of an `exec` in the chosen container all that is not the inner command."""
    texts = [word.text for word in words[1:]]
    if texts[:1] != ["exec"]:
        return texts
    if words[0].text == "kubectl":
        return texts[texts.index("--") + 1 :] if "--" in texts else texts
    program = "podman" if words[0].text == "podman" else "docker"
    given = read(words[2:], grammar(program).verbs["exec",].table, interspersed=False)
    if isinstance(given, Fault) or len(given.arguments) < 2:
        return texts
    named, *command = (word.text for word in given.arguments)
    return command if _is_chosen(named, asked) else []


def _is_chosen(named: str, asked: Asked) -> bool:
    try:
        return resolved(named, asked.world) == resolved(asked.container, asked.world)
    except NotAllowed:
        return False


def _workdir(folder: str) -> str:
    """Give a folder of the container. Raise NotAllowed for one that may lead out of it."""
    if not folder:
        return ""
    top = posixpath.normpath("/" + folder.lstrip("/")).split("/")[1]
    if not folder.startswith("/") or top in LEADING_OUT:
        raise NotAllowed("engine-workdir", f"{shown(folder)} is no folder to start in.")
    return folder


def _environment(text: str) -> str:
    """Give one `NAME=value`. Raise NotAllowed without a value: docker and podman would take the server's own."""
    name, equals, _ = text.partition("=")
    if not equals or not name:
        raise NotAllowed(
            "engine-environment", f"-e {name} has no value." if name else "-e has no name in front of its value."
        )
    return text
