"""Names are those of the rows that the page shows: pods, and what made them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opsmodal.guard.world import Mode
from opsmodal.operations.command_completing import complete
from opsmodal.operations.command_words import vocabulary
from tests.unit.opsmodal.operations.test_offered import row

ROWS = [
    replace(row("web-5d4f-x2"), managed_by="ReplicaSet web-5d4f"),
    replace(row("web-5d4f-k9"), managed_by="ReplicaSet web-5d4f"),
    replace(row("db-0"), managed_by="StatefulSet db"),
    replace(row("alone"), managed_by=""),
]
KNOWN = vocabulary("kubernetes", "kubectl", mode=Mode.ONESHOT, instances=ROWS)


def offered(line: str) -> list[str]:
    return [each.text for each in complete(line, len(line), KNOWN).items]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kubectl logs web", ["web-5d4f-k9", "web-5d4f-x2"]),
        ("kubectl rollout restart deployment/", ["deployment/web"]),
        ("kubectl get statefulset d", ["db"]),
        ("kubectl describe pod a", ["alone"]),
        ("kubectl get replicasets w", ["web-5d4f"]),
        ("kubectl roll", ["rollout"]),
        ("kubectl edi", []),
        ("kubectl exec db-0 -- ca", []),
    ],
)
def test_names_are_offered_by_their_kind(line: str, words: list[str]) -> None:
    assert offered(line) == words


def test_on_an_engine_names_are_those_of_containers() -> None:
    known = vocabulary("docker", "docker", mode=Mode.ONESHOT, instances=[row("web"), row("db")])
    assert [each.text for each in complete("docker logs ", 12, known).items] == ["db", "web"]
