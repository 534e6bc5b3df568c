"""What the registry says of typed lines, for one person: a policy by role narrows, runbooks are approved by role."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from opsmodal.guard.world import Narrowing
from opsmodal.permissions import GIVES, NOTHING, Permission, Role
from opsmodal.registry.policies import narrowing_of, shapes_of
from opsmodal.registry.schema import RuntimeSpec, ServiceSpec

OPERATOR, MANAGER = GIVES[Role.OPERATOR], GIVES[Role.MANAGER]
TOKEN = frozenset({Permission.EXEC})


def service(policy: dict[str, Any] | None) -> ServiceSpec:
    return msgspec.convert({"name": "s", "runtime": "r", "policy": policy}, ServiceSpec)


def engine(*runbooks: dict[str, Any]) -> RuntimeSpec:
    written = {"name": "r", "kind": "docker", "socket": "/s", "runbooks": list(runbooks)}
    return msgspec.convert(written, RuntimeSpec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "permissions", "verbs"),
    [
        (None, OPERATOR, None),
        ({}, OPERATOR, None),
        ({"kinds": ["pods"]}, OPERATOR, None),
        ({"verbs": ["get", "logs"]}, OPERATOR, {"get", "logs"}),
        ({"verbs": ["get", "logs"]}, MANAGER, {"get", "logs"}),
        ({"verbs": []}, MANAGER, set()),
        ({"verbs": {"operator": ["get"]}}, OPERATOR, {"get"}),
        ({"verbs": {"operator": ["get"]}}, MANAGER, None),
        ({"verbs": {"operator": ["get"]}}, TOKEN, {"get"}),
        ({"verbs": {"operator": ["get"]}}, NOTHING, {"get"}),
        ({"verbs": {"manager": ["get", "delete"]}}, MANAGER, {"get", "delete"}),
        ({"verbs": {"manager": ["get", "delete"]}}, OPERATOR, {"get", "delete"}),
        ({"verbs": {"operator": ["get"], "manager": ["get", "delete"]}}, OPERATOR, {"get"}),
        ({"verbs": {"operator": ["get", "x"], "manager": ["get", "delete"]}}, OPERATOR, {"get"}),
        ({"verbs": {"viewer": []}}, TOKEN, None),
        ({"verbs": {"operator": ["get"]}}, TOKEN | {Permission.MANAGE}, None),
    ],
)
def test_a_list_holds_for_its_role_and_those_below(
    policy: dict[str, Any] | None, permissions: frozenset[Permission], verbs: set[str] | None
) -> None:
    assert narrowing_of(service(policy), permissions).verbs == verbs


def test_each_list_of_a_policy_gets_to_its_place() -> None:
    narrowing = narrowing_of(service({"verbs": ["a"], "kinds": ["b"], "programs": {"manager": ["c"]}}), MANAGER)
    assert narrowing == Narrowing(verbs=frozenset("a"), kinds=frozenset("b"), programs=frozenset("c"))


def test_a_runbook_is_a_shape_with_patterns() -> None:
    (shape,) = shapes_of(
        engine(
            {
                "name": "tail",
                "argv": ["tail", "-n", "{n}", "{path}"],
                "parameters": {"n": {"choices": ["10", "1+0"]}, "path": "/var/log/[a-z]+"},
                "permission": "manage",
            }
        ),
        OPERATOR,
    )
    assert shape.argv == ("tail", "-n", "{n}", "{path}")
    assert shape.parameters == {"n": r"10|1\+0", "path": "/var/log/[a-z]+"}
    assert (shape.permissions, shape.approved) == (frozenset({Permission.EXEC, Permission.MANAGE}), False)


@pytest.mark.parametrize(
    ("approved_for", "permissions", "approved"),
    [
        ([], MANAGER, False),
        (["operator"], OPERATOR, True),
        (["operator"], MANAGER, True),
        (["operator"], TOKEN, False),
        (["manager"], OPERATOR, False),
        (["viewer", "manager"], GIVES[Role.VIEWER], True),
    ],
)
def test_a_runbook_is_approved_for_a_role_and_those_above(
    approved_for: list[str], permissions: frozenset[Permission], approved: bool
) -> None:
    (shape,) = shapes_of(engine({"name": "up", "argv": ["uptime"], "approvedFor": approved_for}), permissions)
    assert shape.approved is approved


def test_a_cluster_has_no_runbooks() -> None:
    cluster: RuntimeSpec = msgspec.convert({"name": "r", "kind": "kubernetes", "inCluster": True}, RuntimeSpec)  # type: ignore[arg-type]
    assert shapes_of(cluster, MANAGER) == ()
