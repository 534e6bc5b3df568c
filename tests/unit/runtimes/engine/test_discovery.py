from __future__ import annotations

import pytest

from runtimes.base import Scope
from runtimes.engine.discovery import proposals, service_name
from runtimes.engine.pods import Membership
from runtimes.engine.scope import owns
from tests.unit.runtimes.engine.made import row

ROWS = [
    row("shop-web-1", labels={"com.docker.compose.project": "shop"}),
    row("shop-db-1", labels={"io.podman.compose.project": "shop"}),
    row("pod-infra"),
    row("front"),
    row("side"),
    row("lonely"),
]
PODS = {
    ROWS[2].id: Membership("blog", infra=True),
    ROWS[3].id: Membership("blog"),
    ROWS[4].id: Membership("blog"),
}


def test_projects_pods_and_single_containers_are_proposed_in_this_order() -> None:
    found = [(each.name, each.evidence, each.instances) for each in proposals(ROWS, PODS)]
    assert found == [("shop", "compose project", 2), ("blog", "pod blog", 2), ("lonely", "container", 1)]


def test_each_container_but_the_infra_one_belongs_to_exactly_one_proposal() -> None:
    scopes: list[Scope] = [each.scope for each in proposals(ROWS, PODS)]
    owners = {each.name: sum(owns(s, name=each.name, labels=each.labels or {}) for s in scopes) for each in ROWS}
    assert owners == {each.name: int(each.name != "pod-infra") for each in ROWS}


def test_an_empty_engine_proposes_nothing() -> None:
    assert proposals([], {}) == ()


@pytest.mark.parametrize(
    ("called", "name"),
    [("web", "web"), ("My_App.2", "my-app-2"), ("-x-", "x"), ("äö", "service"), ("", "service"), ("a" * 99, "a" * 60)],
)
def test_a_proposed_name_can_be_a_services_name(called: str, name: str) -> None:
    assert service_name(called, set()) == name


def test_two_that_would_be_called_the_same_are_told_apart() -> None:
    found = proposals([row("web_1"), row("web.1"), row("web-1")], {})
    assert [each.name for each in found] == ["web-1", "web-1-2", "web-1-3"]
    assert [each.scope.service for each in found] == ["web-1", "web-1-2", "web-1-3"]
