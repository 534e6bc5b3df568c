"""The past of a list: at any version that is still known, exactly what was there then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.kinds import stored
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Storage

NOTES = stored("configmaps")
STEPS = st.lists(st.tuples(st.sampled_from("pr"), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=30)


def shown(storage: Storage, namespace: str = "") -> list[bytes]:
    return [record.raw for record in storage.records(NOTES, namespace)[1]]


@given(STEPS)
def test_every_version_is_shown_as_it_was(steps: list[tuple[str, str, str]]) -> None:
    storage = Storage()
    past = {storage.version: {space: shown(storage, space) for space in ("", "a", "b")}}
    for number, (step, namespace, name) in enumerate(steps):
        if step == "p":
            storage.put(NOTES, {"metadata": {"namespace": namespace, "name": name}, "data": {"n": str(number)}})
        else:
            storage.remove(NOTES, namespace, name)
        past[storage.version] = {space: shown(storage, space) for space in ("", "a", "b")}
    for version, spaces in past.items():
        for space, expected in spaces.items():
            assert [record.raw for record in storage.snapshot(NOTES, space, version)] == expected


def test_a_version_before_a_compaction_is_gone_for_every_kind() -> None:
    storage = Storage()
    version = storage.version
    storage.forget()
    with pytest.raises(Problem) as refused:
        storage.snapshot(NOTES, "", version)
    assert refused.value.code == 410
    assert storage.snapshot(NOTES, "", storage.version) == []
