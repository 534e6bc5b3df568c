"""Selectors: what they match, and what they refuse to read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.problems import Problem
from opsmodal.demo.selectors import by_fields, by_labels, exact_name, of_object

WEB = {"app": "web", "tier": "front", "weight": "7"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app=db", False),
        ("app!=db", True),
        ("nothing!=db", True),
        ("app", True),
        ("!app", False),
        ("!nothing", True),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("nothing notin (db)", True),
        ("app in (web,db),tier notin (back)", True),
        ("weight>6", True),
        ("weight<7", False),
        ("app>1", False),
        ("app=", False),
    ],
)
def test_a_label_selector_matches(text: str, matches: bool) -> None:
    assert by_labels(text)(WEB) is matches


@pytest.mark.parametrize("text", ["app in web", "a=b=c", "app in (", "=x", "a b"])
def test_what_is_no_label_selector_is_a_bad_request(text: str) -> None:
    with pytest.raises(Problem) as refused:
        by_labels(text)
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}, False),
        ({"matchExpressions": [{"key": "nothing", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
    ],
)
def test_a_selector_of_an_object_matches(selector: dict[str, Any] | None, matches: bool) -> None:
    assert of_object(selector)(WEB) is matches


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.from_regex(r"[a-z]{0,5}", fullmatch=True)))
def test_labels_written_as_a_selector_match_themselves(labels: dict[str, str]) -> None:
    assert by_labels(",".join(f"{key}={value}" for key, value in labels.items()))(labels)


POD = {"metadata": {"name": "web-0", "namespace": "shop"}, "status": {"phase": "Running"}, "spec": {}}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("metadata.name=web-0", True),
        ("status.phase!=Running", False),
        ("status.phase=Running,metadata.namespace=shop", True),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
    ],
)
def test_a_field_selector_matches(text: str, matches: bool) -> None:
    assert by_fields(text, "pods")(POD) is matches


def test_a_field_that_cannot_be_selected_is_refused_in_the_api_servers_words() -> None:
    with pytest.raises(Problem) as refused:
        by_fields("spec.containers=x", "pods")
    assert refused.value.message == "field label not supported: spec.containers"


@pytest.mark.parametrize(
    ("text", "name"), [("metadata.name=a", "a"), ("metadata.name!=a", None), ("", None), ("status.phase=x", None)]
)
def test_the_one_name_that_is_asked_for_is_known(text: str, name: str | None) -> None:
    assert exact_name(text) == name
