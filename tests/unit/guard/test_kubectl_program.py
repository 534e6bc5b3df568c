"""The table of flags against the help of the installed kubectl, and our reading of words against its own."""

from __future__ import annotations

import random

import pytest

from opsmodal.guard.kubectl.judging import HELP
from opsmodal.guard.kubectl.tables import verb_tables
from opsmodal.guard.kubectl.verbs import NEVER, VERBS
from opsmodal.guard.pflag import Fault, Flag, Problem, Takes, read
from opsmodal.guard.words import Word
from tests.unit.guard.tables import PATHS, RECORD, answer, flags, generated, missing

TRIED = 6
"""Lines made up for each verb: starting kubectl takes 40 ms on an idle core."""
_SAID = {
    Problem.UNKNOWN: ("unknown flag", "unknown shorthand flag"),
    Problem.MISSING: ("flag needs an argument",),
    Problem.BOOLEAN: ("invalid argument",),
    Problem.SYNTAX: ("bad flag syntax",),
}


@pytest.mark.parametrize("path", PATHS)
def test_every_flag_of_the_help_is_in_the_table(path: str) -> None:
    table = verb_tables()[path]
    for row in flags(path, probed=False):
        known = table.long[row["name"]]
        assert known.short == row.get("short", "")
        assert (known.takes is Takes.BOOL) == (row.get("takes") == "bool"), row["name"]


@pytest.mark.exhaustive
def test_the_table_is_what_the_installed_program_says() -> None:
    assert not list(missing(generated()))


def test_every_flag_that_passes_is_one_that_the_program_has() -> None:
    for path, verb in VERBS.items():
        unknown = verb.flags - set(verb_tables()[path].long)
        assert not unknown, f"{path}: {unknown}"


def test_a_flag_that_help_hides_is_there() -> None:
    assert "unknown flag" not in answer(["scale", "--help", f"--{RECORD['name']}"])
    assert "unknown flag" in answer(["get", "--help", f"--{RECORD['name']}"])


def test_each_verb_of_kubectl_is_let_through_or_refused_by_name() -> None:
    said = answer(["--help"])
    verbs = {line.split()[0] for line in said.splitlines() if line.startswith("  ") and len(line.split()) > 1}
    verbs -= {"kubectl", "Find"}
    assert {"get", "exec", "apply", "config"} < verbs
    known = {path.partition(" ")[0] for path in VERBS} | set(NEVER)
    assert verbs <= known, verbs - known


@pytest.mark.parametrize("path", ["get", "exec", "logs", "delete", "rollout status", "create job"])
def test_words_are_read_or_faulted_as_the_program_does(path: str) -> None:
    choose = random.Random(path)
    table = verb_tables()[path]
    others = {flag.name: flag for flag in table.long.values() if flag.name != HELP}
    known = sorted(others.values(), key=lambda flag: flag.name)
    for _ in range(TRIED):
        words = [word for _ in range(choose.randint(1, 4)) for word in _piece(choose, known)]
        said = answer([*path.split(), "--help", *words])
        seen = read([Word(word) for word in words], table)
        if isinstance(seen, Fault):
            assert any(text in said for text in _SAID[seen.problem]), (words, seen, said[:200])
        else:
            assert "Usage:" in said, (words, seen, said[:200])


def _piece(choose: random.Random, known: list[Flag]) -> list[str]:
    """Make a flag as people and attackers spell it, or a word that is none."""
    flag = choose.choice([flag for flag in known if flag.takes is not Takes.VALUE or flag.name in _TEXTS])
    letters = [each.short for each in known if each.short and (each.takes is Takes.BOOL or each.name in _TEXTS)]
    cluster = "".join(choose.sample(letters, k=min(len(letters), choose.randint(1, 3))))
    value = choose.choice(["true", "false", "T", "x", "-A", "--watch", ""])
    return choose.choice(
        [
            [f"--{flag.name}"],
            [f"--{flag.name.replace('-', '_')}"],
            [f"--{flag.name}={value}"],
            [f"--{flag.name}", value],
            [f"--{flag.name[:-1]}"],
            [f"-{cluster}"],
            [f"-{cluster}={value}"],
            [f"-{cluster}", value],
            [value or "-"],
            ["--"],
            [f"---{flag.name}"],
            ["--=x"],
        ]
    )


_TEXTS = frozenset({"namespace", "container", "selector", "output", "from", "field-selector", "context", "as"})
"""Flags that take any text: those that want a number or a duration have more ways to be wrong than are read here."""
