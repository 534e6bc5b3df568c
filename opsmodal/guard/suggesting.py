"""Lines that somebody may have meant who typed one that was refused. `judge` gives one only if it lets it through.

A suggestion never does more than the line said: it puts the program in front, takes a wrapper away, leaves the part of
the line that a shell would have read, or hands all of it to the shell inside the container.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from opsmodal.guard.verdict import Verdict
from opsmodal.guard.world import Asked

WRAPPERS = frozenset({"sudo", "time", "command", "nohup", "watch", "$", "#"})
"""What people put in front of a command out of habit; `$` and `#` come with a pasted prompt."""
_FIRST = re.compile(r"\A\s*(?P<first>\S+)\s*(?P<rest>.*)\Z", re.DOTALL)
_BEHIND_DASHES = re.compile(r"\A(?P<outer>[^;&|<>()`'\"\\]*?\s--\s+)(?P<inner>.+)\Z", re.DOTALL)
_BEHIND_NAME = re.compile(
    r"\A(?P<outer>\s*(?:docker|podman)\s+(?:container\s+)?exec\s+(?:-[-\w]*\s+)*[\w.-]+\s+)(?P<inner>[^-\s].*)\Z",
    re.DOTALL,
)
_ANOTHER = re.compile(r"[;&|(`]\s*(?:kubectl|docker|podman)\s")
"""A second command of this page's programs, which is none of the container's."""
_PIPE = re.compile(r"\A(?P<head>[^;&|<>()`'\"\\]*[^;&|<>()`'\"\\\s])\s*(?:2>&1\s*)?\|")
_LONG_DASH = re.compile(r"(?<!\S)[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")


def lines(typed: str, verdict: Verdict, asked: Asked) -> Iterator[str]:
    """Give what may have been meant, the best first."""
    if verdict.suggestion:
        yield verdict.suggestion
    if verdict.rule == "line-operator":
        yield from _without_shell(typed, asked)
    elif verdict.rule == "line-dash":
        yield _LONG_DASH.sub("--", typed)
        yield _LONG_DASH.sub("-", typed)
    elif verdict.rule in ("program", "host-program"):
        yield from _with_program(typed, asked)


def _without_shell(typed: str, asked: Asked) -> Iterator[str]:
    """Give the inner line to the shell of the container, or keep what stands in front of a pipe."""
    if kept := _kept(typed):
        yield kept
    whole = _ANOTHER.search(typed) is None
    if asked.container:
        yield f"sh -c {_quoted(typed)}"
        return
    for pattern in (_BEHIND_DASHES, _BEHIND_NAME):
        if whole and (match := pattern.match(typed)):
            yield match["outer"] + f"sh -c {_quoted(match['inner'])}"
    if match := _PIPE.match(typed):
        yield match["head"].strip()


def _kept(typed: str) -> str:
    """Leave out a sign at the very end that parts a command from none."""
    kept = typed.rstrip(" \t;&|")
    return kept if kept != typed.rstrip() else ""


def _quoted(inner: str) -> str:
    """Put a line in quotes, in the ones that it has none of."""
    inner = inner.strip()
    return f'"{inner}"' if "'" in inner and not set(inner) & set('"\\$`') else shlex.quote(inner)


def _with_program(typed: str, asked: Asked) -> Iterator[str]:
    """Put the runtime's program in front, in the place of a path to it, an alias of it, or a wrapper."""
    match = _FIRST.match(typed)
    if match is None:
        return
    program = "kubectl" if asked.kind == "kubernetes" else asked.kind
    first, rest = match["first"], match["rest"]
    if "/" in first:
        yield f"{first.rpartition('/')[2]} {rest}"
    if first.rpartition("/")[2].lower() in (program, "k", "kubectl", "docker", "podman", "kubecolor", "oc"):
        yield f"{program} {rest}"
    elif first in WRAPPERS:
        yield rest
    yield f"{program} {typed.strip()}"
