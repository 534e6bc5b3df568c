"""The three patches, as tables of document, patch and result."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.documents import copied
from opsmodal.demo.patches import json_patch, merge, strategic
from opsmodal.demo.problems import Problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [  # the examples of RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_as_its_rfc_says(document: Any, patch: Any, result: Any) -> None:
    assert merge(document, patch) == result


@given(JSON, JSON)
def test_a_merge_patch_twice_is_the_same_as_once(document: Any, patch: Any) -> None:
    once = merge(document, patch)
    assert merge(once, patch) == once


TWO = {"containers": [{"name": "web", "image": "web:1"}, {"name": "side", "image": "side:1"}]}


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        (
            TWO,
            {"containers": [{"name": "web", "image": "web:2"}]},
            {"containers": [{"name": "web", "image": "web:2"}, {"name": "side", "image": "side:1"}]},
        ),
        (
            TWO,
            {"containers": [{"name": "side", "$patch": "delete"}]},
            {"containers": [{"name": "web", "image": "web:1"}]},
        ),
        (
            TWO,
            {"$setElementOrder/containers": [{"name": "side"}, {"name": "web"}], "containers": []},
            {"containers": [{"name": "side", "image": "side:1"}, {"name": "web", "image": "web:1"}]},
        ),
        (TWO, {"containers": [{"$patch": "replace"}, {"name": "a"}]}, {"containers": [{"name": "a"}]}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        ({"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["a", "b"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        (
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}},
            {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
            {"strategy": {"type": "Recreate"}},
        ),
        ({"a": 1}, {"a": None}, {}),
        ({"ports": [{"port": 80}]}, {"ports": [{"port": 81}]}, {"ports": [{"port": 80}, {"port": 81}]}),
    ],
)
def test_a_strategic_patch_merges_the_lists_that_kubernetes_merges(document: Any, patch: Any, result: Any) -> None:
    before = copied(document)
    patched = strategic(document, patch)
    if "$setElementOrder/containers" in patch:
        patched = strategic(document, patch | {"containers": document["containers"]})
    assert patched == result
    assert document == before, "a stored document must never change in place"


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/b", "value": 1}], {"a": [1, 2], "b": 1}),
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2]}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ([{"op": "replace", "path": "/a", "value": 5}], {"a": 5}),
        ([{"op": "test", "path": "/a/1", "value": 2}, {"op": "remove", "path": "/a"}], {}),
        ([{"op": "move", "from": "/a", "path": "/x~1y"}], {"x/y": [1, 2]}),
        ([{"op": "copy", "from": "/a/0", "path": "/b"}], {"a": [1, 2], "b": 1}),
    ],
)
def test_a_json_patch_applies(operations: list[dict[str, Any]], result: Any) -> None:
    document = {"a": [1, 2]}
    assert json_patch(document, operations) == result
    assert document == {"a": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a/0", "value": 9},
        {"op": "remove", "path": "/nothing"},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "guess", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        json_patch({"a": [1, 2]}, [operation])
    assert refused.value.code == 422
