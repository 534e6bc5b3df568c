"""The memory of the simulated cluster: versions, history, indexes; lists in pages and watches over it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.api.lists import page
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.api.users import ADMIN
from opsmodal.demo.api.watch import open_watch
from opsmodal.demo.documents import decode
from opsmodal.demo.kinds import PODS
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Storage


def pod(name: str, namespace: str = "shop", **labels: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels},
        "spec": {},
    }


def asking(**params: str) -> Request:
    return Request(method="GET", path="", params={name: [value] for name, value in params.items()}, user=ADMIN)


TARGET = Target(kind=PODS, namespace="shop", verb="list")


def names(records: Any) -> list[str]:
    return [record.document["metadata"]["name"] for record in records]


def test_every_change_gets_the_next_version() -> None:
    storage = Storage()
    versions = [storage.put(PODS, pod(name)).document["metadata"]["resourceVersion"] for name in "aba"]
    assert [int(version) for version in versions] == sorted({int(version) for version in versions})


def test_an_update_that_changes_nothing_is_no_change() -> None:
    storage = Storage()
    storage.put(PODS, pod("a"))
    version = storage.version
    storage.update(PODS, "shop", "a", lambda document: document["metadata"].update(name="a"))
    assert storage.version == version


def test_indexes_follow_what_changes() -> None:
    storage = Storage()
    owned = pod("a") | {"spec": {"nodeName": "n1"}}
    owned["metadata"]["ownerReferences"] = [{"uid": "o"}]
    storage.put(PODS, owned)
    assert names(storage.owned(PODS, "o")) == names(storage.placed(PODS, "n1")) == ["a"]
    storage.put(PODS, pod("a"))
    assert storage.owned(PODS, "o") == storage.placed(PODS, "n1") == []
    storage.remove(PODS, "shop", "a")
    assert storage.records(PODS)[1] == []


def test_history_that_is_forgotten_is_gone() -> None:
    storage = Storage(history=2)
    for name in "abcd":
        storage.put(PODS, pod(name))
    assert names(change.record for change in storage.since(PODS, storage.version - 2)) == ["c", "d"]
    with pytest.raises(Problem) as refused:
        storage.since(PODS, 1)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


@given(st.sets(st.from_regex(r"[a-z]{1,4}", fullmatch=True), max_size=12), st.integers(1, 5))
def test_pages_together_are_the_list(wanted: set[str], limit: int) -> None:
    storage = Storage()
    for name in wanted:
        storage.put(PODS, pod(name))
    storage.put(PODS, pod("other", "elsewhere"))
    found, token = [], ""
    while True:
        part = page(storage, asking(limit=str(limit), **({"continue": token} if token else {})), TARGET)
        assert len(part.records) <= limit
        found += names(part.records)
        token = part.token
        if not token:
            break
    assert found == sorted(wanted)


def test_a_page_from_before_a_compaction_is_expired() -> None:
    storage = Storage()
    for name in "abc":
        storage.put(PODS, pod(name))
    token = page(storage, asking(limit="1"), TARGET).token
    storage.forget()
    with pytest.raises(Problem) as refused:
        page(storage, asking(limit="1", **{"continue": token}), TARGET)
    assert refused.value.code == 410
    assert "consistent list" in refused.value.message


def test_a_broken_token_is_a_bad_request() -> None:
    with pytest.raises(Problem) as refused:
        page(Storage(), asking(**{"continue": "%%%"}), TARGET)
    assert refused.value.code == 400


def watched(storage: Storage, **params: str) -> list[tuple[str, str]]:
    frames = open_watch(
        storage, asking(timeoutSeconds="1", **params), TARGET, lambda record: record.raw, bookmark_s=0.0
    )
    events = [decode(frame) for frame in frames]
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def test_a_watch_goes_on_from_its_version() -> None:
    storage = Storage()
    storage.put(PODS, pod("a"))
    version = str(storage.version)
    storage.put(PODS, pod("b"))
    storage.put(PODS, pod("a", app="x"))
    storage.put(PODS, pod("c", "elsewhere"))
    storage.remove(PODS, "shop", "b")
    expected = [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert watched(storage, resourceVersion=version) == expected


def test_what_enters_and_leaves_a_selector_is_added_and_deleted() -> None:
    storage = Storage()
    storage.put(PODS, pod("a"))
    version = str(storage.version)
    storage.put(PODS, pod("a", app="x"))
    storage.put(PODS, pod("a"))
    assert watched(storage, resourceVersion=version, labelSelector="app=x") == [("ADDED", "a"), ("DELETED", "a")]


def test_a_watch_without_a_version_begins_with_what_is_there() -> None:
    storage = Storage()
    storage.put(PODS, pod("a"))
    events = watched(storage, allowWatchBookmarks="true")
    assert events[0] == ("ADDED", "a")
    assert ("BOOKMARK", "") in events


def test_a_watch_that_starts_too_early_is_told_so_in_its_stream() -> None:
    storage = Storage()
    storage.put(PODS, pod("a"))
    storage.forget()
    frames = open_watch(storage, asking(resourceVersion="1"), TARGET, lambda record: record.raw, bookmark_s=60.0)
    event = decode(next(iter(frames)))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
