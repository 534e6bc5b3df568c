"""The Domains tab by API and as a page: rows, forms, plans, changes with locks and confirmations, checks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from opsmodal.egress import Egress
from opsmodal.operations.domain_checks import CHECKS_MAX
from opsmodal.web.asking import EXTENSION
from tests.unit.opsmodal.egress.servers import Dialled, certificate, dns_server, saying, serving
from tests.web.conftest import Installation, own_page

HERE = "/services/shop/domains"
PUBLIC = "93.184.216.34"
NEW = {"host": "new.example.com", "target": "web", "port": 8080}


def rows(installation: Installation, who: str = "manager") -> dict[str, dict[str, Any]]:
    found = installation.client(who).get(HERE)
    assert found.status_code == 200, found.text
    return {f"{row['host']}{row['path']}": row for row in found.json["items"]}


def added(installation: Installation, **more: Any) -> dict[str, Any]:
    made = installation.client("manager").call("POST", HERE, json={**NEW, **more})
    assert made.status_code == 201, made.text
    found = rows(installation)
    return found[f"{more.get('host', NEW['host'])}{more.get('path', '/')}"]


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    return dict(answer.json)


def test_rows_are_listed_with_what_they_lead_to_and_what_is_wrong(shown: Installation) -> None:
    value = shown.client("viewer").get(HERE).json
    assert (value["total"], value["stale"], value["may_change"]) == (1, False, False)
    (row,) = value["items"]
    assert (row["host"], row["path"], row["target"], row["port"]) == ("shop.example.com", "/", "web", "8080")
    assert (row["tls"], row["tls_secret"], row["ready"], row["kind"]) == (True, "shop-tls", 3, "Ingress")
    assert row["address"] == "https://shop.example.com/"
    assert "web" in value["choices"]["backends"]
    assert value["choices"]["kinds"] == ["Ingress", "HTTPRoute"]
    assert value["choices"]["tls_secrets"] == [], "what can be chosen is for who may choose"
    assert shown.client("manager").get(HERE).json["choices"]["tls_secrets"] == ["shop-tls"]


def test_rows_are_searched_sorted_and_cut(changed: Installation) -> None:
    for host in ("b.example.com", "a.example.com"):
        added(changed, host=host)
    ask = changed.client("viewer").get
    hosts = [row["host"] for row in ask(f"{HERE}?sort=host").json["items"]]
    assert hosts == ["a.example.com", "b.example.com", "shop.example.com"]
    assert [row["host"] for row in ask(f"{HERE}?sort=-host&limit=1").json["items"]] == ["shop.example.com"]
    assert ask(f"{HERE}?sort=host&limit=1").json["next"] == "1"
    assert [row["host"] for row in ask(f"{HERE}?search=B.EXAMPLE").json["items"]] == ["b.example.com"]
    assert ask(f"{HERE}?sort=nothing").status_code == 400


def test_a_domain_is_planned_made_changed_and_removed(changed: Installation) -> None:
    manager = changed.client("manager")
    plan = manager.call("POST", f"{HERE}?preview=true", json=NEW).json
    assert plan["command"].startswith("kubectl -n shop create ingress new-example-com")
    assert "new.example.com/" not in rows(changed)
    row = added(changed)
    wanted = {**NEW, "path": "/cart", "revision": row["revision"], "reason": "the cart moved"}
    plan = manager.call("PUT", f"{HERE}/{row['id']}?preview=true", json=wanted).json
    assert {each["what"] for each in plan["differences"]} == {"path"}
    assert manager.call("PUT", f"{HERE}/{row['id']}", json=wanted).status_code == 200
    moved = rows(changed)["new.example.com/cart"]
    asked = problem(manager.call("DELETE", f"{HERE}/{moved['id']}"), 409, "confirmation-required")
    assert asked["confirm"] == "shop"
    assert asked["command"] == f"kubectl -n shop delete ingress {moved['object']}"
    assert any("new.example.com/cart" in hit for hit in asked["hits"])
    gone = manager.call("DELETE", f"{HERE}/{moved['id']}", json={"confirm": "shop", "revision": moved["revision"]})
    assert gone.status_code == 200
    assert list(rows(changed)) == ["shop.example.com/"]
    done = {action for _, action, outcome in changed.audited() if outcome == "done"}
    assert {"domain.add", "domain.change", "domain.remove"} <= done


def test_whoever_was_slower_changes_nothing(changed: Installation) -> None:
    manager, row = changed.client("manager"), added(changed)
    first = manager.call("PUT", f"{HERE}/{row['id']}", json={**NEW, "path_type": "Exact", "revision": row["revision"]})
    assert first.status_code == 200
    now = rows(changed)["new.example.com/"]
    late = {**NEW, "path": "/late"}
    etag = {"If-Match": f'"{row["revision"]}"'}
    problem(manager.call("PUT", f"{HERE}/{now['id']}", json=late, headers=etag), 412, "changed-meanwhile")
    stale = {"confirm": "shop", "revision": row["revision"]}
    problem(manager.call("DELETE", f"{HERE}/{now['id']}", json=stale), 412, "changed-meanwhile")
    assert rows(changed)["new.example.com/"] == now


def test_a_name_that_is_taken_is_refused_with_who_has_it(changed: Installation) -> None:
    manager = changed.client("manager")
    for query in ("", "?preview=true"):
        answer = manager.call("POST", f"{HERE}{query}", json={**NEW, "host": "shop.example.com"})
        assert "Ingress web in namespace shop" in problem(answer, 409, "conflict")["detail"]


def test_a_host_of_another_namespace_is_taken_only_when_that_is_confirmed_and_on_record(changed: Installation) -> None:
    admin, there = changed.client(), "/services/payments/domains"
    wanted = {**NEW, "host": "shop.example.com", "path": "/login", "target": _target_of(changed, there)}
    for query in ("", "?preview=true"):
        told = problem(admin.call("POST", f"{there}{query}", json=wanted), 409, "conflict")
        assert "is the host of namespace shop" in told["detail"]
    plan = admin.call("POST", f"{there}?preview=true", json={**wanted, "shared_host": True})
    assert any("/login is taken from what answers there" in each for each in plan.json["warnings"])
    assert admin.call("POST", there, json={**wanted, "shared_host": True}).status_code == 201
    more = {**wanted, "path": "/signup"}
    assert admin.call("POST", there, json=more).status_code == 201, "it has the host by then"
    rows_of_audit = admin.get("/audit?action=domain.add").json["items"]
    assert [(row["outcome"], "was confirmed" in row["detail"]) for row in reversed(rows_of_audit)] == [
        ("failed", False),
        ("done", True),
        ("done", False),
    ]


def test_the_form_asks_whether_a_host_is_to_be_shared(changed: Installation) -> None:
    admin, there = changed.browser(), "/services/payments/domains"
    sent = {"preview": "true", "kind": "Ingress", "host": "shop.example.com", "path": "/login", "path_type": "Exact"}
    sent |= {"target": _target_of(changed, there), "class_name": "", "tls_secret": ""}
    assert "shared_host" not in admin.get(f"{there}/new").text
    again = admin.post(there, data=sent, headers=own_page())
    assert again.status_code == 409
    assert re.search(r'<input type="checkbox" id="shared_host"[^>]*aria-invalid="true" autofocus', again.text)
    assert 'value="shop.example.com"' in again.text
    plan = admin.post(there, data={**sent, "shared_host": "true"}, headers=own_page())
    assert (plan.status_code, '<input type="hidden" name="shared_host" value="true">' in plan.text) == (200, True)


def _target_of(installation: Installation, there: str) -> str:
    name, ports = next(iter(installation.client().get(there).json["choices"]["backends"].items()))
    return f"{name}:{ports[0]}"


@pytest.mark.parametrize(
    ("more", "status", "field", "words"),
    [
        ({"host": "a b"}, 422, "host", "is no host name"),
        ({"host": "shop.example.com", "path_type": "Prefix"}, 409, "host", "is taken by Ingress web"),
        ({"host": ""}, 400, "host", "The host is missing."),
        ({"path": "no-slash"}, 422, "path", "is no path"),
        ({"target": "web:1"}, 422, "target", "has no port"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_what_was_typed_stays(
    shown: Installation, more: dict[str, str], status: int, field: str, words: str
) -> None:
    sent = {"preview": "true", "kind": "Ingress", "host": "new.example.com", "path": "/", "path_type": "Exact"}
    sent |= {"target": "web:8080", "class_name": "", "tls_secret": "shop-tls", **more}
    page = shown.browser("manager").post(HERE, data=sent, headers=own_page())
    assert page.status_code == status, page.text[:2000]
    (wrong,) = re.findall(r"<(?:input|select)[^>]*autofocus[^>]*>", page.text)
    assert (f'id="{field}"' in wrong, 'aria-invalid="true"' in wrong) == (True, True), wrong
    said = re.search(rf'id="{field}-problem">(.*?)</p>', page.text)
    assert said is not None
    assert words in html.unescape(said.group(1))
    for name in ("host", "path"):
        assert f'name="{name}" class="mono" value="{html.escape(sent[name])}"' in page.text
    for chosen in (sent["path_type"], "shop-tls"):
        assert f'<option value="{chosen}" selected>' in page.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({**NEW, "port": ""}, 400),
        ({**NEW, "host": ["a"]}, 400),
        ({**NEW, "host": "a b"}, 422),
        ({**NEW, "host": "*"}, 422),
        ({**NEW, "path": "no-slash"}, 422),
        ({**NEW, "target": "payments"}, 422),
        ({**NEW, "port": 1}, 422),
        ({**NEW, "kind": "Tunnel"}, 422),
        ({**NEW, "object": "no-such"}, 404),
    ],
)
def test_what_cannot_be_is_refused(shown: Installation, body: dict[str, Any], status: int) -> None:
    answer = shown.client("manager").call("POST", HERE, json=body)
    assert answer.status_code == status, answer.text
    assert len(rows(shown)) == 1


def test_a_route_is_made_where_there_are_gateways(changed: Installation) -> None:
    head = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
    listeners = [{"name": "web", "port": 443, "protocol": "HTTPS"}]
    spec = {"gatewayClassName": "simulated", "listeners": listeners}
    changed.cluster.create({**head, "metadata": {"name": "edge", "namespace": "shop"}, "spec": spec})
    row = added(changed, kind="HTTPRoute", class_name="edge")
    assert (row["kind"], row["class_name"], row["tls"]) == ("HTTPRoute", "edge", True)
    page = changed.browser("manager").get(f"{HERE}/new?kind=HTTPRoute").text
    assert re.search(r'<option value="edge"[^>]*>edge</option>', page)


def test_only_who_manages_sees_buttons_and_forms(shown: Installation) -> None:
    viewer = shown.browser("viewer")
    page = viewer.get(HERE).text
    assert "shop.example.com" in page
    assert f"{HERE}/new" not in page
    assert "Remove" not in page
    assert viewer.get(f"{HERE}/new").status_code == 403
    manager = shown.browser("manager").get(HERE).text
    assert f"{HERE}/new" in manager
    assert "Remove" in manager


def test_the_form_leads_to_the_plan_and_the_plan_to_the_list(changed: Installation) -> None:
    manager = changed.browser("manager")
    form = manager.get(f"{HERE}/new").text
    assert '<option value="web:8080">web:8080</option>' in form
    sent = {"preview": "true", "kind": "Ingress", "host": "new.example.com", "path": "/", "path_type": "Prefix"}
    sent |= {"target": "web:8080", "class_name": "", "tls_secret": ""}
    plan = manager.post(HERE, data=sent, headers=own_page())
    assert "kubectl -n shop create ingress" in html.unescape(plan.text)
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', plan.text))
    assert "preview" not in kept
    done = manager.post(HERE, data=kept, headers=own_page())
    assert (done.status_code, done.headers["Location"]) == (303, HERE)
    assert "new.example.com/ was added" in manager.get(HERE).text
    row = rows(changed)["new.example.com/"]
    edit = manager.get(f"{HERE}/{row['id']}/edit").text
    assert 'value="new.example.com"' in edit
    assert '<option value="web:8080" selected>' in edit


def test_what_others_wrote_is_shown_as_text(changed: Installation) -> None:
    """Names of objects are Kubernetes' own; a path and a message may be anything."""
    backend = {"service": {"name": "web", "port": {"number": 8080}}}
    path = {"path": '/<script>alert("1")</script>', "pathType": "ImplementationSpecific", "backend": backend}
    changed.cluster.create(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "evil", "namespace": "shop"},
            "spec": {"rules": [{"host": "evil.example.com", "http": {"paths": [path]}}]},
        }
    )
    row = next(row for row in rows(changed).values() if row["object"] == "evil")
    for address in (HERE, f"{HERE}/{row['id']}", f"{HERE}/{row['id']}/edit"):
        page = changed.browser("manager").get(address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


@pytest.fixture
def looked(changed: Installation, tmp_path: Path) -> Iterator[tuple[Installation, Dialled]]:
    """Give an installation whose checks ask a DNS server and an HTTPS server of this test."""
    context, _ = certificate(tmp_path, "shop.example.com")
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"

    def told(name: str, kind: str, before: int) -> list[str]:
        return {"shop.example.com": [PUBLIC], "inside.example.com": ["127.0.0.1"]}.get(name, []) if kind == "A" else []

    with dns_server(told) as resolver, serving(saying(answer), context) as port:
        dial = Dialled(port)
        operations = changed.app.extensions[EXTENSION]
        operations.domains.outside = lambda **more: Egress(dial=dial, resolver=resolver, **more)
        yield changed, dial


def test_a_domain_is_looked_at_from_outside(looked: tuple[Installation, Dialled]) -> None:
    installation, dial = looked
    row = rows(installation)["shop.example.com/"]
    viewer = installation.client("viewer")
    found = {each["name"]: each for each in viewer.call("POST", f"{HERE}/{row['id']}/check").json["checks"]}
    assert list(found) == ["dns", "certificate", "http", "backend"]
    assert found["dns"]["severity"] == "ok"
    assert PUBLIC in found["dns"]["sentence"]
    assert found["certificate"]["severity"] == "error"
    assert "refuse" in found["certificate"]["sentence"]
    assert found["certificate"]["not_after"]
    assert (found["http"]["severity"], found["http"]["sentence"]) == ("ok", "It answers 204.")
    assert "3 endpoints are ready" in found["backend"]["sentence"]
    assert {to for to, _ in dial.to} == {PUBLIC}
    one = viewer.get(f"{HERE}/{row['id']}/check?only=dns").json["checks"]
    assert [each["name"] for each in one] == ["dns"]
    assert viewer.get(f"{HERE}/{row['id']}/check?only=nothing").status_code == 400


def test_a_name_that_leads_to_this_machine_is_looked_up_and_never_asked(looked: tuple[Installation, Dialled]) -> None:
    installation, dial = looked
    row = added(installation, host="inside.example.com")
    answer = installation.client("viewer").call("POST", f"{HERE}/{row['id']}/check").json
    found = {each["name"]: each for each in answer["checks"]}
    assert found["http"]["severity"] == "neutral"
    assert "127.0.0.1 is not asked: it is this machine itself." in found["http"]["sentence"]
    assert dial.to == []


def test_the_page_shows_checks_also_without_script(looked: tuple[Installation, Dialled]) -> None:
    installation, _ = looked
    row = rows(installation)["shop.example.com/"]
    viewer = installation.browser("viewer")
    assert "Not checked yet." in viewer.get(f"{HERE}/{row['id']}").text
    page = viewer.post(f"{HERE}/{row['id']}/check", headers=own_page()).text
    assert "It answers 204." in page
    assert "3 endpoints are ready" in page


def test_a_page_of_another_site_has_nothing_asked_around(shown: Installation) -> None:
    row = next(iter(rows(shown, "viewer").values()))
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert shown.browser("viewer").get(f"{HERE}/{row['id']}/check", headers=foreign).status_code == 403


def test_so_many_checks_run_at_once_and_no_more(shown: Installation) -> None:
    lanes = shown.app.extensions[EXTENSION].domains._lanes
    row, held = next(iter(rows(shown, "viewer").values())), []
    for _ in range(CHECKS_MAX):
        held.append(lanes.slot())
        held[-1].__enter__()
    try:
        answer = shown.client("viewer").get(f"{HERE}/{row['id']}/check?only=backend")
        problem(answer, 429, "too-many")
    finally:
        for slot in held:
            slot.__exit__(None, None, None)
    assert shown.client("viewer").get(f"{HERE}/{row['id']}/check?only=backend").status_code == 200


@pytest.mark.parametrize("domain", ["ingress.web.000000000000", "..", "x" * 300, "ingress.web"])
def test_a_domain_that_is_not_there_is_not_found(shown: Installation, domain: str) -> None:
    assert shown.client("viewer").get(f"{HERE}/{domain}").status_code == 404
    assert shown.client("viewer").get(f"{HERE}/{domain}/check").status_code == 404


def test_a_service_without_domains_says_what_to_do(shown: Installation) -> None:
    page = shown.browser("admin").get("/services/payments/domains").text
    assert "No domain leads to this service." in page
    assert "/services/payments/domains/new" in page


def test_an_ingress_is_not_repaired_and_takes_no_options_of_a_proxy(shown: Installation) -> None:
    manager, row = shown.client("manager"), next(iter(rows(shown).values()))
    answer = manager.call("POST", f"{HERE}/{row['id']}/renew", json={})
    assert "follows its pods" in problem(answer, 422, "unsupported")["detail"]
    for more in ({"redirect": "https://x.example.com"}, {"tls": "internal"}, {"response_headers": {"X-A": "b"}}):
        problem(manager.call("POST", HERE, json={**NEW, **more}), 422, "runtime-rejected")
