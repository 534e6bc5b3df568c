"""What the guard says of a line: allow, confirm or refuse, by which rule, why, and what to type instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from opsmodal.permissions import Permission


class Decision(StrEnum):
    """The three verdicts."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    """Allowed, and destructive: it wants to be confirmed with what it will hit."""
    REFUSE = "refuse"


class Where(StrEnum):
    """What runs the argv of a verdict."""

    CLI = "cli"
    """The runtime's own program (kubectl, docker, podman) as a child of the server."""
    CONTAINER = "container"
    """The engine, inside one container of the service."""
    HOST = "host"
    """The host at the far end of the connection."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a command names: `kind` as `deployment` or `container`; `name` "" is all that a selector finds."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict. `rule` is an id of `opsmodal.guard.rules`; `reason` a sentence; the rest only where allowed.

    `suggestion` is a whole line to take over instead, or "". `argv` is what runs, rebuilt from what was understood.
    """

    decision: Decision
    rule: str
    reason: str
    hint: str = ""
    suggestion: str = ""
    argv: tuple[str, ...] = ()
    where: Where = Where.CLI
    container: str = ""
    """The full id of the container that the argv runs in (`where` container)."""
    user: str = ""
    workdir: str = ""
    """Of `docker exec -u` and `-w`: both are looked up inside the container; "" is what the container has itself."""
    environment: tuple[str, ...] = field(default=(), repr=False)
    """Of `docker exec -e`: `NAME=value` each, the last of a name counts. Values are secrets: never print them."""
    pod: str = ""
    pod_container: str = ""
    inner: int = 0
    """For `kubectl exec`: which pod and container, and where in argv the inner command begins; 0 elsewhere."""
    verb: str = ""
    """What the line does, in the program's words: "get", "rollout restart", "exec"; for pages and records."""
    needs: frozenset[Permission] = frozenset({Permission.EXEC})
    """What was needed on the service for it."""
    changes: bool = False
    """Whether it can change something: read-only mode refuses it."""
    long: bool = False
    """Whether it reads logs or events, which may take 60 s as a one-shot instead of 30 s."""
    on_runtime: bool = False
    """Whether it is about the engine as a whole and not the service's own: it wants exec granted on the runtime."""
    kinds: frozenset[str] = frozenset()
    """The kinds of objects that it reads or changes, by their plural names: a site's policy may leave only some."""
    targets: tuple[Target, ...] = ()
    """What a confirmed line will hit; what a changing one names."""
    masked: bool = False
    """Whether its output may hold values of secrets that have to be masked (`get secret`)."""

    @property
    def allowed(self) -> bool:
        """Whether it may run, if only after a confirmation."""
        return self.decision is not Decision.REFUSE


def refused(rule: str, reason: str, *, hint: str = "", suggestion: str = "") -> Verdict:
    """Make a refusal: what is wrong with the line, what to do, and a whole line that would pass where there is one."""
    return Verdict(decision=Decision.REFUSE, rule=rule, reason=reason, hint=hint, suggestion=suggestion)
