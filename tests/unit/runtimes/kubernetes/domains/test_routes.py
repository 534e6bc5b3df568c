"""What becomes of an HTTPRoute when one of its rules is changed; what cannot be changed alone is refused."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes.errors import Conflict, Invalid
from runtimes.kubernetes.domains import drafts, routes
from runtimes.kubernetes.domains.rules import Holder, Rule
from tests.unit.runtimes.kubernetes.domains import making
from tests.unit.runtimes.kubernetes.domains.making import rule


def change(host: str, path: str = "/", **more: Any) -> Any:
    return making.change(host, path, **{"kind": "HTTPRoute", **more})


def found(held: Holder, host: str, path: str = "/") -> Rule:
    return next(each for each in held.rules if (each.host, each.path) == (host, path))


def said(spec: dict[str, Any]) -> list[tuple[str, str, str]]:
    held = routes.holder({"metadata": {"name": "web"}, "spec": spec})
    return [(each.host, each.path, each.backend) for each in held.rules]


def test_a_route_is_as_many_rows_as_host_names_times_matches() -> None:
    held = routes.holder(
        making.route("a.example.com", "b.example.com", rules=[rule("/", "/x"), rule("/y", name="api")])
    )
    assert len(held.rules) == 6
    assert len({each.id for each in held.rules}) == 6
    assert {(each.path, each.backend) for each in held.rules} == {("/", "web"), ("/x", "web"), ("/y", "api")}
    assert {each.class_name for each in held.rules} == {"edge"}


def test_a_route_without_names_or_matches_holds_for_everything() -> None:
    raw = making.route(rules=[{"backendRefs": [{"name": "web", "port": 80}]}])
    (row,) = routes.holder(raw).rules
    assert (row.host, row.path, row.path_type) == ("*", "/", "Prefix")


@pytest.mark.parametrize(
    "odd",
    [
        {"matches": [{"path": {"type": "RegularExpression", "value": "/a.*"}}]},
        {"matches": [{"headers": [{"name": "x", "value": "y"}]}]},
        {"matches": [{"method": "GET"}]},
        {"backendRefs": [{"name": "web", "port": 80, "weight": 9}, {"name": "next", "port": 80, "weight": 1}]},
        {"backendRefs": [], "filters": [{"type": "RequestRedirect"}]},
        {"backendRefs": [{"name": "web", "namespace": "other", "port": 80}]},
        {"backendRefs": [{"name": "b", "kind": "Bucket", "port": 80}]},
    ],
)
def test_a_rule_that_does_more_is_shown_and_fixed(odd: dict[str, Any]) -> None:
    (row,) = routes.holder(making.route("a.example.com", rules=[{**rule("/"), **odd}])).rules
    assert row.fixed.endswith("YAML.")


def test_a_backend_of_one_match_is_changed_in_a_rule_of_its_own() -> None:
    kept = rule("/", "/x", filters=[{"type": "RequestHeaderModifier"}])
    held = routes.holder(making.route("a.example.com", rules=[kept]))
    after = routes.changed(held, found(held, "a.example.com", "/x"), change("a.example.com", "/x", backend="api"))
    assert sorted(said(after)) == [("a.example.com", "/", "web"), ("a.example.com", "/x", "api")]
    assert [each["filters"] for each in after["rules"]] == [kept["filters"]] * 2


def test_weight_and_filters_of_a_backend_stay_with_it() -> None:
    held = routes.holder(making.route("a.example.com"))
    after = routes.changed(held, held.rules[0], change("a.example.com", "/x", port="81"))
    assert after["rules"][0]["backendRefs"] == [{"name": "web", "port": 81, "weight": 1}]


def test_a_host_name_is_changed_where_only_this_row_has_it() -> None:
    held = routes.holder(making.route("a.example.com", "b.example.com"))
    after = routes.changed(held, found(held, "a.example.com"), change("c.example.com"))
    assert after["hostnames"] == ["c.example.com", "b.example.com"]


@pytest.mark.parametrize(
    ("raw", "path", "wanted"),
    [
        (making.route("a.example.com", rules=[rule("/"), rule("/x")]), "/", change("c.example.com")),
        (making.route("a.example.com", "b.example.com"), "/", change("a.example.com", "/x")),
        (making.route("a.example.com", "b.example.com"), "/", change("a.example.com", backend="api")),
        (making.route("a.example.com", "b.example.com"), "/", change("*")),
        (making.route("a.example.com", rules=[rule("/", "/x")]), "/", change("a.example.com", class_name="other")),
    ],
)
def test_what_would_change_others_with_it_is_refused(raw: dict[str, Any], path: str, wanted: Any) -> None:
    held = routes.holder(raw)
    with pytest.raises(Conflict):
        routes.changed(held, found(held, "a.example.com", path), wanted)


def test_a_row_is_removed_alone_or_not_at_all() -> None:
    one = routes.holder(making.route("a.example.com", rules=[rule("/", "/x")]))
    left = routes.removed(one, found(one, "a.example.com", "/x"))
    assert left is not None
    assert said(left) == [("a.example.com", "/", "web")]
    names = routes.holder(making.route("a.example.com", "b.example.com"))
    left = routes.removed(names, found(names, "a.example.com"))
    assert left is not None
    assert left["hostnames"] == ["b.example.com"]
    both = routes.holder(making.route("a.example.com", "b.example.com", rules=[rule("/"), rule("/x")]))
    with pytest.raises(Conflict):
        routes.removed(both, found(both, "a.example.com"))
    last = routes.holder(making.route("a.example.com"))
    assert drafts.removal(last, last.rules[0]).method == "DELETE"


def test_a_row_is_added_to_a_route_of_the_same_names_only() -> None:
    held = routes.holder(making.route("a.example.com"))
    assert said(routes.changed(held, None, change("a.example.com", "/x")))[1] == ("a.example.com", "/x", "web")
    with pytest.raises(Conflict):
        routes.changed(held, None, change("b.example.com"))


def test_a_new_route_needs_a_gateway_and_has_no_certificate_of_its_own() -> None:
    made = routes.created("web", "shop", change("a.example.com", class_name="infra/edge"))
    assert made["spec"]["parentRefs"] == [{"name": "edge", "namespace": "infra"}]
    with pytest.raises(Invalid):
        routes.created("web", "shop", change("a.example.com"))
    with pytest.raises(Invalid):
        routes.created("web", "shop", change("a.example.com", class_name="edge", tls_secret="own"))
    with pytest.raises(Invalid):
        routes.created("web", "shop", change("a.example.com", class_name="edge", port="http"))
