from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.base import Scope
from runtimes.engine.scope import PROJECT_LABELS, engine_filters, owns, pick
from runtimes.errors import Invalid, Missing
from tests.unit.runtimes.engine.made import row

DOCKER, PODMAN = PROJECT_LABELS


@pytest.mark.parametrize(
    ("scope", "name", "labels", "own"),
    [
        (Scope(service="s"), "web", {}, False),
        (Scope(service="s", namespace="shop", selector="app=web"), "web", {"app": "web"}, False),
        (Scope(service="s", project="shop"), "web", {DOCKER: "shop"}, True),
        (Scope(service="s", project="shop"), "web", {PODMAN: "shop"}, True),
        (Scope(service="s", project="shop"), "shop", {}, False),
        (Scope(service="s", project="shop"), "web", {DOCKER: "shop2"}, False),
        (Scope(service="s", project="shop"), "web", {DOCKER: "pay", PODMAN: "shop"}, False),
        (Scope(service="s", containers=("web", "db")), "db", {}, True),
        (Scope(service="s", containers=("web",)), "web2", {}, False),
        (Scope(service="s", containers=("web",)), "Web", {}, False),
        (Scope(service="s", labels={"team": "a"}), "web", {"team": "a", "x": "y"}, True),
        (Scope(service="s", labels={"team": "a", "env": "prod"}), "web", {"team": "a"}, False),
        (Scope(service="s", labels={"team": ""}), "web", {}, False),
        (Scope(service="s", project="shop", labels={"team": "a"}), "web", {DOCKER: "shop"}, False),
        (Scope(service="s", project="shop", containers=("web",)), "db", {DOCKER: "shop"}, False),
    ],
)
def test_only_what_every_part_of_a_scope_names_is_its_own(
    scope: Scope, name: str, labels: dict[str, str], own: bool
) -> None:
    assert owns(scope, name=name, labels=labels) is own


def test_an_empty_scope_asks_the_engine_for_nothing() -> None:
    assert engine_filters(Scope(service="s", namespace="shop")) == []


@given(st.text(alphabet="abc.-_+*|^$[](){}?\\", min_size=1))
def test_a_name_is_asked_for_literally(name: str) -> None:
    (filters,) = engine_filters(Scope(service="s", containers=(name,)))
    (pattern,) = filters["name"]
    assert re.fullmatch(pattern, f"/{name}")
    assert not re.search(pattern, f"/x{name}")
    assert not re.search(pattern, f"/{name}x")


def test_a_project_is_asked_for_under_both_of_its_labels() -> None:
    asked = engine_filters(Scope(service="s", project="shop", labels={"a": "b"}))
    assert [each["label"] for each in asked] == [["a=b", f"{DOCKER}=shop"], ["a=b", f"{PODMAN}=shop"]]


ROWS = [row("web", id_="aa11" + "0" * 60), row("web-2", id_="aa22" + "0" * 60), row("db", id_="bb11" + "0" * 60)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("web", "web"),
        ("web-", "web-2"),
        ("d", "db"),
        ("aa2", "web-2"),
        ("bb11" + "0" * 60, "db"),
    ],
)
def test_a_container_is_found_by_id_name_or_unique_prefix(wanted: str, found: str) -> None:
    assert pick(ROWS, wanted, service="s").name == found


def test_an_ambiguous_prefix_names_the_candidates() -> None:
    with pytest.raises(Invalid, match="start of 2 containers: web, web-2"):
        pick(ROWS, "we", service="s")


@pytest.mark.parametrize("wanted", ["", "gone", "WEB", "0" * 500])
def test_what_is_not_there_is_missing(wanted: str) -> None:
    with pytest.raises(Missing, match="has no container") as caught:
        pick(ROWS, wanted, service="shop")
    assert len(caught.value.sentence) < 200
