"""What is masked in an answer, and what is not; and that a wrong answer is seen."""

from __future__ import annotations

import pytest

from tests.conformance.cases import names, topic
from tests.conformance.masks import masked
from tests.conformance.playing import matches

NAMES = {"conf-get-1a2b3c": "$NS", "node-1": "$NODE"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("web-6d5f7c9b84-x2k9p   1/1     Running   0   3m4s", "web-HASH 1/1 Running 0 AGE"),
        ("once-7hq2z 0/1", "once-RANDOM 0/1"),
        ("pod-template-hash=6d5f7c9b84", "pod-template-hash=HASH"),
        ("10.244.7.12:8080 on node-1", "IP:8080 on $NODE"),
        ("in conf-get-1a2b3c namespace", "in $NS namespace"),
        ("uid: 0f8fad5b-d9cb-469f-a165-70867728950e", "uid: UID"),
        ("at 2026-11-21T06:00:00Z and Sat, 21 Nov 2026 06:00:00 +0000", "at TIME and TIME"),
        ('resourceVersion: "4711"', "resourceVersion: VERSION"),
        ("BackOff 5s (x3 over 9s)", "BackOff AGE (xN over AGE)"),
        ("  indented   wide", "  indented wide"),
        ("Exit Code:   3, port 8080/TCP, 25% of 100", "Exit Code: 3, port 8080/TCP, 25% of 100"),
        ("my-deployment web-front db-0", "my-deployment web-front db-0"),
    ],
)
def test_only_what_may_differ_is_masked(said: str, shown: str) -> None:
    assert masked(said, NAMES) == shown


@pytest.mark.parametrize(
    ("expected", "found", "how", "same"),
    [
        ("a\nb\n", "a\nb\n", "whole", True),
        ("a\nb\n", "b\na\n", "whole", False),
        ("a\nb\n", "b\na\n", "sorted", True),
        ("a\na\n", "a\nb\n", "sorted", False),
        ("a\nc\n", "a\nb\nc\n", "has", True),
        ("c\na\n", "a\nb\nc\n", "has", False),
        ("", "anything\n", "whole", False),
    ],
)
def test_an_answer_is_compared_as_its_case_says(expected: str, found: str, how: str, same: bool) -> None:
    assert matches(expected, found, how) is same


@pytest.mark.parametrize("name", names())
def test_a_topic_names_each_line_once_and_says_where_none_is_real(name: str) -> None:
    cases = topic(name).cases
    assert len({case.id for case in cases}) == len(cases)
    assert not [case.id for case in cases if not case.real and not case.why]
    assert {case.match for case in cases} <= {"whole", "has", "sorted"}
