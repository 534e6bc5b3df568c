"""pflag's own reading of words, as kubectl and docker show it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.guard.pflag import Fault, Flag, Problem, Read, Table, Takes, read
from opsmodal.guard.words import Word

FLAGS = (
    Flag(name="all-namespaces", short="A", takes=Takes.BOOL),
    Flag(name="stdin", short="i", takes=Takes.BOOL),
    Flag(name="tty", short="t", takes=Takes.BOOL),
    Flag(name="watch", short="w", takes=Takes.BOOL),
    Flag(name="namespace", short="n"),
    Flag(name="container", short="c"),
    Flag(name="network", also=("net",)),
    Flag(name="dry-run", takes=Takes.IMPLIED, implied="unchanged"),
)
TABLE = Table.of(FLAGS, underscores=True)


def words(line: str) -> tuple[Word, ...]:
    return tuple(Word("" if text == "''" else text) for text in line.split())


def shown(line: str, *, interspersed: bool = True) -> tuple[list[str], list[str], list[str]]:
    seen = read(words(line), TABLE, interspersed=interspersed)
    assert isinstance(seen, Read), seen
    given = [f"{each.flag.name}={each.value}" for each in seen.given]
    return given, [word.text for word in seen.positionals], [word.text for word in seen.behind]


@pytest.mark.parametrize(
    ("line", "given", "positionals", "behind"),
    [
        ("pods web", [], ["pods", "web"], []),
        ("-itcapp", ["stdin=true", "tty=true", "container=app"], [], []),
        ("-cit", ["container=it"], [], []),
        ("-Anshop pods", ["all-namespaces=true", "namespace=shop"], ["pods"], []),
        ("-n=x", ["namespace=x"], [], []),
        ("-n= x", ["namespace=="], ["x"], []),
        ("-n '' x", ["namespace="], ["x"], []),
        ("--namespace= x", ["namespace="], ["x"], []),
        ("-namespace shop", ["namespace=amespace"], ["shop"], []),
        ("-n -w", ["namespace=-w"], [], []),
        ("-n -- pods", ["namespace=--"], ["pods"], []),
        ("-c -- web -it", ["container=--", "stdin=true", "tty=true"], ["web"], []),
        ("--namespace --watch pods", ["namespace=--watch"], ["pods"], []),
        ("--watch false", ["watch=true"], ["false"], []),
        ("-A false", ["all-namespaces=true"], ["false"], []),
        ("-it=false", ["stdin=true", "tty=false"], [], []),
        ("-A=false -i=T", ["all-namespaces=false", "stdin=T"], [], []),
        ("--all_namespaces", ["all-namespaces=true"], [], []),
        ("--dry_run=client", ["dry-run=client"], [], []),
        ("--dry-run -A", ["dry-run=unchanged", "all-namespaces=true"], [], []),
        ("--dry-run client", ["dry-run=unchanged"], ["client"], []),
        ("--watch --watch=false", ["watch=true", "watch=false"], [], []),
        ("--net host", ["network=host"], [], []),
        ("pods -- -A -n x", [], ["pods"], ["-A", "-n", "x"]),
        ("a -- b -- c", [], ["a"], ["b", "--", "c"]),
        ("- '' x", [], ["-", "", "x"], []),
        ("--namespace=a=b", ["namespace=a=b"], [], []),
    ],
)
def test_words_are_read_as_the_program_reads_them(
    line: str, given: list[str], positionals: list[str], behind: list[str]
) -> None:
    assert shown(line) == (given, positionals, behind)


@pytest.mark.parametrize(
    ("line", "given", "positionals", "behind"),
    [
        ("web grep -it x", [], ["web", "grep", "-it", "x"], []),
        ("-i web -t sh", ["stdin=true"], ["web", "-t", "sh"], []),
        ("web -- ls", [], ["web", "--", "ls"], []),
        ("-- web -it", [], [], ["web", "-it"]),
    ],
)
def test_the_first_positional_ends_the_flags_of_programs_that_stop_there(
    line: str, given: list[str], positionals: list[str], behind: list[str]
) -> None:
    assert shown(line, interspersed=False) == (given, positionals, behind)


@pytest.mark.parametrize(
    ("line", "problem", "spelled", "at"),
    [
        ("pods --all", Problem.UNKNOWN, "--all", 1),
        ("--All-Namespaces", Problem.UNKNOWN, "--All-Namespaces", 0),
        ("-iz", Problem.UNKNOWN, "-z", 0),
        ("-A=", Problem.UNKNOWN, "-=", 0),
        ("-n", Problem.MISSING, "-n", 0),
        ("x -itn", Problem.MISSING, "-n", 1),
        ("--namespace", Problem.MISSING, "--namespace", 0),
        ("--watch=yes", Problem.BOOLEAN, "--watch", 0),
        ("--watch=", Problem.BOOLEAN, "--watch", 0),
        ("--watch=tRUE", Problem.BOOLEAN, "--watch", 0),
        ("-i=ture", Problem.BOOLEAN, "-i", 0),
        ("---watch", Problem.SYNTAX, "---watch", 0),
        ("--=x", Problem.SYNTAX, "--=x", 0),
    ],
)
def test_what_the_program_would_not_read_is_a_fault(line: str, problem: Problem, spelled: str, at: int) -> None:
    seen = read(words(line), TABLE)
    assert isinstance(seen, Fault)
    assert (seen.problem, seen.spelled, seen.at) == (problem, spelled, at)
    assert seen.sentence.endswith(".")


def test_underscores_are_dashes_only_where_the_program_reads_them_so() -> None:
    assert isinstance(read(words("--all_namespaces"), Table.of(FLAGS)), Fault)


def test_each_flag_and_positional_is_known_by_its_place() -> None:
    seen = read(words("a -itc app b --namespace=x -- c"), TABLE)
    assert isinstance(seen, Read)
    assert [(each.spelled, each.at, each.end, each.typed) for each in seen.given] == [
        ("-i", 1, 2, False),
        ("-t", 1, 2, False),
        ("-c", 1, 3, True),
        ("--namespace", 4, 5, True),
    ]
    assert (seen.places, seen.dashes) == ((0, 3), 5)


def test_the_last_of_a_repeated_flag_holds_and_each_is_reported() -> None:
    seen = read(words("-n shop --namespace=other"), TABLE)
    assert isinstance(seen, Read)
    assert [each.value for each in seen.all("namespace")] == ["shop", "other"]
    assert (seen.last("namespace"), seen.last("container")) == ("other", None)


PIECES = st.sampled_from(["-", "--", "=", "i", "t", "n", "c", "w", "A", "namespace", "watch", "dry-run", "x", "false"])
WORDS = st.lists(st.one_of(st.lists(PIECES, max_size=5).map("".join), st.text(max_size=8)), max_size=8)


@given(WORDS, st.booleans())
def test_any_words_are_read_or_are_a_fault(texts: list[str], interspersed: bool) -> None:
    given_words = tuple(Word(text) for text in texts)
    seen = read(given_words, TABLE, interspersed=interspersed)
    if isinstance(seen, Fault):
        assert 0 <= seen.at < len(texts)
        return
    of_flags = {place for each in seen.given for place in range(each.at, each.end)}
    behind = set() if seen.dashes is None else set(range(seen.dashes, len(texts)))
    assert sorted([*of_flags, *behind, *seen.places]) == list(range(len(texts))), "no word is lost or read twice"
