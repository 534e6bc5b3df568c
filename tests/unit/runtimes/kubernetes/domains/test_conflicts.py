"""Who has a host already: the same path is refused elsewhere, and so is a host that only others have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtimes.errors import Conflict
from runtimes.kubernetes.domains.conflicts import demand_free, demand_own
from runtimes.kubernetes.domains.ingress import holder
from runtimes.kubernetes.domains.routes import holder as route_holder
from tests.unit.runtimes.kubernetes.domains.making import change, ingress, route

HELD = (holder(ingress("shop.example.com")),)


def test_a_host_that_only_others_have_is_refused_until_it_is_said_to_be_shared() -> None:
    wanted = change("shop.example.com", "/login", class_name="nginx")
    assert demand_free(wanted, HELD, "payments", itself=None) == ()
    with pytest.raises(Conflict, match="is the host of namespace shop, and of nothing in payments") as refused:
        demand_own(wanted, HELD, "payments")
    assert refused.value.field == "shared_host"
    assert "/login is taken from what answers there" in refused.value.hint
    (said,) = demand_own(replace(wanted, shared_host=True), HELD, "payments")
    assert said == "shop.example.com is the host of namespace shop, too: /login is taken from what answers there."


def test_a_host_that_is_shared_already_is_told_and_goes_through() -> None:
    own = replace(holder(ingress("shop.example.com", paths=("/pay",))), namespace="payments")
    own = replace(own, rules=tuple(replace(rule, namespace="payments") for rule in own.rules))
    assert len(demand_own(change("shop.example.com", "/login"), (*HELD, own), "payments")) == 1


@pytest.mark.parametrize(
    ("host", "namespace", "more"),
    [
        ("shop.example.com", "shop", {}),
        ("other.example.com", "payments", {}),
        ("shop.example.com", "payments", {"class_name": "internal"}),
        ("shop.example.com", "payments", {"kind": "HTTPRoute"}),
        ("*.example.com", "payments", {}),
    ],
)
def test_nothing_is_said_of_what_is_ones_own_or_answered_elsewhere(
    host: str, namespace: str, more: dict[str, str]
) -> None:
    wanted = replace(change(host, "/login"), **more)  # type: ignore[arg-type]
    assert demand_own(wanted, HELD, namespace) == ()


def test_a_name_that_a_wildcard_of_others_has_is_told() -> None:
    wild = (holder(ingress("*.example.com")),)
    (said,) = demand_own(change("new.example.com"), wild, "payments")
    assert said == "*.example.com is of namespace shop: new.example.com is taken from it."
    assert demand_own(change("new.example.com"), wild, "shop") == ()
    assert demand_own(change("a.new.example.com"), wild, "payments") == ()


def test_the_same_path_is_refused_with_who_has_it() -> None:
    with pytest.raises(Conflict, match="taken by Ingress web in namespace shop") as refused:
        demand_free(change("shop.example.com"), HELD, "shop", itself=None)
    assert refused.value.field == "host"


@pytest.mark.parametrize(("gateway", "is_refused"), [("shop/edge", True), ("edge", False), ("other/edge", False)])
def test_a_gateway_is_the_same_from_whichever_namespace_it_is_named(gateway: str, is_refused: bool) -> None:
    held = (route_holder(route("shop.example.com")),)
    wanted = change("shop.example.com", kind="HTTPRoute", class_name=gateway)
    if is_refused:
        with pytest.raises(Conflict):
            demand_free(wanted, held, "payments", itself=None)
    else:
        assert len(demand_free(wanted, held, "payments", itself=None)) == 1
