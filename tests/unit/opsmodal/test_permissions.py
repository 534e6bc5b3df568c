"""Who may do what where, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.permissions import (
    EVERYTHING,
    GIVES,
    Actor,
    Grant,
    Permission,
    Role,
    permissions_on,
    permissions_on_runtime,
    who_can_grant,
)

VIEW, LOGS, EXEC, MANAGE = Permission.VIEW, Permission.LOGS, Permission.EXEC, Permission.MANAGE


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.VIEWER, {VIEW}),
        (Role.DEVELOPER, {VIEW, LOGS}),
        (Role.OPERATOR, {VIEW, LOGS, EXEC}),
        (Role.MANAGER, {VIEW, LOGS, EXEC, MANAGE}),
    ],
)
def test_a_role_gives_what_the_contract_says(role: Role, expected: set[Permission]) -> None:
    assert GIVES[role] == expected


GRANTS = (
    Grant(role=Role.OPERATOR, user="alice", services=frozenset({"shop"})),
    Grant(role=Role.VIEWER, user="alice", runtimes=frozenset({"prod"})),
    Grant(role=Role.MANAGER, group="oncall", everything=True),
)


@pytest.mark.parametrize(
    ("actor", "service", "runtime", "expected"),
    [
        (Actor(name="alice"), "shop", "prod", {VIEW, LOGS, EXEC}),
        (Actor(name="alice"), "blog", "prod", {VIEW}),
        (Actor(name="alice"), "blog", "edge", set()),
        (Actor(name="bob"), "shop", "prod", set()),
        (Actor(name="bob", groups=frozenset({"oncall"})), "blog", "edge", {VIEW, LOGS, EXEC, MANAGE}),
        (Actor(name="root", admin=True), "blog", "edge", {VIEW, LOGS, EXEC, MANAGE}),
        (Actor(name="eve", auditor=True), "shop", "prod", set()),
        (Actor(name="", groups=frozenset({""})), "shop", "prod", set()),
        (Actor(name="root", admin=True, services=frozenset({"shop"})), "blog", "edge", set()),
        (Actor(name="root", admin=True, permissions=frozenset({VIEW})), "blog", "edge", {VIEW}),
        (Actor(name="alice", permissions=frozenset({VIEW, MANAGE})), "shop", "prod", {VIEW}),
    ],
)
def test_one_resolver_answers(actor: Actor, service: str, runtime: str, expected: set[Permission]) -> None:
    assert permissions_on(actor, GRANTS, service=service, runtime=runtime) == expected


@given(
    services=st.none() | st.frozensets(st.sampled_from(["shop", "blog"])),
    permissions=st.none() | st.frozensets(st.sampled_from(list(Permission))),
    admin=st.booleans(),
)
def test_a_token_never_gives_more_than_its_owner_has(
    services: frozenset[str] | None, permissions: frozenset[Permission] | None, admin: bool
) -> None:
    owner = Actor(name="alice", admin=admin)
    token = Actor(name="alice", admin=admin, services=services, permissions=permissions)
    for service in ("shop", "blog", "other"):
        given_to_owner = permissions_on(owner, GRANTS, service=service, runtime="prod")
        assert permissions_on(token, GRANTS, service=service, runtime="prod") <= given_to_owner <= EVERYTHING


@pytest.mark.parametrize(
    ("admins", "expected"),
    [
        ([], "Ask an administrator of this installation."),
        (["root"], "Ask root."),
        (["d", "c", "b", "a"], "Ask a, b, c or another administrator."),
    ],
)
def test_it_says_whom_to_ask(admins: list[str], expected: str) -> None:
    assert who_can_grant(admins) == expected


ON_RUNTIMES = (
    Grant(role=Role.OPERATOR, user="whole", runtimes=frozenset({"edge"})),
    Grant(role=Role.MANAGER, user="one", services=frozenset({"shop"})),
    Grant(role=Role.MANAGER, group="all", everything=True),
)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (Actor(name="whole"), GIVES[Role.OPERATOR]),
        (Actor(name="one"), set()),
        (Actor(name="x", groups=frozenset({"all"})), EVERYTHING),
        (Actor(name="root", admin=True), EVERYTHING),
        (Actor(name="root", admin=True, services=frozenset({"shop"})), set()),
        (Actor(name="whole", services=frozenset({"shop"})), set()),
        (Actor(name="whole", permissions=frozenset({VIEW})), {VIEW}),
        (Actor(name="nobody"), set()),
    ],
)
def test_what_is_granted_on_a_runtime_is_apart_from_its_services(actor: Actor, expected: set[Permission]) -> None:
    assert permissions_on_runtime(actor, ON_RUNTIMES, runtime="edge") == expected
    assert permissions_on_runtime(actor, ON_RUNTIMES[:2], runtime="other") == (
        permissions_on_runtime(actor, (), runtime="other")
    )
