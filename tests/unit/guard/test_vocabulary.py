"""What is completed is what the guard knows: no word is offered whose verb or flag it would refuse by itself."""

from __future__ import annotations

from typing import Literal

import pytest

from opsmodal.guard.host_table import GRAMMARS
from opsmodal.guard.judge import judge
from opsmodal.guard.vocabulary import FIRST_KINDS, host_programs, kinds_of, verbs_of
from opsmodal.guard.world import Asked, Known, Mode
from runtimes.commands import Kind

Runtime = Literal["kubernetes", "docker", "podman"]
RUNTIMES: tuple[Runtime, ...] = ("kubernetes", "docker", "podman")
PROGRAM = {"kubernetes": "kubectl", "docker": "docker", "podman": "podman"}
OF_A_WORD = {
    "kubernetes": {
        "kubectl-verb",
        "kubectl-flag",
        "kubectl-flag-refused",
        "kubectl-target",
        "kubectl-trace",
        "kubectl-raw",
        "kubectl-file",
        "kubectl-terminal",
        "kubectl-follow",
        "kubectl-all-namespaces",
    },
    "docker": {"engine-verb", "engine-flag", "engine-file", "engine-terminal", "engine-follow", "engine-detach"},
}
"""Rules that refuse a verb or a flag whatever stands beside it."""
OFFERED = [
    (kind, mode, verb, flag)
    for kind in RUNTIMES
    for mode in Mode
    for verb, flags in verbs_of(kind, mode).items()
    for flag in ("", *flags)
]


@pytest.mark.parametrize(("kind", "mode", "verb", "flag"), OFFERED)
def test_no_verb_or_flag_is_offered_that_is_refused_by_itself(kind: Runtime, mode: Mode, verb: str, flag: str) -> None:
    asked = Asked(kind=kind, mode=mode, world=Known(own={"web": "a" * 64}), namespace="shop")
    value = ("status" if flag == "--subresource=" else "1") if flag.endswith("=") else ""
    verdict = judge(f"{PROGRAM[kind]} {verb} {flag}{value} web", asked)
    assert verdict.rule not in OF_A_WORD["kubernetes" if kind == "kubernetes" else "docker"], verdict.reason


@pytest.mark.parametrize("kind", RUNTIMES)
def test_what_follows_is_offered_for_streams_alone(kind: Runtime) -> None:
    assert "--follow" in verbs_of(kind, Mode.STREAMING)["logs"]
    assert "--follow" not in verbs_of(kind, Mode.ONESHOT)["logs"]


def test_flags_that_want_a_value_say_so() -> None:
    flags = verbs_of("kubernetes", Mode.ONESHOT)["logs"]
    assert {"--tail=", "--previous"} <= set(flags)


def test_the_usual_kinds_come_first_and_those_of_the_cluster_last() -> None:
    kinds = kinds_of([Kind(name="backups"), Kind(name="pods")])
    assert kinds[: len(FIRST_KINDS)] == FIRST_KINDS
    assert kinds[-1] == "backups"
    assert len(kinds) == len(set(kinds))
    assert "nodes" not in kinds


def test_programs_of_a_host_are_those_of_its_table() -> None:
    assert set(host_programs()) == set(GRAMMARS)
