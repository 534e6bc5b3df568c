"""A workload as YAML: nothing of the server's own, and nothing that another reader takes for something else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtimes.kubernetes.deployment.manifests import manifest

DOCUMENT = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "status": {"replicas": 3},
    "spec": {"replicas": 3, "paused": True},
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u-1",
        "resourceVersion": "42",
        "generation": 3,
        "creationTimestamp": "2026-11-21T12:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "finalizers": ["example.com/hold"],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "blue"},
    },
}


def test_the_servers_own_is_left_out_and_the_rest_is_kept() -> None:
    text = manifest(DOCUMENT)
    known = yaml.safe_load(text)
    assert list(known) == ["apiVersion", "kind", "metadata", "spec"]
    assert known["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "finalizers": ["example.com/hold"],
        "annotations": {"team": "blue"},
    }
    assert known["spec"] == {"replicas": 3, "paused": True}


def test_annotations_of_which_none_is_left_are_not_there() -> None:
    marks = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    assert "annotations" not in manifest({"metadata": {"name": "web", "annotations": marks}})


def test_what_hides_or_turns_the_reading_is_written_as_its_escape() -> None:
    """It stands in a field to be edited, where nothing else could show it."""
    value = "pay\u200bments \u202egnp.exe\u2066\u2028\U000e0041 \u00ad\ufeffé"
    text = manifest({"spec": {"image": value, "lines": f"{value}\n{value}"}})
    assert text.isascii()
    assert "\\u202E" in text
    assert yaml.safe_load(text)["spec"] == {"image": value, "lines": f"{value}\n{value}"}
    assert "é x\u200cy" in manifest({"spec": {"image": "é x\u200cy"}})


def test_nothing_is_taken_out_of_the_document_itself() -> None:
    before = repr(DOCUMENT)
    manifest(DOCUMENT)
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize(
    "text", ["1e3", "5e10", "0x1F", "0o17", "1_000", "y", "N", "yes", "on", "null", "~", "12:30", "1."]
)
def test_a_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    lines = manifest({"spec": {"tag": text}}).splitlines()
    assert {f'  tag: "{text}"', f"  tag: '{text}'"} & set(lines)


def test_several_lines_are_written_as_lines() -> None:
    assert "  script: |\n    echo one\n    echo two\n" in manifest({"spec": {"script": "echo one\necho two\n"}})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_read_again_is_what_was_written(value: object) -> None:
    assert yaml.safe_load(manifest({"spec": value}))["spec"] == value
