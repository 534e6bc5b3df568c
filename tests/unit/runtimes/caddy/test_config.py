"""What a configuration says, where a new route belongs, and which requests make a change of it."""

from __future__ import annotations

import copy
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.caddy import drafts, marks, servers
from runtimes.caddy.address import address
from runtimes.caddy.config import known
from runtimes.caddy.placing import position
from runtimes.caddy.routes import Route, made, understood
from runtimes.caddy.steps import applied
from runtimes.domains import Proxying
from runtimes.errors import Conflict, Invalid

ODD = (None, 1, "x", [], {}, [None], {"routes": None}, {"routes": [None, 3, {"match": [3], "handle": "no"}]})


def route(host: str = "a.example.com", path: str = "/", **more: Any) -> Route:
    plain: dict[str, Any] = {"service": "shop", "server": "srv0", "path_type": "Prefix", "proxying": Proxying()}
    plain |= {"container": "web", "port": "80", "dial": "127.0.0.1:8080"}
    return Route(host=host, path=path, **{**plain, **more})


def foreign(*hosts: str, path: str = "", handler: str = "static_response", terminal: bool = True) -> dict[str, Any]:
    match: dict[str, Any] = {**({"host": [*hosts]} if hosts else {}), **({"path": [path]} if path else {})}
    return {**({"match": [match]} if match else {}), "handle": [{"handler": handler}], "terminal": terminal}


def config(*routes: Any, **more: Any) -> dict[str, Any]:
    server = {"listen": [":443"], "routes": [*routes], **more}
    return {"apps": {"http": {"servers": {"srv0": server}}}}


@pytest.mark.parametrize(
    ("routes", "wanted", "index"),
    [
        ([], route(), 0),
        ([foreign("b.example.com")], route(), 1),
        ([foreign("b.example.com"), foreign()], route(), 1),
        ([foreign("*.example.com")], route(), 0),
        ([foreign("*.other.com")], route(), 1),
        ([foreign("a.example.com")], route(path="/cart"), 0),
        ([foreign("a.example.com", path="/cart/*")], route(), 1),
        ([foreign("a.example.com", path="/cart")], route(path="/cart"), 1),
        ([foreign(handler="encode", terminal=False), foreign()], route(), 1),
        ([foreign(handler="authentication", terminal=False)], route(), 1),
        ([foreign(handler="unheard_of", terminal=False)], route(), 0),
        ([foreign(path="/robots.txt"), foreign("b.example.com")], route("*.example.com"), 2),
        ([foreign("*.example.com"), foreign("a.example.com", path="/cart/*")], route(), 2),
        ([foreign("*.*.com")], route(), 0),
        ([foreign("A.Example.COM.")], route(path="/cart"), 0),
    ],
)
def test_a_route_stands_before_what_is_less_exact(routes: list[Any], wanted: Route, index: int) -> None:
    assert position(wanted, known(config(*routes), "").servers["srv0"].entries) == index


@pytest.mark.parametrize("part", ODD)
@pytest.mark.parametrize("where", ["apps", "http", "servers", "srv0", "tls", "policies"])
def test_a_configuration_of_any_shape_is_read(part: Any, where: str) -> None:
    root: dict[str, Any] = {"apps": {"http": {"servers": {"srv0": {}}}, "tls": {"automation": {"policies": []}}}}
    holders = {"apps": root, "http": root["apps"], "servers": root["apps"]["http"]}
    holders |= {
        "srv0": root["apps"]["http"]["servers"],
        "tls": root["apps"],
        "policies": root["apps"]["tls"]["automation"],
    }
    holders[where][where] = part
    found = known(root, "")
    assert [each.mark for each in found.entries() if each.mark] == []


@pytest.mark.parametrize(
    ("listen", "more", "secure", "is_fixed"),
    [
        ([":443"], {}, True, False),
        (["127.0.0.1:8443"], {}, True, False),
        ([":80"], {}, False, False),
        ([":443"], {"automatic_https": {"disable": True}}, False, False),
        ([":443"], {"automatic_https": {"disable": True}, "tls_connection_policies": [{}]}, False, True),
        (["unix//run/x.sock"], {}, False, True),
        ([], {}, False, True),
    ],
)
def test_a_server_is_known_by_where_it_listens(
    listen: list[str], more: dict[str, Any], secure: bool, is_fixed: bool
) -> None:
    server = known(config(**{"listen": listen, **more}), "").servers["srv0"]
    assert (server.secure, bool(server.fixed)) == (secure, is_fixed)


def test_names_of_ours_are_read_back_and_no_others_are() -> None:
    mark = route().mark
    assert marks.read(mark.text) == mark
    for text in ("", "opsmodal", "opsmodal~shop~web~80", f"x{mark.text}", f"{mark.text}\n", mark.text.upper(), None, 3):
        assert marks.read(text) is None
    assert marks.read("opsmodal~shop~a/../b~80~0123456789") is None


@pytest.mark.parametrize("change", ["server", "host", "path", "service"])
def test_rows_of_different_routes_have_different_addresses(change: str) -> None:
    assert route().id != route(**{change: f"/{change}" if change == "path" else change}).id


def test_the_address_of_a_row_is_the_same_wherever_it_leads() -> None:
    assert route().id == route(container="api", port="81", dial="10.0.0.1:81").id


@given(st.permutations(["a", "b", "c"]), st.sampled_from(["a", "b", "c", "new"]), st.sampled_from(["/", "/x", "/y"]))
def test_a_change_leaves_every_other_route_as_it_was_and_in_its_order(hosts: list[str], which: str, path: str) -> None:
    root = config(*(made(route(f"{host}.example.com")) for host in hosts), foreign("f.example.com"), foreign())
    before = copy.deepcopy(root)
    found = known(root, "etag")
    entry = next((each for each in found.entries() if each.hosts == (f"{which}.example.com",)), None)
    wanted = route(f"{which}.example.com", path)
    chosen = servers.chosen(found, "srv0", "")
    if entry is None:
        draft = drafts.creation(found, chosen, wanted)
    else:
        draft = drafts.alteration(found, chosen, entry, understood(entry), wanted)
    after = reduce(applied, draft.steps, root)
    assert root == before, "a draft changes nothing"
    routes = after["apps"]["http"]["servers"]["srv0"]["routes"]
    ours = made(wanted)
    assert routes.count(ours) == 1
    others = [
        each for each in before["apps"]["http"]["servers"]["srv0"]["routes"] if entry is None or each != entry.raw
    ]
    assert [each for each in routes if each != ours] == others
    assert routes.index(ours) < len(routes) - 1, "before the one that answers everything"
    ends = drafts.removal(known(after, ""), next(e for e in known(after, "").entries() if e.raw == ours), wanted)
    left = reduce(applied, ends.steps, after)
    assert left["apps"]["http"]["servers"]["srv0"]["routes"] == others


def test_how_a_certificate_is_made_goes_with_the_last_route_of_its_host_and_no_other_does() -> None:
    inside = Proxying(tls="internal")
    root, foreign_policy = config(), {"subjects": ["f.example.com"], "issuers": [{"module": "internal"}]}
    root["apps"]["tls"] = {"automation": {"policies": [foreign_policy]}}

    def then(draft: drafts.Draft) -> list[Any]:
        root.update(reduce(applied, draft.steps, root))
        return [each["subjects"] for each in root["apps"]["tls"]["automation"]["policies"]]

    def held(host: str, path: str = "/") -> Any:
        found = known(root, "")
        entry = next(e for e in found.entries() if e.hosts == (host,) and e.paths[0][0] == path)
        return found, entry, understood(entry)

    for host, path in (("a.example.com", "/"), ("a.example.com", "/x"), ("c.example.com", "/")):
        found = known(root, "")
        then(drafts.creation(found, servers.chosen(found, "srv0", ""), route(host, path, proxying=inside)))
    found, entry, old = held("c.example.com")
    chosen = servers.chosen(found, "srv0", "")
    moved = drafts.alteration(found, chosen, entry, old, route("b.example.com", proxying=inside))
    assert then(moved) == [["b.example.com"], ["a.example.com"], ["f.example.com"]]
    assert then(drafts.removal(*held("a.example.com"))) == [["b.example.com"], ["a.example.com"], ["f.example.com"]]
    assert then(drafts.removal(*held("a.example.com", "/x"))) == [["b.example.com"], ["f.example.com"]]
    assert then(drafts.removal(*held("b.example.com"))) == [["f.example.com"]]


def test_a_name_that_only_caddy_certifies_is_taken_where_nothing_is_said() -> None:
    found = known(config(), "")
    draft = drafts.creation(found, servers.chosen(found, "srv0", ""), route("shop.localhost"))
    assert len(draft.steps) == 1


def test_no_request_holds_what_others_wrote() -> None:
    secret = {"issuers": [{"module": "acme", "challenges": {"dns": {"provider": {"token": "hunter2"}}}}]}
    root = config(foreign("f.example.com"))
    root["apps"]["tls"] = {"automation": {"policies": [secret]}}
    found = known(root, '"/config/ 1"')
    wanted = route("a.example.com", proxying=Proxying(tls="internal"))
    draft = drafts.creation(found, servers.chosen(found, "", "internal"), wanted)
    plan = drafts.told(draft, found, address("http://127.0.0.1:2019"), None, wanted, verb="Add")
    assert len(draft.steps) == 2
    assert "hunter2" not in f"{draft.steps} {plan}"
    assert "f.example.com" not in f"{draft.steps} {plan}"


def test_a_certificate_that_others_have_settled_stays_theirs() -> None:
    root = config()
    root["apps"]["tls"] = {
        "automation": {"policies": [{"subjects": ["a.example.com"], "issuers": [{"module": "acme"}]}]}
    }
    found = known(root, "")
    with pytest.raises(Conflict) as refused:
        drafts.creation(found, servers.chosen(found, "", ""), route(proxying=Proxying(tls="internal")))
    assert refused.value.field == "tls"


INTERNAL = Proxying(tls="internal")


def test_a_wildcard_does_not_change_how_others_get_their_certificates() -> None:
    found = known(config(foreign("b.example.com")), "")
    with pytest.raises(Conflict) as refused:
        drafts.creation(found, servers.chosen(found, "", ""), route("*.example.com", proxying=INTERNAL))
    assert refused.value.field == "tls"
    own = known(config(made(route("b.example.com"))), "")
    assert len(drafts.creation(own, servers.chosen(own, "", ""), route("*.example.com", proxying=INTERNAL)).steps) == 2


def test_a_certificate_does_not_hang_on_another_services_wildcard() -> None:
    root = config()
    policy = {"@id": marks.policy_mark("pay", "*.example.com"), "subjects": ["*.example.com"]}
    root["apps"]["tls"] = {"automation": {"policies": [{**policy, "issuers": [{"module": "internal"}]}]}}
    found = known(root, "")
    first, _ = drafts.creation(found, servers.chosen(found, "", ""), route(proxying=INTERNAL)).steps
    assert first.body["subjects"] == ["a.example.com"]


@pytest.mark.parametrize(
    ("host", "port", "is_it"),
    [
        *((host, 2019, True) for host in ("127.0.0.1", "", "0.0.0.0", "::", "127.0.0.2", "[::1]")),
        *((host, 2019, False) for host in ("10.0.0.5", "odd")),
        ("127.0.0.1", 2020, False),
    ],
)
def test_the_admin_api_is_known_by_any_spelling_of_its_address(host: str, port: int, is_it: bool) -> None:
    assert address("http://localhost:2019").is_at(host, port) is is_it
    assert not address("unix:///run/caddy/admin.sock").is_at(host, port)


@pytest.mark.parametrize(
    ("text", "base", "is_open"),
    [
        ("http://127.0.0.1:2019", "http://127.0.0.1:2019", False),
        ("http://localhost:2019/", "http://localhost:2019", False),
        ("http://[::1]:2019", "http://[::1]:2019", False),
        ("http://10.0.0.5:2019", "http://10.0.0.5:2019", True),
        ("unix:///run/caddy/admin.sock", "http://localhost", False),
        ("/run/caddy/admin.sock", "http://localhost", False),
    ],
)
def test_an_address_is_read(text: str, base: str, is_open: bool) -> None:
    found = address(text)
    assert (found.base, found.is_open) == (base, is_open)


@pytest.mark.parametrize(
    "text",
    [
        *("http://0.0.0.0:2019", "http://[::]:2019", "http://169.254.169.254:80", "http://224.0.0.1:1"),
        *("http://127.0.0.1", "http://a@127.0.0.1:1", "http://127.0.0.1:1/config", "http://127.0.0.1:1?x"),
        *("ftp://127.0.0.1:21", "unix://run/x", "http://a b:1", "http://:1", "http://x:99999", ""),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        address(text)


def test_a_line_is_quoted_for_a_shell_and_goes_to_the_socket() -> None:
    line = address("unix:///run/caddy/a b.sock").line("PUT", "/config/x", {"a": "it's $(id) `id`"}, '"/config/ 1"')
    assert "--unix-socket '/run/caddy/a b.sock' -H 'Host;'" in line
    assert '\'{"a":"it\'"\'"\'s $(id) `id`"}\'' in line
