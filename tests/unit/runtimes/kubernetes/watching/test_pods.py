"""Watch lines are put together whatever pieces they come in, and read as what they are."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Denied, Expired, Unavailable
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.watching.pods import Shared, change, lines
from runtimes.replica import Did

ASKED = Asked(server="cluster:6443", runtime="prod")


@given(
    texts=st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b" ")), max_size=8),
    cuts=st.lists(st.integers(0, 300), max_size=12),
)
def test_lines_are_the_same_in_pieces_of_any_size(texts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(text + b"\n" for text in texts)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert list(lines(pieces)) == texts


def test_a_line_without_an_end_is_dropped() -> None:
    assert list(lines([b"one\ntw", b"o"])) == [b"one"]


def test_a_line_that_never_ends_is_given_up() -> None:
    with pytest.raises(Unavailable):
        list(lines([b"x" * 60, b"y" * 60], max_bytes=100))
    assert list(lines([b"x" * 60 + b"\n", b"y" * 60 + b"\n"], max_bytes=100)) == [b"x" * 60, b"y" * 60]


def event(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode()


@pytest.mark.parametrize(("kind", "did"), [("ADDED", Did.PUT), ("MODIFIED", Did.PUT), ("DELETED", Did.GONE)])
def test_a_pod_comes_with_its_name_and_version(kind: str, did: Did) -> None:
    body = {"metadata": {"name": "web-0", "resourceVersion": "42"}, "spec": {"nodeName": "n1", "unknown": {"x": [1]}}}
    found = change(event(kind, body), ASKED, Shared())
    assert (found.did, found.key, found.version) == (did, "web-0", "42")
    assert found.item is not None
    assert found.item.spec.node_name == "n1"


def test_a_bookmark_is_a_version_and_nothing_else() -> None:
    found = change(
        event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "77"}, "spec": None}), ASKED, Shared()
    )
    assert (found.did, found.version, found.item) == (Did.BOOKMARK, "77", None)


@pytest.mark.parametrize(
    ("code", "error"), [(410, Expired), (403, Denied), (429, Unavailable), (500, Unavailable), (0, Unavailable)]
)
def test_an_error_in_the_stream_is_raised_as_what_it_is(code: int, error: type[Exception]) -> None:
    status = {"kind": "Status", "code": code, "reason": "Expired", "message": "too old resource version: 1 (2)"}
    with pytest.raises(error):
        change(event("ERROR", status), ASKED, Shared())


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"type":"ADDED"}', b'{"type":"ADDED","object":{"metadata":{"name":7}}}']
)
def test_what_cannot_be_read_leads_to_a_new_list(line: bytes) -> None:
    with pytest.raises(Expired):
        change(line, ASKED, Shared())


def test_what_no_row_shows_is_not_kept() -> None:
    container = {
        "name": "web",
        "image": "nginx",
        "env": [{"name": "PASSWORD", "value": "hunter2"}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "resources": {"requests": {"cpu": "10m"}},
    }
    spec = {"containers": [container], "initContainers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}
    metadata = {"name": "web-0", "annotations": {"last": "hunter2"}, "labels": {"app": "web"}}
    kept = change(event("ADDED", {"metadata": metadata, "spec": spec}), ASKED, Shared()).item
    assert kept is not None
    assert "hunter2" not in repr(kept)
    assert (kept.metadata.labels, kept.spec.containers[0].image) == ({"app": "web"}, "nginx")
    assert kept.spec.containers[0].resources.requests == {"cpu": "10m"}


def test_pods_that_say_the_same_hold_the_same_objects() -> None:
    def body(name: str, version: str) -> dict[str, Any]:
        conditions = [
            {"type": "Ready", "status": "True", "lastTransitionTime": f"2026-01-0{version}T00:00:00Z"},
            {"type": "ContainersReady", "status": "True"},
        ]
        container = {"name": "web", "image": "nginx", "resources": {"requests": {"cpu": "10m"}}}
        status = {"phase": "Running", "conditions": conditions, "containerStatuses": [{"name": "web"}]}
        owner = {"kind": "ReplicaSet", "name": "web-1", "uid": "o", "controller": True}
        metadata = {"name": name, "resourceVersion": version, "labels": {"app": "web"}, "ownerReferences": [owner]}
        return {"metadata": metadata, "spec": {"nodeName": "n1", "containers": [container]}, "status": status}

    shared = Shared()
    one, two = (change(event("ADDED", body(f"web-{v}", v)), ASKED, shared).item for v in "12")
    assert one is not None
    assert two is not None
    assert one.metadata.labels is two.metadata.labels
    assert one.metadata.owner_references is two.metadata.owner_references
    assert one.spec.containers[0].resources is two.spec.containers[0].resources
    assert one.status.conditions is two.status.conditions
    assert [each.type for each in one.status.conditions or ()] == ["Ready"]


def test_what_is_not_the_same_stays_apart() -> None:
    shared = Shared()
    texts = [{"requests": {"cpu": "1"}}, {"limits": {"cpu": "1"}}, {"requests": {"cpu": 1}}, {}]
    pods = [
        change(
            event("ADDED", {"metadata": {"name": "w"}, "spec": {"containers": [{"name": "c", "resources": each}]}}),
            ASKED,
            shared,
        )
        for each in texts
    ]
    kept = [pod.item.spec.containers[0].resources for pod in pods if pod.item]
    assert [(each.requests, each.limits) for each in kept] == [
        ({"cpu": "1"}, None),
        (None, {"cpu": "1"}),
        ({"cpu": 1}, None),
        (None, None),
    ]
