"""Cutting a line: as a shell would, without being one, and never past what a reader sees."""

from __future__ import annotations

import shlex
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opsmodal.guard.line import LINE_MAX_BYTES, LINE_RULES, Unsplittable, dashed, from_argv, split
from opsmodal.guard.words import Word


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kubectl get pods", ["kubectl", "get", "pods"]),
        ("  kubectl\tget \t pods  ", ["kubectl", "get", "pods"]),
        ("kubectl get pods # comment", ["kubectl", "get", "pods", "#", "comment"]),
        ("kubectl get po#ds", ["kubectl", "get", "po#ds"]),
        ("echo $HOME ~ * ! {a,b} ? [x] $ %", ["echo", "$HOME", "~", "*", "!", "{a,b}", "?", "[x]", "$", "%"]),
        ("echo 'a;b|c&d' \"<$(x)>\"", ["echo", "a;b|c&d", "<$(x)>"]),
        ("find . -exec ls {} \\;", ["find", ".", "-exec", "ls", "{}", ";"]),
        ("a'b'\"c\"\\d", ["abcd"]),
        ("echo '' \"\"", ["echo", "", ""]),
        ('echo "a\\"b\\\\c\\d"', ["echo", 'a"b\\c\\d']),
        ("echo 'it'\\''s'", ["echo", "it's"]),
        (
            "kubectl annotate pod web note='한국어 메모 – 확인'",
            ["kubectl", "annotate", "pod", "web", "note=한국어 메모 – 확인"],
        ),
        ("echo 한국어", ["echo", "한국어"]),
        ("echo 日本語 naïve Ünïcode 👍", ["echo", "日本語", "naïve", "Ünïcode", "👍"]),
        (
            "get pods -o jsonpath='{.items[*].metadata.name}'",
            ["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"],
        ),
        ("get pods -o=jsonpath={.items[0]}", ["get", "pods", "-o=jsonpath={.items[0]}"]),
    ],
)
def test_a_line_is_cut_as_a_shell_would_cut_it(line: str, words: list[str]) -> None:
    assert [word.text for word in split(line)] == words


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("", "line-empty"),
        (" \t ", "line-empty"),
        ("a; b", "line-operator"),
        ("a && b", "line-operator"),
        ("a & ", "line-operator"),
        ("a | b", "line-operator"),
        ("a > /tmp/x", "line-operator"),
        ("a 2>&1", "line-operator"),
        ("a < b", "line-operator"),
        ("a $(b)", "line-operator"),
        ("a ${B}", "line-operator"),
        ("a `b`", "line-operator"),
        ("(a)", "line-operator"),
        ("a'b'; c", "line-operator"),
        ("a 'b", "line-quotes"),
        ('a "b', "line-quotes"),
        ('a "b\\"', "line-quotes"),
        ("a \\", "line-quotes"),
        ("a\nb", "line-control"),
        ("a 'b\nc'", "line-control"),
        ("a\\\nb", "line-control"),
        ("a\r", "line-control"),
        ("a\0", "line-control"),
        ("a\x1b[31m", "line-control"),
        ("a\x85b", "line-control"),
        ("a\u200bb", "line-control"),
        ("a\u202eb", "line-control"),
        ("a\u00adb", "line-control"),
        ("a\ufeff", "line-control"),
        ("a\udc80", "line-control"),
        ("a\x0bb", "line-control"),
        ("a\x0cb", "line-control"),
        ("a\x1cb", "line-control"),
        ("a\u00a0b", "line-blank"),
        ("a\u2003b", "line-blank"),
        ("a\u2028b", "line-blank"),
        ("a\u3000b", "line-blank"),
        ("a\u3164b", "line-blank"),
        ("'a\u00a0b'", "line-blank"),
        ("a" * (LINE_MAX_BYTES + 1), "line-length"),
        ("한" * (LINE_MAX_BYTES // 3 + 1), "line-length"),
    ],
)
def test_what_is_no_line_is_refused(line: str, rule: str) -> None:
    with pytest.raises(Unsplittable) as raised:
        split(line)
    assert (raised.value.rule, bool(raised.value.hint)) == (rule, True)
    assert raised.value.reason.endswith(".")


@pytest.mark.parametrize("wrong", [None, 1, b"kubectl get pods", ["kubectl", "get"]])
def test_only_a_text_is_a_line(wrong: object) -> None:
    with pytest.raises(Unsplittable, match="text"):
        split(wrong)  # type: ignore[arg-type]


def test_a_line_of_the_greatest_length_is_one() -> None:
    assert split("a" * LINE_MAX_BYTES) == (Word("a" * LINE_MAX_BYTES),)


def test_a_word_knows_whether_it_was_quoted() -> None:
    assert [word.quoted for word in split("a 'b' c\"d\" e\\f ''")] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kubectl get pods –A", "–A"),
        ("kubectl get pods —all-namespaces", "—all-namespaces"),
        ("kubectl get pods \uff0dA", "\uff0dA"),
        ("kubectl get pods \u2212n x", "\u2212n"),
        ("kubectl get pods web–0", "web–0"),
        ("kubectl exec web-0 —it -- sh", "—it"),
        ("kubectl exec web-0 -- echo – —x", ""),
        ("kubectl annotate pod web 'a=– b'", ""),
        ("kubectl get pods -A --all", ""),
        ("kubectl get pods -l 앱=웹", ""),
    ],
)
def test_a_long_dash_is_found_in_front_of_the_inner_command(line: str, found: str) -> None:
    assert dashed(split(line)) == found


def test_words_that_are_parted_already_keep_their_signs() -> None:
    words = from_argv(["kubectl", "exec", "web-0", "--", "sh", "-c", "a; b | c", "", "한국어"])
    assert [word.text for word in words][-3:] == ["a; b | c", "", "한국어"]
    assert [word.quoted for word in words][-4:] == [False, True, True, False]


@pytest.mark.parametrize(
    ("argv", "rule"),
    [
        ("kubectl", "line-text"),
        (["kubectl", None], "line-text"),
        (["kubectl", "a\nb"], "line-control"),
        (["kubectl", "a\u00a0b"], "line-blank"),
        (["a"] * 3000, "line-length"),
    ],
)
def test_words_that_are_parted_already_are_held_to_the_same(argv: object, rule: str) -> None:
    with pytest.raises(Unsplittable) as raised:
        from_argv(argv)  # type: ignore[arg-type]
    assert raised.value.rule == rule


@given(st.text(max_size=60))
def test_any_text_is_cut_or_refused_by_a_known_rule(text: str) -> None:
    words, rule = cut(text)
    assert bool(words) is not (rule in {rule.id for rule in LINE_RULES})


@given(st.text(alphabet=string.ascii_letters + " \t'\"\\$#~*=-;|", max_size=40))
def test_what_is_cut_is_cut_as_shlex_cuts_it(text: str) -> None:
    words, _ = cut(text)
    assume(words)
    assert words == shlex.split(text, comments=False)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12), min_size=1))
def test_quoted_words_come_back_as_they_are(texts: list[str]) -> None:
    assume(not set("".join(texts)) & set("\u115f\u1160\u2800\u3164\uffa0"))
    line = shlex.join(texts)
    assume(len(line.encode()) <= LINE_MAX_BYTES)
    assert cut(line) == (texts, "")


def cut(text: str) -> tuple[list[str], str]:
    """Give the words of a line, or the rule that it breaks."""
    try:
        return [word.text for word in split(text)], ""
    except Unsplittable as unsplittable:
        return [], unsplittable.rule
