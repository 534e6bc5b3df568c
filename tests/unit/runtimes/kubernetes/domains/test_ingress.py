"""What becomes of an Ingress when one of its rules is added, changed or removed: nothing of the others."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Conflict
from runtimes.kubernetes.domains import drafts, ingress
from runtimes.kubernetes.domains.rules import Holder, Rule
from tests.unit.runtimes.kubernetes.domains import making
from tests.unit.runtimes.kubernetes.domains.making import change

HOSTS = st.sampled_from(["a.example.com", "b.example.com", "c.example.com", "*.example.com"])
PATHS = st.sampled_from(["/", "/a", "/b/", "/c/d"])


def said(spec: dict[str, Any] | None) -> list[tuple[str, str]]:
    assert spec is not None
    return [(rule.host, rule.path) for rule in ingress.holder({"metadata": {"name": "web"}, "spec": spec}).rules]


def found(held: Holder, host: str, path: str = "/") -> Rule:
    return next(rule for rule in held.rules if (rule.host, rule.path) == (host, path))


def test_rules_are_read_with_class_tls_and_where_the_ingress_answers() -> None:
    raw = making.ingress("a.example.com", tls=[{"hosts": ["*.example.com"], "secretName": "wild"}])
    raw["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "lb.example.net"}]}}
    (rule,) = ingress.holder(raw).rules
    assert (rule.backend, rule.port, rule.class_name) == ("web", "80", "nginx")
    assert (rule.tls, rule.tls_secret) == (True, "wild")
    assert rule.entries == ("192.0.2.7", "lb.example.net")


def test_what_leads_to_no_service_is_shown_and_fixed() -> None:
    resource = {"resource": {"apiGroup": "k8s.example.com", "kind": "Bucket", "name": "static"}}
    rules = [
        {"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": resource}]}},
        {"host": "b.example.com"},
    ]
    raw = making.ingress(rules=rules, defaultBackend={"service": {"name": "web", "port": {"name": "http"}}})
    held = ingress.holder(raw)
    assert all(rule.fixed for rule in held.rules)
    assert [rule.backend for rule in held.rules] == ["Bucket static", "web", "web"]
    assert len({rule.id for rule in held.rules}) == 3


def test_a_rule_keeps_its_address_while_others_come_and_go() -> None:
    held = ingress.holder(making.ingress("a.example.com", "b.example.com"))
    left = ingress.removed(held, found(held, "a.example.com"))
    after = ingress.holder({**held.raw, "spec": left})
    assert found(after, "b.example.com").id == found(held, "b.example.com").id


def test_two_rules_that_say_the_same_have_an_address_each() -> None:
    held = ingress.holder(making.ingress("a.example.com", "a.example.com"))
    assert len({rule.id for rule in held.rules}) == 2


def test_fields_that_nobody_here_knows_stay_with_their_rule() -> None:
    raw = making.ingress("a.example.com")
    raw["spec"]["rules"][0]["http"]["paths"][0]["futureField"] = {"kept": True}
    held = ingress.holder(raw)
    row = found(held, "a.example.com")
    assert ingress.changed(held, row, change("a.example.com", "/x"))["rules"][0]["http"]["paths"][0]["futureField"]
    moved = ingress.changed(held, row, change("b.example.com"))["rules"][0]
    assert moved["host"] == "b.example.com"
    assert moved["http"]["paths"][0]["futureField"]


def test_a_host_that_is_left_loses_its_tls_and_others_keep_theirs() -> None:
    tls = [{"hosts": ["a.example.com", "b.example.com"], "secretName": "both"}]
    held = ingress.holder(making.ingress("a.example.com", "b.example.com", tls=tls))
    left = ingress.removed(held, found(held, "a.example.com"))
    assert left is not None
    assert left["tls"] == [{"hosts": ["b.example.com"], "secretName": "both"}]
    moved = ingress.changed(held, found(held, "a.example.com"), change("c.example.com", tls_secret="both"))
    assert moved["tls"] == [{"hosts": ["b.example.com", "c.example.com"], "secretName": "both"}]


@pytest.mark.parametrize(
    ("tls", "secret", "wanted"),
    [
        ([], "new", [{"hosts": ["a.example.com"], "secretName": "new"}]),
        (
            [{"hosts": ["a.example.com"], "secretName": "old"}],
            "old",
            [{"hosts": ["a.example.com"], "secretName": "old"}],
        ),
        (
            [{"hosts": ["a.example.com"], "secretName": "old"}],
            "new",
            [{"hosts": ["a.example.com"], "secretName": "new"}],
        ),
        ([{"hosts": ["a.example.com"], "secretName": "old"}], "", None),
        ([{"hosts": ["a.example.com"]}], "", [{"hosts": ["a.example.com"]}]),
        (
            [{"hosts": ["*.example.com"], "secretName": "wild"}],
            "wild",
            [{"hosts": ["*.example.com"], "secretName": "wild"}],
        ),
        (
            [{"hosts": ["*.example.com"], "secretName": "wild"}],
            "own",
            [{"hosts": ["*.example.com"], "secretName": "wild"}, {"hosts": ["a.example.com"], "secretName": "own"}],
        ),
        ([{"hosts": ["z.example.org"], "secretName": "own"}], "", [{"hosts": ["z.example.org"], "secretName": "own"}]),
    ],
)
def test_tls_is_set_for_one_host_only(tls: list[Any], secret: str, wanted: list[Any] | None) -> None:
    held = ingress.holder(making.ingress("a.example.com", tls=tls))
    after = ingress.changed(held, found(held, "a.example.com"), change("a.example.com", tls_secret=secret))
    assert after.get("tls") == wanted


def test_tls_that_comes_from_a_wildcard_is_not_taken_from_the_others() -> None:
    tls = [{"hosts": ["*.example.com"], "secretName": "wild"}]
    held = ingress.holder(making.ingress("a.example.com", tls=tls))
    with pytest.raises(Conflict):
        ingress.changed(held, found(held, "a.example.com"), change("a.example.com"))


def test_the_class_changes_only_where_nobody_else_is_in_the_object() -> None:
    held = ingress.holder(making.ingress("a.example.com", "b.example.com"))
    with pytest.raises(Conflict):
        ingress.changed(held, found(held, "a.example.com"), change("a.example.com", class_name="traefik"))
    alone = ingress.holder(making.ingress("a.example.com"))
    after = ingress.changed(alone, found(alone, "a.example.com"), change("a.example.com", class_name="traefik"))
    assert after["ingressClassName"] == "traefik"


def test_an_old_class_annotation_is_the_class_and_is_not_doubled() -> None:
    raw = making.ingress("a.example.com")
    raw["spec"].pop("ingressClassName")
    raw["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
    held = ingress.holder(raw)
    row = found(held, "a.example.com")
    assert row.class_name == "nginx"
    assert "ingressClassName" not in ingress.changed(held, row, change("a.example.com", "/x", class_name="nginx"))


def test_the_last_rule_takes_the_object_with_it_unless_there_is_a_default() -> None:
    held = ingress.holder(making.ingress("a.example.com"))
    assert drafts.removal(held, held.rules[0]).method == "DELETE"
    default = {"service": {"name": "web", "port": {"number": 80}}}
    kept = ingress.holder(making.ingress("a.example.com", defaultBackend=default))
    draft = drafts.removal(kept, kept.rules[0])
    assert (draft.method, draft.after.get("defaultBackend")) == ("PATCH", default)


def test_a_patch_names_the_revision_and_only_what_changes() -> None:
    held = ingress.holder(making.ingress("a.example.com", tls=[{"hosts": ["z.example.org"], "secretName": "own"}]))
    draft = drafts.alteration(held, held.rules[0], change("a.example.com", "/x", class_name="nginx"))
    assert draft.body["metadata"] == {"resourceVersion": "7"}
    assert set(draft.body["spec"]) == {"rules"}


def test_a_change_to_what_is_there_already_is_none() -> None:
    held = ingress.holder(making.ingress("a.example.com"))
    wanted = change("a.example.com", class_name="nginx")
    plan = drafts.told(drafts.alteration(held, held.rules[0], wanted), held, held.rules[0], wanted, "shop")
    assert plan.unchanged
    assert plan.differences == ()


@given(st.lists(st.tuples(HOSTS, PATHS), min_size=1, max_size=6, unique=True), HOSTS, PATHS, st.data())
def test_whatever_is_changed_the_others_say_what_they_said(
    rows: list[tuple[str, str]], host: str, path: str, data: st.DataObject
) -> None:
    raw = making.ingress()
    for row_host, row_path in rows:
        held = ingress.holder(raw)
        raw["spec"] = ingress.changed(held, None, change(row_host, row_path))
    held = ingress.holder(copy.deepcopy(raw))
    assert sorted(said(held.raw["spec"])) == sorted(rows)
    row = data.draw(st.sampled_from(held.rules))
    after = said(ingress.changed(held, row, change(host, path, class_name="nginx")))
    rest = [each for each in rows if each != (row.host, row.path)]
    assert sorted(after) == sorted([*rest, (host, path)])
    left = ingress.removed(held, row)
    assert sorted(said(left) if left else []) == sorted(rest)
    assert held.raw == raw
