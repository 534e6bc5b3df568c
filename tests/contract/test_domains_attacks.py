"""Routes of services beside each other and beside what others wrote, through a real Caddy: nobody takes anything.

What Caddy is told is Caddy's alone, so one engine is enough here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from runtimes.caddy.admin import Admin
from runtimes.errors import Conflict, Invalid, Missing, Stale
from tests.contract.routing import PORT, PROJECT, Host
from tests.engines.caddy import FOREIGN, Caddy
from tests.engines.containers import ContainerEngine

ROUTES = "/config/apps/http/servers/plain/routes"
WRITERS = 6
TRIES = 40


@pytest.fixture
def host(docker_engine: ContainerEngine, caddy: Caddy) -> Iterator[Host]:
    """Give a host with one container `web` of the service under test."""
    made = Host("docker", docker_engine, caddy)
    made.serve("web")
    yield made
    made.close()


def theirs(caddy: Caddy) -> str:
    """Give the text of a configuration without what opsmodal has written into it; numbers stay as they are written."""
    left = json.loads(caddy.call("GET", "/config/"), parse_float=str, parse_int=str)
    for server in left["apps"]["http"]["servers"].values():
        server["routes"] = [each for each in server["routes"] if "@id" not in each]
    automation = left["apps"]["tls"]["automation"]
    automation["policies"] = [each for each in automation["policies"] if "@id" not in each]
    return json.dumps(left, ensure_ascii=False)


def static(body: str, **match: Any) -> dict[str, Any]:
    """Write a route as somebody else would."""
    return {"match": [match], "handle": [{"handler": "static_response", "body": body}], "terminal": True}


def test_what_others_wrote_stays_and_goes_on_answering(host: Host) -> None:
    config = host.caddy.plain()
    odd = {**FOREIGN, "match": [{"host": ["odd.example.com"], "header": {"X-Odd": ["1e21", "ü{}<&>"]}}]}
    config["apps"]["http"]["servers"]["plain"]["routes"] += [odd]
    config["apps"]["http"]["servers"]["plain"]["max_header_bytes"] = 12345
    host.caddy.load(config)
    before = theirs(host.caddy)
    host.facet.save(host.scope, host.change("a.example.com"))
    host.facet.save(host.scope, host.change("b.example.com", tls="internal", class_name="secure"))
    row = host.rows()["a.example.com/"]
    host.facet.save(host.scope, host.changed(row, path="/shop"))
    assert theirs(host.caddy) == before
    assert host.caddy.fetched("foreign.example.com").body == "foreign"
    shown = host.facet.list(host.scope)
    assert set(shown.others) == {"foreign.example.com/", "odd.example.com/"}


def test_somebody_faster_is_not_overwritten(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    row = host.rows()["a.example.com/"]
    host.facet.save(host.scope, host.changed(row, response_headers=(("X-Who", "first"),)))
    before = host.caddy.config()
    with pytest.raises(Stale):
        host.facet.save(host.scope, host.changed(row, path="/late"))
    with pytest.raises(Stale):
        host.facet.delete(host.scope, row.id, revision=row.revision)
    assert host.caddy.config() == before


def test_a_change_between_reading_and_writing_is_caddys_412(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Admin.change

    def late(self: Admin, *args: Any) -> None:
        host.caddy.call("POST", ROUTES, {**FOREIGN, "match": [{"host": ["x.test"]}]})
        send(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Admin, "change", late)
        with pytest.raises(Stale, match="changed since it was looked at"):
            host.facet.save(host.scope, host.change("a.example.com"))
    assert host.rows() == {}
    assert "x.test" in str(host.caddy.config())


def test_a_host_and_path_that_is_taken_is_refused_without_a_word_of_whose(host: Host) -> None:
    host.serve("pay", service="other")
    host.facet.save(host.other, host.change("pay.example.com", "pay"))
    for taken in ("pay.example.com", "foreign.example.com"):
        with pytest.raises(Conflict) as refused:
            host.facet.save(host.scope, host.change(taken))
        assert refused.value.field == "host"
        assert "other" not in f"{refused.value.sentence} {refused.value.hint}".replace("another", "")
    with pytest.raises(Conflict) as asked:
        host.facet.save(host.scope, host.change("pay.example.com", path="/login"))
    assert asked.value.field == "shared_host"
    host.facet.save(host.scope, host.change("pay.example.com", path="/login", shared_host=True))
    assert set(host.rows()) == {"pay.example.com/login"}
    assert set(host.rows(host.other)) == {"pay.example.com/"}
    assert "pay.example.com/" not in host.facet.list(host.scope).others


def test_no_service_leads_to_or_changes_what_is_anothers(host: Host) -> None:
    host.serve("pay", service="other")
    host.facet.save(host.other, host.change("pay.example.com", "pay"))
    theirs = host.rows(host.other)["pay.example.com/"]
    before = host.caddy.config()
    attempts = [
        lambda: host.facet.save(host.scope, host.change("new.example.com", "pay")),
        lambda: host.facet.save(host.scope, host.changed(theirs, backend="web")),
        lambda: host.facet.delete(host.scope, theirs.id),
        lambda: host.facet.plan_renew(host.scope, theirs.id),
        lambda: host.facet.answering(host.scope, theirs.id),
    ]
    for attempt in attempts:
        with pytest.raises((Missing, Invalid)):
            attempt()
    assert host.caddy.config() == before


def test_writers_at_the_same_time_lose_nothing_of_each_other(host: Host) -> None:
    before, told = theirs(host.caddy), list[str]()

    def write(number: int) -> None:
        for _ in range(TRIES):
            try:
                host.facet.save(host.scope, host.change(f"n{number}.example.com"))
            except Stale as problem:
                told.append(problem.sentence)
            else:
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(host.rows()) == {f"n{number}.example.com/" for number in range(WRITERS)}
    assert theirs(host.caddy) == before
    assert set(told) <= {"Caddy's configuration changed since it was looked at."}


def test_a_wildcard_takes_nothing_from_hosts_that_others_have(host: Host) -> None:
    config = host.caddy.plain()
    robots = static("robots", path=["/robots.txt"])
    config["apps"]["http"]["servers"]["plain"]["routes"] = [robots, static("theirs", host=["b.example.com"])]
    host.caddy.load(config)
    host.facet.save(host.scope, host.change("*.example.com"))
    assert host.caddy.fetched("any.example.com").body == "version 1\n"
    assert host.caddy.fetch("b.example.com").body == "theirs"
    assert host.caddy.fetch("any.example.com", "/robots.txt").body == "robots"


@pytest.mark.parametrize("spelling", ["FOREIGN.example.com", " foreign.example.com ", "foreign.EXAMPLE.com"])
def test_a_host_is_taken_in_every_spelling(host: Host, spelling: str) -> None:
    with pytest.raises(Conflict, match="is taken"):
        host.facet.save(host.scope, host.change(spelling))
    with pytest.raises(Invalid, match="is no host name"):
        host.facet.save(host.scope, host.change(f"{spelling.strip()}."))
    assert host.caddy.fetch("foreign.example.com").body == "foreign"


def test_a_host_that_stands_deeper_in_somebody_elses_route_is_asked_about(host: Host) -> None:
    inner = {"handler": "subroute", "routes": [static("theirs", host=["Deep.example.com"])]}
    host.caddy.call("POST", ROUTES, {"handle": [inner]})
    assert host.caddy.fetch("deep.example.com").body == "theirs"
    with pytest.raises(Conflict) as asked:
        host.facet.save(host.scope, host.change("deep.example.com"))
    assert asked.value.field == "shared_host"
    assert host.caddy.fetch("deep.example.com").body == "theirs"


def test_a_path_reaches_what_it_says_and_nothing_beside_it(host: Host) -> None:
    ours = (("X-Ours", "yes"),)
    host.facet.save(host.scope, host.change("a.example.com", path="/shop", response_headers=ours))
    assert host.caddy.fetched("a.example.com", "/shop", wanted=404).headers["X-Ours"] == "yes"
    for path in ("/shop/", "/SHOP/cart", "/x/../shop", "//shop", "/%73hop", "/shop%2fcart", "/shop/%2e%2e/shop"):
        assert "X-Ours" in host.caddy.fetch("a.example.com", path).headers, path
    for path in ("/", "/shopping", "/shop/../secret", "/shop/..%2fsecret", "/x/shop", "/;/shop"):
        assert "X-Ours" not in host.caddy.fetch("a.example.com", path).headers, path
    for path in ("/a/../b", "/%2e%2e/b", "/a*", "/{http.request.host}", "/a\\b", "/a\r\nX-A: b"):
        with pytest.raises(Invalid) as refused:
            host.facet.plan(host.scope, host.change("a.example.com", path=path))
        assert refused.value.field == "path"


def test_no_header_that_is_set_becomes_two(host: Host) -> None:
    for value in ("a\r\nSet-Cookie: b", "a\nb", "{env.HOME}", "{http.request.header.Cookie}", "\x00"):
        for side in ("response_headers", "request_headers"):
            with pytest.raises(Invalid) as refused:
                host.facet.save(host.scope, host.change("a.example.com", **{side: (("X-A", value),)}))
            assert refused.value.field == side
    assert host.rows() == {}


def test_the_admin_api_is_no_target(host: Host) -> None:
    admin, own = host.caddy.admin_port, ("--label", f"{PROJECT}=own")
    host.engine.run("sleep", "100", options=["--name", "wide", "--network", "host", *own])
    created = ("--name", "trap", "--publish", f"127.0.0.1:{admin}:{PORT}", *own)
    host.engine.cli("create", *created, host.engine.images[0], "sleep", "100")
    host.engine.cli("start", "trap", check=False)
    for name, port, words in (("wide", str(admin), "its ports are not its own"), ("trap", PORT, "is not running")):
        with pytest.raises((Conflict, Invalid), match=words):
            host.facet.save(host.scope, replace(host.change("a.example.com", name), port=port))
    for name in (f"127.0.0.1:{admin}", "localhost", "127.0.0.1", host.caddy.admin, "{env.HOME}"):
        with pytest.raises(Invalid, match=r"There is no container|too long"):
            host.facet.save(host.scope, replace(host.change("a.example.com", name), port=str(admin)))
    assert host.rows() == {}


def test_an_address_that_went_to_somebody_else_is_told_as_such(host: Host) -> None:
    host.facet.save(host.scope, host.change("a.example.com"))
    host.engine.cli("rm", "-f", "web")
    host.serve("pay", service="other")
    row = host.rows()["a.example.com/"]
    assert any("the address of a container of somebody else" in each for each in row.problems), row.problems


def test_following_a_replacement_waits_for_nobody_and_leaves_other_services_alone(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serve("pay", service="other")
    host.facet.save(host.other, host.change("pay.example.com", "pay"))
    for name in ("a.example.com", "b.example.com"):
        host.facet.save(host.scope, host.change(name))
    host.replace("web")
    host.replace("pay", service="other")
    untouched, send, late = host.rows(host.other), Admin.change, iter(range(2))

    def overtaken(self: Admin, *args: Any) -> None:
        if (number := next(late, None)) is not None:
            host.caddy.call("POST", ROUTES, static("faster", host=[f"faster{number}.example.com"]))
        send(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Admin, "change", overtaken)
        done = host.facet.renew(host.scope)
    assert done.sentence == "a.example.com/, b.example.com/ lead to their containers again."
    assert {host.caddy.fetched(name).body for name in ("a.example.com", "b.example.com")} == {"version 2\n"}
    assert host.caddy.fetch("faster1.example.com").body == "faster"
    assert host.rows(host.other)["pay.example.com/"].address == untouched["pay.example.com/"].address
    assert host.rows(host.other)["pay.example.com/"].moved
