"""What is refused before the API server is asked, and what is taken out of its words."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.config import ConfigChange
from runtimes.errors import Invalid, RuntimeProblem
from runtimes.kubernetes.config.rules import check, check_key, registries, without_values

VALUE = b'hunter2-"quoted"\nand a second line'


@pytest.mark.parametrize("key", ["A", "a.b-c_d", ".dockerconfigjson", "x" * 253, "0", ".a."])
def test_keys_that_kubernetes_takes(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("key", ["", ".", "..", "..data", "a b", "a/b", "ü", "a\n", "x" * 254, "\x1b[31m", "<b>"])
def test_keys_that_it_does_not(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_key(key)
    assert "\x1b" not in refused.value.sentence


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("kubernetes.io/tls", {"tls.crt": b""}, "tls.key"),
        ("kubernetes.io/dockerconfigjson", {}, ".dockerconfigjson"),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b"[1]"}, "not a JSON object"),
        ("kubernetes.io/basic-auth", {"other": b""}, "username or password"),
        ("kubernetes.io/ssh-auth", {}, "ssh-privatekey"),
        ("kubernetes.io/service-account-token", {}, "not made here"),
        ("bootstrap.kubernetes.io/token", {}, "not made here"),
    ],
)
def test_types_need_what_they_need(kind: str, values: dict[str, bytes], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check(ConfigChange(holder="secrets", name="a", values=values, type=kind), None)


@pytest.mark.parametrize(
    "words",
    [
        VALUE.decode(),
        f"denied: {json.dumps(VALUE.decode())}",
        f"data: {base64.b64encode(VALUE).decode()}",
        f"cut off: {VALUE.decode()[:20]}",
        f"...{VALUE.decode()[10:]}",
    ],
)
@pytest.mark.parametrize("where", ["sentence", "detail", "hint"])
def test_what_quotes_a_value_does_not_stay(words: str, where: str) -> None:
    said = {"sentence": "It was refused.", "detail": "", "hint": "", where: words}
    problem = without_values(RuntimeProblem(said["sentence"], hint=said["hint"], detail=said["detail"]), [VALUE])
    left = f"{problem} {problem.sentence} {problem.recorded} {problem.detail} {problem.hint}"
    assert "hunter2" not in left
    assert "second line" not in left
    assert base64.b64encode(VALUE).decode()[:12] not in left


LOGIN = base64.b64encode(b"robot:s3cret!").decode()


@pytest.mark.parametrize(
    "value",
    [
        json.dumps({"auths": {"ghcr.io": {"username": "robot", "password": "s3cret!"}}}),
        json.dumps({"auths": {"ghcr.io": {"auth": LOGIN}}}),
        "USER=robot\nPASSWORD=s3cret!\n",
        "db:\n  user: robot\n  password: 's3cret!'\n",
    ],
)
def test_what_quotes_a_short_part_of_a_document_does_not_stay(value: str) -> None:
    """The whole has more than a window of characters: what was quoted of it was no window of the whole."""
    refused = RuntimeProblem("It was refused.", detail='policy: "s3cret!" is in the list of leaked passwords')
    assert "s3cret" not in without_values(refused, [value.encode()]).detail


def test_a_large_document_costs_little() -> None:
    value = json.dumps({str(number): f"value-{number}" for number in range(40_000)}).encode()
    began = time.process_time()
    without_values(RuntimeProblem("It was refused.", detail="word " * 400), [value])
    assert time.process_time() - began < 2


def test_other_words_stay() -> None:
    problem = RuntimeProblem("The webhook policy.example.com refused it.", detail="label team is missing")
    kept = without_values(problem, [VALUE, b"a", b""])
    assert (kept.sentence, kept.detail) == ("The webhook policy.example.com refused it.", "label team is missing")


@given(st.binary(min_size=12, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_no_value_survives_whole(value: bytes, before: str, after: str) -> None:
    for form in (value.decode("utf-8", "replace"), base64.b64encode(value).decode()):
        problem = without_values(RuntimeProblem("It was refused.", detail=before + form + after), [value])
        assert form not in problem.detail


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        ({".dockerconfigjson": b'{"auths": {"b": {}, "a": {}}}'}, ("a", "b")),
        ({".dockercfg": b'{"a": {}}'}, ("a",)),
        ({".dockerconfigjson": b"no"}, ()),
        ({".dockerconfigjson": b'{"auths": 3}'}, ()),
        ({".dockerconfigjson": b"\xff"}, ()),
        ({}, ()),
    ],
)
def test_registries_of_a_login(values: dict[str, bytes], hosts: tuple[str, ...]) -> None:
    assert registries(values) == hosts
