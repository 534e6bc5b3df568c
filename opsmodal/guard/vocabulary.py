"""The words that lines are made of, out of the guard's own tables: what a page may complete.

Only what the guard knows and lets somebody through with is offered. A word that is offered promises nothing: what is
typed is judged when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal

from opsmodal.guard.engine.tables import FlagRow, grammar
from opsmodal.guard.host_table import GRAMMARS
from opsmodal.guard.kubectl.flags import FILES, FOLLOW, TERMINAL
from opsmodal.guard.kubectl.tables import kinds_data, verb_tables
from opsmodal.guard.kubectl.verbs import ALIASES, VERBS
from opsmodal.guard.pflag import Flag, Takes
from opsmodal.guard.world import Mode
from runtimes.commands import Kind

FIRST_KINDS = ("pods", "deployments", "services", "events", "jobs", "statefulsets", "configmaps", "ingresses")
"""What people ask for most, before the other kinds."""
OFFERED_USES = frozenset({"pass", "filter", "inner"})
FOLLOWS = "follow"


def verbs_of(kind: Literal["kubernetes", "docker", "podman"], mode: Mode) -> Mapping[str, Sequence[str]]:
    """Give the verbs of a runtime's program as they are typed, each with its flags: `--tail=` wants a value."""
    return _of_kubectl(mode) if kind == "kubernetes" else _of_engine(kind, mode)


def kinds_of(custom: Iterable[Kind] = ()) -> tuple[str, ...]:
    """Give the kinds that live in a namespace, the usual ones first, those of the cluster's own last."""
    built_in = sorted(plural for _, plural, *_ in kinds_data()["namespaced"])
    rest = [plural for plural in built_in if plural not in FIRST_KINDS]
    return tuple(dict.fromkeys((*FIRST_KINDS, *rest, *(kind.name for kind in custom))))


def host_programs() -> tuple[str, ...]:
    """Give the programs that may run on a host."""
    return tuple(sorted(GRAMMARS))


@cache
def _of_kubectl(mode: Mode) -> Mapping[str, Sequence[str]]:
    left_out = FILES | TERMINAL | (FOLLOW if mode is Mode.ONESHOT else frozenset())
    spelled = {path: path for path in VERBS} | {"top pod": "top pods"}
    return {
        spelled[path]: tuple(
            _typed(flag.name, flag)
            for name in sorted(verb.flags - left_out)
            if (flag := verb_tables()[path].long.get(name)) is not None
        )
        for path, verb in VERBS.items()
        if spelled[path] in VERBS or spelled[path] in ALIASES
    }


@cache
def _of_engine(program: Literal["docker", "podman"], mode: Mode) -> Mapping[str, Sequence[str]]:
    uses = OFFERED_USES | ({FOLLOWS} if mode is Mode.STREAMING else set())
    verbs = {verb.row.name: verb for verb in grammar(program).verbs.values()}
    return {name: tuple(_row(flag) for flag in verb.row.flags if flag.use in uses) for name, verb in verbs.items()}


def _typed(name: str, flag: Flag) -> str:
    return f"--{name}=" if flag.takes is Takes.VALUE else f"--{name}"


def _row(flag: FlagRow) -> str:
    return f"--{flag.name}=" if flag.takes is Takes.VALUE else f"--{flag.name}"
