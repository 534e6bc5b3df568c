"""The Domains facet of engines, on a real dockerd and a real podman, through a real Caddy: answers are fetched."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from runtimes.errors import Conflict, Lacking, Missing, RuntimeProblem
from tests.contract.routing import Host
from tests.engines.caddy import Caddy
from tests.engines.containers import ContainerEngine

LINE_S = 30.0
DOCKER = pytest.mark.often("docker")
"""What is Caddy's alone is the same beside every engine."""


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def host(engine: ContainerEngine, caddy: Caddy, request: pytest.FixtureRequest) -> Iterator[Host]:
    """Give a host with one container `web` of the service under test."""
    made = Host(request.node.callspec.params["engine"], engine, caddy)
    made.serve("web")
    yield made
    made.close()


def test_a_route_is_planned_made_answered_changed_and_removed(host: Host) -> None:
    before = host.caddy.call("GET", "/config/")
    plan = host.facet.plan(host.scope, host.change("a.example.com"))
    assert (plan.target, plan.unchanged) == ("route/a.example.com/", False)
    assert host.caddy.call("GET", "/config/") == before, "a plan changes nothing"
    assert host.facet.save(host.scope, host.change("a.example.com")).made == "route/a.example.com/"
    row = host.rows()["a.example.com/"]
    assert (row.kind, row.backend, row.port, row.class_name) == ("route", "web", "8080", "plain")
    assert (row.ready, row.tls, row.editable, row.problems) == (1, False, True, ())
    assert host.caddy.fetched("a.example.com").body == "version 1\n"
    host.facet.save(host.scope, host.changed(row, path="/index.html", path_type="Exact"))
    moved = host.rows()["a.example.com/index.html"]
    assert host.caddy.fetched("a.example.com", "/index.html").body == "version 1\n"
    assert host.caddy.fetch("a.example.com", "/other").body == ""
    assert host.facet.plan_delete(host.scope, moved.id).hits
    host.facet.delete(host.scope, moved.id, revision=moved.revision)
    assert host.rows() == {}
    assert host.caddy.call("GET", "/config/") == before, "nothing is left of it"
    with pytest.raises(Missing):
        host.facet.delete(host.scope, moved.id)


@DOCKER
def test_tls_by_caddys_own_authority_is_set_up_and_taken_away_with_the_last_route(host: Host) -> None:
    config = host.caddy.plain()
    del config["apps"]["tls"]
    host.caddy.load(config)
    before = host.caddy.config()
    wish = host.change("shop.example.com", tls="internal", class_name="secure")
    plan = host.facet.plan(host.scope, wish)
    assert plan.command.count("curl ") == 2
    host.facet.save(host.scope, wish)
    row = host.rows()["shop.example.com/"]
    assert (row.tls, row.proxying.tls, row.listen_port) == (True, "internal", host.caddy.https_port)
    assert host.caddy.fetched("shop.example.com", secure=True).body == "version 1\n"
    host.facet.delete(host.scope, row.id)
    after = host.caddy.config()
    assert after["apps"]["tls"]["automation"]["policies"] == []
    assert after["apps"]["http"] == before["apps"]["http"]


@DOCKER
def test_a_server_is_made_where_there_is_none_and_goes_with_its_last_route(host: Host) -> None:
    config = host.caddy.plain()
    config["apps"]["http"]["servers"] = {}
    host.caddy.load(config)
    plan = host.facet.plan(host.scope, host.change("a.example.com"))
    assert any("opsmodal-http is made" in each for each in plan.warnings)
    host.facet.save(host.scope, host.change("a.example.com"))
    assert host.caddy.fetched("a.example.com").body == "version 1\n"
    row = host.rows()["a.example.com/"]
    assert (row.class_name, row.listen_port) == ("opsmodal-http", host.caddy.http_port)
    host.facet.delete(host.scope, row.id)
    assert host.caddy.config()["apps"]["http"]["servers"] == {}


@DOCKER
def test_headers_times_and_redirects_are_kept_and_seen(host: Host) -> None:
    headers = (("X-Shop", "shut; max=1"),)
    times = {"connect_timeout_s": 3, "answer_timeout_s": 1}
    both = {"response_headers": headers, "request_headers": headers}
    host.facet.save(host.scope, host.change("a.example.com", **both, **times))
    answering(host, "shop", 'echo; echo "$HTTP_X_SHOP"')
    answering(host, "slow", "sleep 20")
    assert host.caddy.fetched("a.example.com", "/cgi-bin/shop").body == "shut; max=1\n"
    assert host.caddy.fetched("a.example.com", "/cgi-bin/slow", wanted=504)
    assert host.caddy.fetched("a.example.com").headers["X-Shop"] == "shut; max=1"
    row = host.rows()["a.example.com/"]
    assert (row.proxying.response_headers, row.proxying.connect_timeout_s) == (headers, 3)
    assert (row.proxying.request_headers, row.proxying.answer_timeout_s) == (headers, 1)
    sent = replace(host.change("www.example.com", redirect="https://a.example.com"), backend="", port="")
    host.facet.save(host.scope, sent)
    answer = host.caddy.fetched("www.example.com", "/shop?page=2", wanted=308)
    assert answer.headers["Location"] == "https://a.example.com/shop?page=2"
    row = host.rows()["www.example.com/"]
    assert (row.backend, row.ready, row.proxying.redirect) == ("", None, "https://a.example.com")
    host.facet.save(host.scope, host.changed(row, redirect="https://a.example.com/there", redirect_status=302))
    assert host.caddy.fetched("www.example.com", "/x", wanted=302).headers["Location"] == "https://a.example.com/there"


def answering(host: Host, name: str, script: str) -> None:
    """Have the container `web` answer /cgi-bin/NAME by a script."""
    path = f"/www/cgi-bin/{name}"
    write = 'mkdir -p /www/cgi-bin && printf "#!/bin/sh\\n%s\\n" "$2" > "$1" && chmod +x "$1"'
    host.engine.cli("exec", "web", "sh", "-c", write, "sh", path, script)


@DOCKER
def test_the_more_exact_route_answers_whatever_the_order_they_were_made_in(host: Host) -> None:
    config = host.caddy.plain()
    everything = {"handle": [{"handler": "static_response", "body": "catch-all"}], "terminal": True}
    config["apps"]["http"]["servers"]["plain"]["routes"] += [everything]
    host.caddy.load(config)
    host.serve("api")
    host.engine.cli("exec", "api", "sh", "-c", "mkdir -p /www/v1 && echo api > /www/v1/index.html")
    host.facet.save(host.scope, host.change("a.example.com"))
    host.facet.save(host.scope, host.change("a.example.com", "api", path="/v1"))
    assert host.caddy.fetched("a.example.com", "/v1/").body == "api\n"
    assert host.caddy.fetched("a.example.com").body == "version 1\n"
    assert host.caddy.fetch("nobody.example.com").body == "catch-all"
    row = host.rows()["a.example.com/"]
    host.facet.save(host.scope, host.changed(row, path="/v1/deeper"))
    assert host.caddy.fetched("a.example.com", "/v1/deeper", wanted=404)
    assert host.caddy.fetched("a.example.com", "/v1/").body == "api\n"


def test_after_a_replacement_the_route_says_so_and_is_led_to_the_new_container(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    assert not host.rows()["a.example.com/"].moved
    host.replace("web")
    row = host.rows()["a.example.com/"]
    assert row.moved
    assert "by now" in row.problems[0]
    plan = host.facet.plan_renew(host.scope, row.id)
    assert {each.what for each in plan.differences} == {"address"}
    assert host.facet.renew(host.scope).sentence == "a.example.com/ leads to its container again."
    assert host.caddy.fetched("a.example.com").body == "version 2\n"
    assert not host.rows()["a.example.com/"].moved
    assert host.facet.renew(host.scope).sentence == "Every domain leads to its container."


def test_what_is_behind_a_route_is_tried_from_the_host(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    host.facet.save(host.scope, replace(host.change("b.example.com"), port="81"))
    rows = host.rows()
    assert host.facet.answering(host.scope, rows["a.example.com/"].id).ok
    refused = host.facet.answering(host.scope, rows["b.example.com/"].id)
    assert (refused.ok, "web" in refused.hint) == (False, True)
    host.engine.cli("stop", "web")
    row = host.rows()["a.example.com/"]
    assert row.ready == 0
    assert "not running" in row.problems[0]
    host.engine.cli("rm", "-f", "web")
    assert "no container web" in host.rows()["a.example.com/"].problems[0]


@DOCKER
def test_a_route_of_others_to_our_container_is_shown_and_left_alone(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    dial = host.rows()["a.example.com/"].address
    inner = {"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": dial}]}]}
    theirs = {"match": [{"host": ["theirs.example.com"]}], "handle": [{"handler": "subroute", "routes": [inner]}]}
    host.caddy.call("POST", "/config/apps/http/servers/plain/routes", theirs)
    row = host.rows()["theirs.example.com/"]
    assert (row.backend, row.editable, "not made here" in row.fixed) == ("web", False, True)
    with pytest.raises(Conflict):
        host.facet.delete(host.scope, row.id)
    with pytest.raises(Conflict):
        host.facet.save(host.scope, host.changed(row, path="/mine"))


@DOCKER
def test_a_route_changed_by_hand_is_not_written_over(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    name = host.rows()["a.example.com/"].object
    host.caddy.call("POST", f"/id/{name}/handle/0/load_balancing", {"try_duration": "5s"})
    row = host.rows()["a.example.com/"]
    assert (row.editable, "by hand" in row.fixed) == (False, True)
    with pytest.raises(Conflict):
        host.facet.save(host.scope, host.changed(row, path="/mine"))
    host.facet.delete(host.scope, row.id)
    assert host.rows() == {}


@DOCKER
@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
def test_the_line_of_a_plan_does_the_same_by_hand(host: Host) -> None:
    config = host.caddy.plain()
    del config["apps"]["tls"]
    host.caddy.load(config)
    wishes = (host.change("a.example.com", response_headers=(("X-Quote", "it's"),)),)
    wishes += (host.change("b.example.com", tls="internal", class_name="secure"),)
    for wish in wishes:
        typed(host.facet.plan(host.scope, wish).command)
    assert host.caddy.fetched("a.example.com").headers["X-Quote"] == "it's"
    rows = host.rows()
    assert set(rows) == {"a.example.com/", "b.example.com/"}
    late = host.facet.plan(host.scope, host.changed(rows["a.example.com/"], path="/x")).command
    typed(host.facet.plan_delete(host.scope, rows["b.example.com/"].id).command)
    with pytest.raises(subprocess.CalledProcessError):
        typed(late)
    assert set(host.rows()) == {"a.example.com/"}


def typed(line: str) -> None:
    """Do what a person does who copies the line."""
    subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=LINE_S)


@DOCKER
def test_a_host_without_a_proxy_says_what_starts_one(host: Host) -> None:
    for admin, words in (("", "No proxy is registered"), ("http://127.0.0.1:1", "nobody listens there")):
        other = Host(host.kind, host.engine, host.caddy, admin=admin)  # type: ignore[arg-type]
        try:
            found = other.facet.list(other.scope)
            assert found.setup is not None
            assert words in found.setup.sentence
            assert found.setup.command.startswith(f"{host.kind} run -d --name caddy")
            with pytest.raises(Lacking, match=words):
                other.facet.save(other.scope, other.change("a.example.com"))
        finally:
            other.close()


@DOCKER
def test_what_caddy_refuses_is_said_and_nothing_changes(host: Host) -> None:
    config = host.caddy.plain()
    config["apps"]["tls"]["automation"]["policies"] = [
        {"subjects": ["a.example.com"], "issuers": [{"module": "internal"}]}
    ]
    host.caddy.load(config)
    before = host.caddy.config()
    with pytest.raises(RuntimeProblem) as refused:
        host.facet.save(host.scope, host.change("a.example.com", tls="automatic", class_name="secure"))
    assert refused.value.field == "tls"
    assert host.caddy.config() == before
