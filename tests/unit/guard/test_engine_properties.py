"""Whatever is typed, the guard of docker and podman answers; and what it answers does not hang on how it is spelled."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from opsmodal.guard.engine import judge_engine, judge_in_container
from opsmodal.guard.engine.tables import Program, Verb, grammar
from opsmodal.guard.line import Unsplittable, split
from opsmodal.guard.pflag import Fault, Given, Takes, read
from opsmodal.guard.verdict import Verdict, Where
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, Mode
from tests.unit.guard.policies import Case, cases

CASES = tuple(case for case in (*cases("docker"), *cases("podman")) if not case.asked.container)
OWN, FOREIGN = ("web", "4f0c9a", "/db", "shop_cache-1"), ("pay-db", "b1c2", "nope", "4f", "e0")
WORLD = CASES[0].asked.world
PROGRAMS = st.sampled_from(("docker", "podman"))
MODES = st.sampled_from(Mode)
VALUES = st.sampled_from(
    ("", "1", "web", "pay-db", "id=pay-db", "id=b1c2,name=x", "container=web", "-it", "--", "A=b", "x")
)
SIGNS = st.sampled_from(("docker", "podman", "exec", "ps", "-it", "--", "web", "container"))
CHOSEN = st.sampled_from(("", "web", "pay-db", "nope"))


def _is_line(text: str) -> bool:
    try:
        return bool(split(text))
    except Unsplittable:
        return False


REFUSED = [case for case in CASES if not case.allow and _is_line(case.line)]
QUOTED = st.sampled_from(
    (
        shlex.quote,
        lambda word: "'" + word.replace("'", "'\\''") + "'",
        lambda word: "".join(map("\\{}".format, word)) or "''",
    )
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Program, list[str]]:
    """Draw lines out of what the programs know: verbs, their flags in every spelling, names, and words at random."""
    program: Program = draw(PROGRAMS)
    spelling = draw(st.sampled_from(sorted(grammar(program).verbs)))
    verb = grammar(program).verbs[spelling]
    words = [*spelling, *chain.from_iterable(draw(st.lists(_words(verb), max_size=5)))]
    return program, [program, *words]


def _words(verb: Verb) -> st.SearchStrategy[list[str]]:
    names = st.sampled_from((*OWN, *FOREIGN, "--", "ls", "-it", "--help", "")).map(lambda name: [name])
    flags = sorted(verb.rows)
    return names if not flags else names | st.sampled_from(flags).flatmap(lambda name: _spelled(verb, name))


def _spelled(verb: Verb, name: str) -> st.SearchStrategy[list[str]]:
    row = verb.rows[name]
    bare = st.sampled_from([f"--{name}", *([f"-{row.short}"] if row.short else [])])
    joined = st.tuples(bare, VALUES).map(lambda pair: ["=".join(pair)])
    apart = st.tuples(bare, VALUES).map(list)
    return bare.map(lambda flag: [flag]) | joined | (joined if row.takes is Takes.BOOL else apart)


def judged(program: Program, words: Sequence[str], mode: Mode) -> Verdict:
    return judge_engine(tuple(map(Word, words)), Asked(kind=program, mode=mode, world=WORLD))


@given(line=lines(), mode=MODES)
def test_what_runs_is_about_own_containers_only(line: tuple[Program, list[str]], mode: Mode) -> None:
    program, words = line
    verdict = judged(program, words, mode)
    if not verdict.allowed:
        return
    ids = set(WORLD.own.values())
    if verdict.where is Where.CONTAINER:
        assert verdict.container in ids
        return
    verb = grammar(program).verbs[tuple(verdict.verb.split())]
    begin = 1 + len(verdict.verb.split())
    again = read(tuple(map(Word, verdict.argv[begin:])), verb.table, interspersed=verb.row.interspersed)
    assert not isinstance(again, Fault)
    assert all(each.value in ids for each in again.given if each.flag.name in ("id", "container"))
    _holds_nothing_refused(verb, again.given, mode)
    if verb.row.narrow:
        keys = [each.value.partition("=") for each in again.all("filter")]
        narrowing = [value for key, _, value in keys if key == verb.row.narrow]
        assert narrowing
        assert set(narrowing) <= ids
    elif verb.row.row != "engine":
        named = [word.text for word in again.arguments]
        assert named[0] in ids
        assert verb.row.names in ("top", "port") or set(named) <= ids


def _holds_nothing_refused(verb: Verb, flags: Sequence[Given], mode: Mode) -> None:
    uses = {verb.rows[each.flag.name].use for each in flags if each.flag.takes is not Takes.BOOL or each.on}
    assert uses <= {"pass", "filter", "kind", *(["follow"] if mode is Mode.STREAMING else [])}


@given(line=lines(), mode=MODES)
def test_what_was_written_anew_is_understood_the_same_again(line: tuple[Program, list[str]], mode: Mode) -> None:
    program, words = line
    verdict = judged(program, words, mode)
    if verdict.allowed and verdict.where is Where.CLI:
        assert judged(program, verdict.argv, mode).argv == verdict.argv


@given(line=lines(), mode=MODES)
def test_a_suggestion_that_runs_does_not_do_more(line: tuple[Program, list[str]], mode: Mode) -> None:
    program, words = line
    verdict = judged(program, words, mode)
    if verdict.suggestion:
        better = judged(program, [word.text for word in split(verdict.suggestion)], mode)
        assert not better.allowed or not better.targets or better.changes
        assert better.suggestion != verdict.suggestion


@given(words=st.lists(st.text(max_size=12) | SIGNS, max_size=8), program=PROGRAMS, mode=MODES, container=CHOSEN)
def test_no_words_whatever_make_it_raise(words: list[str], program: Program, mode: Mode, container: str) -> None:
    asked = Asked(kind=program, mode=mode, world=WORLD, container=container)
    for line in (words, [program, *words]):
        judge_engine(tuple(map(Word, line)), asked)
        judge_in_container(tuple(map(Word, line)), asked)


@given(case=st.sampled_from(REFUSED), data=st.data())
def test_a_refused_line_stays_refused_however_it_is_quoted_and_spelled(case: Case, data: st.DataObject) -> None:
    words = [word.text for word in split(case.line)]
    ways = [data.draw(st.sampled_from(_ways(case.asked.kind, words, at))) for at in range(len(words))]
    line = " ".join(data.draw(QUOTED)(word) for way in ways for word in way)
    assert not judge_engine(split(line), case.asked).allowed, line


def _ways(program: str, words: Sequence[str], at: int) -> list[list[str]]:
    """Give other spellings of one word that mean the same to the program: long for short, a cluster taken apart."""
    word, same = words[at], [[words[at]]]
    verb = grammar("podman" if program == "podman" else "docker").verbs.get(tuple(words[1:2]))
    if verb is None or at < 2 or not word.startswith("-") or word == "--" or _is_a_value(verb, words, at):
        return same
    flags = read((Word(word),), verb.table)
    if isinstance(flags, Fault) or not all(each.flag.takes is Takes.BOOL for each in flags.given):
        return same
    apart = [f"{each.spelled}={each.value}" for each in flags.given]
    long = [f"--{each.flag.name}={'1' if each.on else 'F'}" for each in flags.given]
    twice = [f"--{each.flag.name}" if each.on else f"--{each.flag.name}=0" for each in flags.given for _ in range(2)]
    return [*same, apart, long, twice]


def _is_a_value(verb: Verb, words: Sequence[str], at: int) -> bool:
    """Tell whether a word belongs to the flag in front of it, or is no flag because a name ended them."""
    given = read(tuple(map(Word, words[2:])), verb.table, interspersed=verb.row.interspersed)
    if isinstance(given, Fault):
        return True
    return not any(each.at == at - 2 for each in given.given)


@given(case=st.sampled_from(CASES), data=st.data())
def test_the_order_of_flags_and_names_changes_no_verdict(case: Case, data: st.DataObject) -> None:
    """Where a program reads flags behind names too, all of one line's flags may stand anywhere."""
    words = case.line.split()
    verb = grammar("podman" if case.asked.kind == "podman" else "docker").verbs.get(tuple(words[1:2]))
    if verb is None or not verb.row.interspersed or set(case.line) & set("'\"\\;|$") or "--" in words:
        return
    flags = read(tuple(map(Word, words[2:])), verb.table)
    if isinstance(flags, Fault) or len({each.flag.name for each in flags.given}) < len(flags.given):
        return
    taken = {at for each in flags.given for at in range(each.at, each.end)}
    spans = [(each.at, each.end) for each in {each.at: each for each in reversed(flags.given)}.values()]
    names = iter([at for at in flags.places if at not in taken])
    mixed = data.draw(st.permutations([*spans, *[None for at in flags.places if at not in taken]]))
    ordered = [span or (at := next(names), at + 1) for span in mixed]
    line = [*words[:2], *(word for begin, end in ordered for word in words[2:][begin:end])]
    before, after = judge_engine(split(case.line), case.asked), judge_engine(tuple(map(Word, line)), case.asked)
    assert before.allowed is after.allowed
    assert sorted(before.argv) == sorted(after.argv)
