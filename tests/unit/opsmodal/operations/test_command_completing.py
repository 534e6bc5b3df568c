"""A line is completed with what fits where the cursor is, and with nothing where another program reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.operations.command_completing import ITEMS_MAX, Vocabulary, complete

CLUSTER = Vocabulary(
    program="kubectl",
    verbs={
        "get": ("--output=", "--show-labels"),
        "logs": ("--tail=",),
        "exec": (),
        "rollout restart": (),
        "top pods": (),
    },
    kinds=("pods", "deployments"),
    names={"pod": ("web-1", "web-2", "db-0"), "deployment": ("web",)},
)
ENGINE = Vocabulary(
    program="docker",
    verbs={"ps": ("--all",), "logs": (), "exec": ()},
    names={"container": ("blog-web",)},
    others=("ps", "uptime"),
)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", ["kubectl"]),
        ("kub", ["kubectl"]),
        ("kubectl", []),
        ("kubectl ", ["get", "logs", "exec", "rollout", "top"]),
        ("kubectl ro", ["rollout"]),
        ("kubectl rollout ", ["restart"]),
        ("kubectl -n shop ge", []),
        ("kubectl get po", ["pods"]),
        ("kubectl get pods ", ["web-1", "web-2", "db-0"]),
        ("kubectl get po w", ["web-1", "web-2"]),
        ("kubectl get deploy/", ["deploy/web"]),
        ("kubectl get Pod/d", ["Pod/db-0"]),
        ("kubectl get pods --sh", ["--show-labels"]),
        ("kubectl logs d", ["db-0"]),
        ("kubectl exec db-0 -- l", []),
        ("kubectl get 'po", []),
        ("docker ", []),
        ("sh ku", []),
    ],
)
def test_the_words_that_fit(line: str, found: list[str]) -> None:
    assert [each.text for each in complete(line, len(line), CLUSTER).items] == found


def test_containers_and_programs_of_the_host() -> None:
    assert [each.text for each in complete("", 0, ENGINE).items] == ["docker", "ps", "uptime"]
    assert [each.text for each in complete("docker logs b", 13, ENGINE).items] == ["blog-web"]


def test_what_stands_behind_the_cursor_is_not_looked_at() -> None:
    assert [each.text for each in complete("kubectl ge pods", 10, CLUSTER).items] == ["get"]


@given(st.text(), st.integers(-5, 200))
def test_no_line_breaks_it_and_what_it_offers_goes_on_with_what_is_there(line: str, at: int) -> None:
    items = complete(line, at, CLUSTER).items
    assert len(items) <= ITEMS_MAX
    before = line[: max(0, at)]
    prefix = before.split()[-1] if before.split() and not before[-1].isspace() else ""
    assert all(each.text.startswith(prefix) for each in items)
