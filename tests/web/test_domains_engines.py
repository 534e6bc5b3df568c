"""The Domains tab of a service on a real engine behind a real Caddy: rows, form, plan, changes, repair, checks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from opsmodal.egress import Egress
from opsmodal.web.asking import EXTENSION
from tests.contract.routing import PORT, SERVE
from tests.engines.caddy import Caddy
from tests.engines.containers import ContainerEngine
from tests.unit.opsmodal.egress.servers import Dialled, certificate, dns_server, saying, serving
from tests.web.conftest import Installation, own_page

HERE, THERE = "/services/blog/domains", "/services/pay/domains"
OVERVIEW = "/services/blog/overview"
NEW: dict[str, Any] = {"host": "blog.example.com", "target": "web", "port": int(PORT), "tls": "none"}
PUBLIC = "93.184.216.34"
PEOPLE = {"blog": ("manager", "viewer"), "pay": ()}
pytestmark = pytest.mark.often("docker")
"""What the engine itself has to do with is in tests/contract."""


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def host(changed: Installation, engine: ContainerEngine, caddy: Caddy, request: pytest.FixtureRequest) -> Installation:
    """Give an installation with two services on one host: blog, which others may see, and pay."""
    for name, project in (("web", "blog"), ("till", "pay")):
        label = f"com.docker.compose.project={project}"
        engine.run(*SERVE, options=["--name", name, "--label", label])
    registered(changed, request.node.callspec.params["engine"], engine, caddy.admin)
    return changed


def registered(made: Installation, kind: str, engine: ContainerEngine, admin: str) -> None:
    """Register the host with its two services, and who may do what."""
    entry = {"kind": kind, "socket": str(engine.socket), **({"proxyAdmin": admin} if admin else {})}
    call = made.client().call
    assert call("PUT", "/registry/runtimes/edge", json=entry).status_code == 200
    for name, people in PEOPLE.items():
        done = call("PUT", f"/registry/services/{name}", json={"runtime": "edge", "project": name})
        assert done.status_code == 200, done.text
        for person in people:
            grant = call("POST", "/grants", json={"user": person, "role": person, "services": [name]})
            assert grant.status_code == 200, grant.text


def forget(made: Installation) -> None:
    """Have the next answer read anew: for some seconds all who look share one."""
    made.app.extensions[EXTENSION].domains._fleet.forget(made.registry.service("blog"))


def rows(made: Installation, who: str = "admin", here: str = HERE) -> dict[str, dict[str, Any]]:
    found = made.client(who).get(here)
    assert found.status_code == 200, found.text
    return {f"{row['host']}{row['path']}": row for row in found.json["items"]}


def added(made: Installation, here: str = HERE, **more: Any) -> dict[str, Any]:
    done = made.client().call("POST", here, json={**NEW, **more})
    assert done.status_code == 201, done.text
    return rows(made, here=here)[f"{more.get('host', NEW['host'])}{more.get('path', '/')}"]


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    return dict(answer.json)


def test_a_route_is_planned_made_changed_and_removed(host: Installation, caddy: Caddy) -> None:
    admin = host.client()
    plan = admin.call("POST", f"{HERE}?preview=true", json=NEW).json
    assert plan["command"].startswith("curl -sS --fail-with-body -X POST")
    assert f"{caddy.admin}/config/apps/http/servers/plain/routes" in plan["command"]
    assert rows(host) == {}
    row = added(host, response_headers={"X-Blog": "yes"})
    assert caddy.fetched("blog.example.com").headers["X-Blog"] == "yes"
    assert (row["target"], row["port"], row["ready"], row["severity"]) == ("web", PORT, 1, "ok")
    seen = host.client("viewer").get(OVERVIEW).json
    told = {"host": "blog.example.com", "path": "/", "target": f"web:{PORT}", "tls": False}
    assert (seen["domains"], seen["setup"]) == ([told], None)
    assert row["address"] == f"http://blog.example.com:{caddy.http_port}/"
    wish = {**NEW, "path": "/post", "revision": row["revision"], "reason": "it moved"}
    assert admin.call("PUT", f"{HERE}/{row['id']}", json=wish).status_code == 200
    moved = rows(host)["blog.example.com/post"]
    late = admin.call("PUT", f"{HERE}/{moved['id']}", json=NEW, headers={"If-Match": f'"{row["revision"]}"'})
    problem(late, 412, "changed-meanwhile")
    problem(admin.call("DELETE", f"{HERE}/{moved['id']}"), 409, "confirmation-required")
    gone = admin.call("DELETE", f"{HERE}/{moved['id']}", json={"confirm": True, "revision": moved["revision"]})
    assert gone.status_code == 200, gone.text
    assert rows(host) == {}
    done = {action for _, action, outcome in host.audited() if outcome == "done"}
    assert {"domain.add", "domain.change", "domain.remove"} <= done


def test_form_plan_and_list_work_without_script(host: Installation, caddy: Caddy) -> None:
    admin = host.browser()
    form = admin.get(f"{HERE}/new").text
    assert '<option value="plain">plain listens on' in form
    sent = {"preview": "true", "kind": "route", "host": "blog.example.com", "path": "/", "path_type": "Prefix"}
    sent |= {"target": f"web:{PORT}", "class_name": "", "tls": "none", "response_headers": "X-A: 1\nX-B: 2"}
    plan = admin.post(HERE, data=sent, headers=own_page())
    assert plan.status_code == 200, plan.text
    assert "curl -sS" in html.unescape(plan.text)
    kept = {
        name: html.unescape(text)
        for name, text in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)">', plan.text)
    }
    assert admin.post(HERE, data=kept, headers=own_page()).status_code == 303
    page = admin.get(HERE).text
    assert "blog.example.com/ was added in Caddy." in page
    assert "foreign.example.com/" in page
    assert caddy.fetched("blog.example.com").headers["X-B"] == "2"
    row = rows(host)["blog.example.com/"]
    edit = admin.get(f"{HERE}/{row['id']}/edit").text
    assert f'value="web:{PORT}"' in edit
    assert "X-A: 1\nX-B: 2</textarea>" in edit
    one = admin.get(f"{HERE}/{row['id']}").text
    assert "Through Caddy" in one
    assert "opsmodal~blog~web~8080~" in one


MISTAKES: tuple[tuple[dict[str, str], int, str, str], ...] = (
    ({"host": "{env.HOME}.example.com"}, 422, "host", "is no host name"),
    ({"host": "foreign.example.com"}, 409, "host", "is taken in Caddy"),
    ({"path": "/{env.HOME}"}, 422, "path", "is no path"),
    ({"target": "till:8080"}, 422, "target", "There is no container"),
    ({"response_headers": "X-A: {env.HOME}"}, 422, "response_headers", "is not taken"),
    ({"redirect": "javascript:alert(1)"}, 422, "redirect", "is no address"),
    ({"connect_timeout_s": "soon"}, 422, "connect_timeout_s", "is no number"),
    ({"tls": "internal", "class_name": "plain"}, 422, "tls", "has no TLS"),
)


def test_a_mistake_is_said_beside_its_field_and_what_was_typed_stays(host: Installation, caddy: Caddy) -> None:
    before, browser = caddy.config(), host.browser()
    for more, status, field, words in MISTAKES:
        sent = {"preview": "true", "kind": "route", "host": "new.example.com", "path": "/", "path_type": "Prefix"}
        sent |= {"target": f"web:{PORT}", "class_name": "", "tls": "none", **more}
        page = browser.post(HERE, data=sent, headers=own_page())
        assert page.status_code == status, page.text[:2000]
        said = re.search(rf'id="{field}-problem">(.*?)</p>', page.text, re.DOTALL)
        assert said is not None, page.text
        assert words in html.unescape(said.group(1))
        assert f'value="{html.escape(sent["host"])}"' in page.text
        sent.pop("preview")
        assert browser.post(HERE, data=sent, headers=own_page()).status_code == status
    assert caddy.config() == before


def test_another_services_routes_are_neither_seen_nor_touched(host: Installation, caddy: Caddy) -> None:
    theirs = added(host, THERE, host="pay.example.com", target="till")
    before = caddy.config()
    manager = host.client("manager")
    assert rows(host, "manager") == {}
    assert "pay.example.com" not in host.browser("manager").get(HERE).text
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", "?confirm=true"), ("GET", "/check"), ("POST", "/renew")):
        body = {**NEW, "host": "pay.example.com"} if method == "PUT" else {}
        assert manager.call(method, f"{HERE}/{theirs['id']}{path}", json=body).status_code == 404, (method, path)
        assert manager.call(method, f"{THERE}/{theirs['id']}{path}", json=body).status_code == 404, (method, path)
    taken = problem(manager.call("POST", HERE, json={**NEW, "host": "pay.example.com"}), 409, "conflict")
    assert "till" not in str(taken)
    assert problem(manager.call("POST", HERE, json={**NEW, "target": "till"}), 422, "runtime-rejected")
    assert caddy.config() == before


def test_who_views_sees_rows_and_no_more(host: Installation) -> None:
    row = added(host)
    viewer = host.client("viewer")
    value = viewer.get(HERE).json
    assert (value["may_change"], value["others"], value["choices"]["classes"]) == (False, [], [])
    assert "foreign.example.com" not in host.browser("viewer").get(HERE).text
    assert host.client("manager").get(HERE).json["others"] == ["foreign.example.com/"]
    for method, path in (("POST", HERE), ("PUT", f"{HERE}/{row['id']}"), ("POST", f"{HERE}/{row['id']}/renew")):
        assert viewer.call(method, path, json=NEW).status_code == 403
    assert viewer.call("DELETE", f"{HERE}/{row['id']}?confirm=true").status_code == 403


def test_a_route_is_repaired_after_its_container_was_replaced(
    host: Installation, engine: ContainerEngine, caddy: Caddy
) -> None:
    row = added(host)
    engine.cli("rm", "-f", "web")
    engine.run(*SERVE, options=["--name", "blocker"])
    label = "com.docker.compose.project=blog"
    engine.run(*SERVE, image=engine.images[1], options=["--name", "web", "--label", label])
    forget(host)
    moved = rows(host)["blog.example.com/"]
    assert (moved["moved"], moved["severity"]) == (True, "error")
    page = host.browser().get(HERE).text
    assert f"{row['id']}/renew" in page
    preview = host.browser().post(f"{HERE}/{row['id']}/renew", data={"preview": "true"}, headers=own_page())
    assert "Repair blog.example.com/?" in preview.text
    done = host.client().call("POST", f"{HERE}/{row['id']}/renew", json={"revision": moved["revision"]})
    assert done.status_code == 200, done.text
    assert caddy.fetched("blog.example.com").body == "version 2\n"
    assert rows(host)["blog.example.com/"]["moved"] is False


def test_a_host_without_a_proxy_says_what_to_do(
    changed: Installation, engine: ContainerEngine, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["engine"]
    for admin, words in (("", "No proxy is registered for this host."), ("http://127.0.0.1:1", "nobody listens there")):
        registered(changed, kind, engine, admin)
        forget(changed)
        page = changed.browser().get(HERE).text
        assert words in html.unescape(page)
        assert f"{kind} run -d --name caddy" in page
        assert f"{HERE}/new" not in page
        seen = html.unescape(changed.browser().get(OVERVIEW).text)
        assert words in seen
        assert f"<code>{kind} run -d --name caddy" in seen
        answer = changed.client().call("POST", HERE, json=NEW)
        assert words in problem(answer, 424, "caddy-missing")["detail"]


@pytest.mark.parametrize(
    "admin",
    ["http://0.0.0.0:2019", "http://169.254.169.254:80", "http://127.0.0.1", "ftp://127.0.0.1:1", "http://a@b:1"],
)
def test_an_admin_address_that_is_none_is_not_registered(changed: Installation, admin: str) -> None:
    entry = {"kind": "docker", "socket": "/var/run/docker.sock", "proxyAdmin": admin}
    answer = changed.client().call("PUT", "/registry/runtimes/edge", json=entry)
    assert answer.status_code == 422, answer.text
    assert "proxyAdmin" in answer.text


@pytest.fixture
def looked(host: Installation, tmp_path: Path) -> Iterator[tuple[Installation, Dialled]]:
    """Give the installation with checks that ask a DNS server and an HTTPS server of this test."""
    context, _ = certificate(tmp_path, "blog.example.com")

    def told(name: str, kind: str, before: int) -> list[str]:
        return [PUBLIC] if kind == "A" else []

    with dns_server(told) as resolver, serving(saying(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), context) as port:
        dial = Dialled(port)
        host.app.extensions[EXTENSION].domains.outside = lambda **more: Egress(dial=dial, resolver=resolver, **more)
        yield host, dial


def test_a_route_is_looked_at_from_outside_and_its_container_from_the_host(
    looked: tuple[Installation, Dialled], engine: ContainerEngine, caddy: Caddy
) -> None:
    installation, dial = looked
    row = added(installation, tls="internal", class_name="secure")
    assert row["listen_port"] == caddy.https_port
    path = f"{HERE}/{row['id']}/check"
    found = {each["name"]: each for each in installation.client("viewer").call("POST", path).json["checks"]}
    assert found["dns"]["severity"] == "ok"
    assert "own authority" in found["certificate"]["sentence"]
    assert found["http"]["severity"] == "error"
    assert "Caddy reaches no container" in found["http"]["hint"]
    assert found["backend"]["severity"] == "ok", found["backend"]
    assert set(dial.to) == {(PUBLIC, caddy.https_port)}
    inner = added(installation, host="169.254.169.254", tls="none")
    (http,) = installation.client("viewer").call("POST", f"{HERE}/{inner['id']}/check?only=http").json["checks"]
    assert (http["severity"], "egressAllow" in http["hint"]) == ("neutral", True), http
    assert set(dial.to) == {(PUBLIC, caddy.https_port)}, "where clouds keep credentials is never dialled"
    engine.cli("stop", "web")
    forget(installation)
    (gone,) = installation.client("viewer").call("POST", f"{path}?only=backend").json["checks"]
    assert gone["severity"] == "error"
