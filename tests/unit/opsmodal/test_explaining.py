"""The explanation of rights and the resolver of rights say the same, whoever has whatever; and losses have words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.explaining import Basis, Explanation, Granted, Lost, explain, why_lost, why_lost_here
from opsmodal.permissions import NOTHING, Actor, Grant, Permission, Role, permissions_on

NAMES, GROUPS, SERVICES, RUNTIMES = ("alice", "bob"), ("oncall", "dev"), ("shop", "blog"), ("prod", "edge")
MAYBE_SERVICES = st.none() | st.frozensets(st.sampled_from(SERVICES))

actors = st.builds(
    Actor,
    name=st.sampled_from(NAMES),
    admin=st.booleans(),
    auditor=st.booleans(),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    services=MAYBE_SERVICES,
    permissions=st.none() | st.frozensets(st.sampled_from(list(Permission))),
)
to_people = st.builds(Grant, role=st.sampled_from(Role), user=st.sampled_from(NAMES))
to_groups = st.builds(Grant, role=st.sampled_from(Role), group=st.sampled_from(GROUPS))


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Make a grant on a service, on a runtime or on everything."""
    whose = draw(to_people | to_groups)
    on = draw(st.sampled_from(["service", "runtime", "all"]))
    return Grant(
        role=whose.role,
        user=whose.user,
        group=whose.group,
        services=frozenset({draw(st.sampled_from(SERVICES))}) if on == "service" else frozenset(),
        runtimes=frozenset({draw(st.sampled_from(RUNTIMES))}) if on == "runtime" else frozenset(),
        everything=on == "all",
    )


def named(given_out: list[Grant]) -> list[Granted]:
    return [Granted(grant=grant, name=f"grant {number}") for number, grant in enumerate(given_out)]


@given(actor=actors, given_out=st.lists(grants(), max_size=6), service=st.sampled_from(SERVICES))
def test_what_is_explained_is_what_is_permitted(actor: Actor, given_out: list[Grant], service: str) -> None:
    for runtime in RUNTIMES:
        explanation = explain(actor, named(given_out), service=service, runtime=runtime)
        assert explanation.permissions == permissions_on(actor, given_out, service=service, runtime=runtime)


@given(actor=actors, given_out=st.lists(grants(), max_size=6), permission=st.sampled_from(Permission))
def test_the_sources_of_a_permission_are_what_gives_it_and_all_that_does(
    actor: Actor, given_out: list[Grant], permission: Permission
) -> None:
    explanation = explain(actor, named(given_out), service="shop", runtime="prod")
    sources = explanation.of(permission)
    assert bool(sources) == (permission in explanation.permissions | explanation.kept_back)
    for source in sources:
        alone = [source.granted.grant] if source.granted else []
        owner = Actor(name=actor.name, admin=actor.admin and source.granted is None, groups=actor.groups)
        assert permission in permissions_on(owner, alone, service="shop", runtime="prod"), "each gives it by itself"
    by_grants = [source.granted.grant for source in sources if source.granted]
    without = [grant for grant in given_out if grant not in by_grants]
    demoted = Actor(name=actor.name, groups=actor.groups)
    assert permission not in permissions_on(demoted, without, service="shop", runtime="prod"), "nothing else gives it"


@given(actor=actors, given_out=st.lists(grants(), max_size=6))
def test_what_a_token_keeps_back_is_what_its_owner_has_beyond_it(actor: Actor, given_out: list[Grant]) -> None:
    owner = Actor(name=actor.name, admin=actor.admin, groups=actor.groups)
    explanation = explain(actor, named(given_out), service="shop", runtime="prod")
    of_owner = permissions_on(owner, given_out, service="shop", runtime="prod")
    assert explanation.permissions | explanation.kept_back == of_owner
    assert not explanation.permissions & explanation.kept_back


ALICE = Actor(name="alice", groups=frozenset({"oncall"}))
DIRECT = Granted(grant=Grant(role=Role.MANAGER, user="alice", services=frozenset({"shop"})), name="user alice on shop")
LOWER = Granted(grant=Grant(role=Role.VIEWER, user="alice", services=frozenset({"shop"})), name="user alice on shop")
GROUP = Granted(grant=Grant(role=Role.MANAGER, group="oncall", runtimes=frozenset({"prod"})), name="group oncall")


def basis(actor: Actor, *given_out: Granted, runtime: str | None = "prod") -> Basis:
    nothing = Explanation(permissions=NOTHING, sources=(), kept_back=NOTHING)
    explanation = explain(actor, given_out, service="shop", runtime=runtime) if runtime else nothing
    by_name = {each.name: each for each in given_out}
    return Basis(actor=actor, service="shop", runtime=runtime, explanation=explanation, granted=by_name)


@pytest.mark.parametrize(
    ("before", "after", "lost", "clause"),
    [
        (basis(ALICE, DIRECT), basis(ALICE), Lost.GRANT_REMOVED, "the grant to user alice on shop was removed"),
        (
            basis(ALICE, DIRECT),
            basis(ALICE, LOWER),
            Lost.ROLE_LOWERED,
            "the grant to user alice on shop was lowered to viewer",
        ),
        (
            basis(ALICE, GROUP),
            basis(Actor(name="alice"), GROUP),
            Lost.GROUP_LEFT,
            "alice is no longer in the group oncall",
        ),
        (
            basis(ALICE, GROUP),
            basis(ALICE, GROUP, runtime="edge"),
            Lost.SERVICE_MOVED,
            "the service shop moved to the runtime edge",
        ),
        (
            basis(ALICE, DIRECT),
            basis(ALICE, DIRECT, runtime=None),
            Lost.SERVICE_REMOVED,
            "the service shop was removed",
        ),
        (
            basis(Actor(name="alice", admin=True)),
            basis(Actor(name="alice")),
            Lost.ADMIN_LOST,
            "alice is no longer an administrator",
        ),
        (
            basis(ALICE, DIRECT),
            basis(Actor(name="alice", permissions=frozenset({Permission.VIEW})), DIRECT),
            Lost.TOKEN_NARROWED,
            "the API token was narrowed",
        ),
        (
            basis(ALICE, DIRECT, GROUP),
            basis(Actor(name="alice"), GROUP),
            Lost.GRANT_REMOVED,
            "the grant to user alice on shop was removed and alice is no longer in the group oncall",
        ),
    ],
)
def test_a_loss_has_a_word_and_a_clause(before: Basis, after: Basis, lost: Lost, clause: str) -> None:
    assert Permission.MANAGE in before.explanation.permissions
    assert Permission.MANAGE not in after.explanation.permissions
    assert why_lost(before, after, Permission.MANAGE) == (lost, clause)


@given(before=actors, after=actors, was=st.lists(grants(), max_size=5), now=st.lists(grants(), max_size=5))
def test_every_loss_can_be_told(before: Actor, after: Actor, was: list[Grant], now: list[Grant]) -> None:
    then, later = basis(before, *named(was)), basis(after, *named(now))
    for permission in then.explanation.permissions - later.explanation.permissions:
        lost, clause = why_lost(then, later, permission)
        assert lost is not Lost.SERVICE_REMOVED
        assert clause
        assert not clause.endswith(".")


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (Actor(name="a", admin=True), Actor(name="a"), Lost.ADMIN_LOST),
        (Actor(name="a", auditor=True), Actor(name="a"), Lost.AUDITOR_LOST),
        (Actor(name="a", auditor=True), Actor(name="a", auditor=True, services=frozenset()), Lost.TOKEN_NARROWED),
        (Actor(name="a", auditor=True), Actor(name="a", auditor=True, admin=True), None),
        (Actor(name="a"), Actor(name="a"), None),
    ],
)
def test_what_belongs_to_no_service_ends_with_what_it_stood_on(before: Actor, after: Actor, lost: Lost | None) -> None:
    told = why_lost_here(before, after)
    assert (told[0] if told else None) is lost
