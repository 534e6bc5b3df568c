"""However a line is spelled, it is judged alike; and whatever is typed, there is a verdict."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.cli.policy_file import Case, read_test
from opsmodal.guard.judge import judge
from opsmodal.guard.kubectl import judge_kubectl
from opsmodal.guard.kubectl.bodies import body
from opsmodal.guard.kubectl.judging import behind_namespace, verb_of
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.tables import verb_tables
from opsmodal.guard.pflag import Given, Read, Takes, read
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, Mode
from tests.unit.guard.policies import FOLDER

WORLD, PLACED = read_test(FOLDER / "kubernetes.yaml")
CASES = tuple(placed.case for placed in PLACED if placed.case.command.isascii())
Parts = tuple[list[str], list[list[str]], list[str], list[str]]
ONESHOT = Asked(kind="kubernetes", mode=Mode.ONESHOT, world=WORLD, namespace="shop")


def taken_apart(case: Case) -> tuple[list[str], list[list[str]], list[str], list[str]] | None:
    """Part a line into its beginning, its flags, its names and what is behind --; None where it cannot be read."""
    asked = case.asked(WORLD)
    words = tuple(Word(text) for text in shlex.split(case.command))
    try:
        path, rest = verb_of(behind_namespace(words[1:], asked))
    except Refused:
        return None
    seen = read(rest, verb_tables()[path])
    if not isinstance(seen, Read):
        return None
    before = [word.text for word in words[: len(words) - len(rest)]]
    names = [word.text for word in seen.positionals]
    behind = [] if seen.dashes is None else ["--", *(word.text for word in seen.behind)]
    return before, [[*spelled(each)[0]] for each in seen.given], names, behind


def spelled(given: Given) -> list[list[str]]:
    """Give every way in which a flag and its value can be written by itself, the plainest first."""
    name, short, value = f"--{given.flag.name}", given.flag.short, given.value
    if given.flag.takes is Takes.VALUE:
        ways = [[f"{name}={value}"], [name, value], [f"{name.replace('-', '_').replace('__', '--', 1)}={value}"]]
        if short:
            ways.append([f"-{short}", value])
            if value and not value.startswith("="):
                ways += [[f"-{short}{value}"], [f"-{short}={value}"]]
        return ways
    ways = [[f"{name}={value}"]]
    if not given.typed:
        ways.append([name])
    if short:
        ways += [[f"-{short}={value}"]] if given.typed else [[f"-{short}"], [f"-{short}={value}"]]
    return ways


APART = tuple((case, parts) for case in CASES if (parts := taken_apart(case)) is not None)


def test_most_lines_can_be_taken_apart() -> None:
    assert len(APART) > 600
    assert sum(case.expect == "deny" for case, _ in APART) > 250


@given(st.data())
def test_the_verdict_does_not_depend_on_how_flags_are_spelled_and_ordered(data: st.DataObject) -> None:
    case, (before, _, names, behind) = data.draw(st.sampled_from(APART))
    rest = tuple(Word(text) for text in shlex.split(case.command)[len(before) :])
    seen = read(rest, verb_tables()[verb_of(behind_namespace([Word(t) for t in before[1:]], case.asked(WORLD)))[0]])
    assert isinstance(seen, Read)
    by_name: dict[str, list[list[str]]] = {}
    for each in seen.given:
        by_name.setdefault(each.flag.name, []).append(data.draw(st.sampled_from(spelled(each))))
    queues = [by_name[name] for name in data.draw(st.permutations(sorted(by_name)))]
    pieces = [[name] for name in names]
    for queue in queues:
        places = sorted(data.draw(st.lists(st.integers(0, len(pieces)), min_size=len(queue), max_size=len(queue))))
        for place, flag in zip(reversed(places), reversed(queue), strict=True):
            pieces.insert(place, flag)
    argv = [*before, *(word for piece in pieces for word in piece), *behind]
    same(case, argv)


@given(st.sampled_from(CASES), st.data())
def test_the_verdict_does_not_depend_on_quotes(case: Case, data: st.DataObject) -> None:
    ways = [shlex.quote, lambda word: f"'{word}'" if "'" not in word else shlex.quote(word), in_pieces]
    words = [data.draw(st.sampled_from(ways))(word) for word in shlex.split(case.command)]
    said = judge(" ".join(words), case.asked(WORLD))
    assert said.allowed is (case.expect != "deny"), words


def in_pieces(word: str) -> str:
    """Quote each half of a word by itself."""
    half = len(word) // 2
    return shlex.quote(word[:half]) + shlex.quote(word[half:]) if half else shlex.quote(word)


@given(st.sampled_from([(case, parts) for case, parts in APART if case.expect != "deny"]), st.data())
def test_one_bad_flag_anywhere_refuses_a_line(chosen: tuple[Case, Parts], data: st.DataObject) -> None:
    case, (before, flags, names, behind) = chosen
    if before[-1] == "help":
        return
    bad = data.draw(st.sampled_from(BAD))
    pieces = [*([name] for name in names), *flags]
    pieces.insert(data.draw(st.integers(0, len(pieces))), bad)
    argv = [*before, *(word for piece in pieces for word in piece), *behind]
    assert not judge(argv, case.asked(WORLD)).allowed, argv


BAD: Sequence[list[str]] = (
    ["-A"],
    ["--all-namespaces=false"],
    ["-n", "other"],
    ["-nother"],
    ["--namespace="],
    ["--server", "https://evil.example.com"],
    ["-shttps://evil.example.com"],
    ["--kubeconfig=x"],
    ["--as=root"],
    ["--token", "x"],
    ["-v=9"],
    ["--cache_dir=x"],
    ["--profile=cpu"],
    ["--insecure-skip-tls-verify"],
    ["--output", "go-template-file=/etc/passwd"],
    ["--filename=x"],
    ["--kustomize=x"],
    ["--raw=/"],
    ["--stdin"],
    ["-it"],
    ["--nonsense"],
)


def same(case: Case, argv: Sequence[str]) -> None:
    """Hold the verdict on another spelling against the expected one."""
    said = judge(argv, case.asked(WORLD))
    assert said.allowed is (case.expect != "deny"), f"{argv}: {said.rule}: {said.reason}"


SEEN = (
    "kubectl get exec logs delete patch scale set env rollout status create secret generic pods web-0 -A -n shop other "
    "-it -- --all-namespaces --namespace=shop -o json go-template-file=/x -f - -p {} [] --replicas=0 pod/web-0 secrets "
    ", / . --type=json --dry-run -w --timeout=1s a=b a- = --from=cronjob/x --from-literal help --help -h nodes all"
)
TOKENS = st.sampled_from(SEEN.split())


@given(st.lists(st.one_of(TOKENS, st.text(max_size=12)), max_size=8))
def test_whatever_is_typed_there_is_a_verdict(texts: list[str]) -> None:
    said = judge_kubectl((Word("kubectl"), *map(Word, texts)), ONESHOT)
    assert said.allowed or said.reason
    if said.allowed:
        assert judge_kubectl(tuple(map(Word, said.argv)), ONESHOT).argv == said.argv


@given(st.one_of(st.text(max_size=60), st.text("{}[]:,\"'&*!<|>-? \n\tab01$#%@`~=.", max_size=60)))
def test_whatever_a_patch_is_it_is_read_or_refused(text: str) -> None:
    for typed in (text, "{" + text, "spec: " + text):
        with suppress(Refused):
            body(typed)


@pytest.mark.parametrize(
    "text", ["[" * 2000, '{"a":' * 600, "- " * 1500, "a: " * 1000, "9" * 5000, "&a [*a]", "!!python/name:os.system x"]
)
def test_a_patch_that_is_meant_to_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        body(text)


@pytest.mark.parametrize("text", ["[" * 3_900, "- " * 1_950, "x: [" + "a," * 1_900 + "]", '{"a":' * 780])
def test_a_patch_takes_no_time_to_be_refused(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Refused):
        body(text)
    assert time.process_time() - began < 0.5
