"""In which order containers are replaced, and how they follow one that was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.engine.updates.following import DEPENDS_ON, followed, is_stranded, ordered
from runtimes.engine.updates.raw import name_of
from runtimes.errors import Conflict

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"


def container(name: str, *needs: str, up: bool = True, project: str = "shop", **host: Any) -> dict[str, Any]:
    """Give a container whose id is made of its name."""
    depends = ",".join(f"{each}:service_started:false" for each in needs)
    labels = {PROJECT: project, SERVICE: name, DEPENDS_ON: depends}
    state = {"Running": up}
    return {"Id": f"id-{name}", "Name": f"/{name}", "Config": {"Labels": labels}, "HostConfig": host, "State": state}


def names(*containers: dict[str, Any]) -> list[str]:
    return [name_of(each) for each in ordered(containers)]


def test_those_come_first_that_others_depend_on() -> None:
    assert names(container("app", "db", "cache"), container("cache"), container("db", "cache")) == [
        "cache",
        "db",
        "app",
    ]
    side = container("a-side", NetworkMode="container:id-web")
    assert names(side, container("web")) == ["web", "a-side"]
    assert names(container("b", VolumesFrom=["web:ro"]), container("web")) == ["web", "b"]
    assert names(container("b", Links=["/web:/b/alias"]), container("web")) == ["web", "b"]


def test_a_service_of_another_project_is_none_that_it_depends_on() -> None:
    assert names(container("app", "db"), container("db", "app", project="other")) == ["app", "db"]


def test_a_circle_is_said() -> None:
    with pytest.raises(Conflict, match=r"in a circle: .*→"):
        ordered([container("a", "b"), container("b", "a"), container("c")])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_whatever_depends_on_whatever_comes_after_it(edges: list[tuple[int, int]]) -> None:
    needs = {(max(pair), min(pair)) for pair in edges if pair[0] != pair[1]}
    made = [container(f"c{at}", *(f"c{low}" for high, low in sorted(needs) if high == at)) for at in range(10)]
    found = names(*made)
    assert sorted(found) == sorted(map(name_of, made))
    assert all(found.index(f"c{low}") < found.index(f"c{high}") for high, low in needs)


KEPT = container("web-before-0badcafe", up=False)
NOW = container("web")


def find(word: str) -> dict[str, Any] | None:
    known = {"id-web-before-0badcafe": KEPT, "web-before-0badcafe": KEPT, "id-web": NOW, "web": NOW}
    return known.get(word)


def test_what_uses_one_that_was_replaced_leads_to_its_successor() -> None:
    side = container(
        "side",
        NetworkMode="container:id-web-before-0badcafe",
        PidMode="host",
        VolumesFrom=["id-web-before-0badcafe:ro", "gone"],
        Links=["/web-before-0badcafe:/side/db"],
    )
    host = followed(side, find)["HostConfig"]
    assert host["NetworkMode"] == "container:id-web"
    assert host["PidMode"] == "host"
    assert host["VolumesFrom"] == ["id-web:ro", "gone"]
    assert host["Links"] == ["/web:/side/db"]
    assert is_stranded(side, find)


@pytest.mark.parametrize("mode", ["container:id-web", "container:nobody", "bridge", "host", ""])
def test_what_was_not_replaced_stays(mode: str) -> None:
    side = container("side", NetworkMode=mode)
    assert followed(side, find)["HostConfig"] == side["HostConfig"]
    assert not is_stranded(side, find)


def test_one_that_is_put_aside_and_runs_or_whose_name_is_anothers_is_not_followed() -> None:
    side = container("side", NetworkMode="container:id-web-before-0badcafe")
    running = {**KEPT, "State": {"Running": True}}
    assert not is_stranded(side, lambda word: running if "before" in word else NOW)
    foreign = container("web", project="other")
    assert not is_stranded(side, lambda word: KEPT if "before" in word else foreign)
