"""Who has a host and path already: refused without a word of whose, and asked about where only the host is others'."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes.caddy.config import Known, known
from runtimes.caddy.conflicts import demand_free
from runtimes.caddy.routes import Route, made
from runtimes.domains import Proxying
from runtimes.errors import Conflict

HOST = "a.example.com"


def route(
    path: str = "/", *, service: str = "shop", server: str = "srv0", kind: str = "Prefix", host: str = HOST
) -> Route:
    leads = {"container": "till", "port": "80", "dial": "10.1.2.3:80"}
    return Route(service=service, server=server, host=host, path=path, path_type=kind, proxying=Proxying(), **leads)


def there(*routes: dict[str, Any], other: tuple[dict[str, Any], ...] = ()) -> Known:
    listening = {"srv0": {"listen": [":443"], "routes": [*routes]}, "srv1": {"listen": [":80"], "routes": [*other]}}
    return known({"apps": {"http": {"servers": listening}}}, "")


def free(found: Known, wanted: Route, *, shared: bool = False) -> tuple[str, ...]:
    return demand_free(wanted, found, found.servers["srv0"], itself=None, shared=shared)


THEIRS = made(route(service="pay"))
FOREIGN = {"match": [{"host": ["A.example.com"], "path": ["/Login*"]}], "handle": [{"handler": "file_server"}]}


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (THEIRS, route()),
        (FOREIGN, route("/login")),
        (made(route("/cart", kind="Exact")), route("/CART", kind="Exact")),
        (made(route("/cart")), route("/cart")),
        ({**FOREIGN, "match": [{"host": ["A.EXAMPLE.com."]}]}, route()),
        ({**FOREIGN, "match": [{"host": ["b\u00fccher.example.com"]}]}, route(host="xn--bcher-kva.example.com")),
    ],
)
def test_the_same_host_and_path_is_refused_without_a_word_of_whose(held: dict[str, Any], wanted: Route) -> None:
    with pytest.raises(Conflict) as refused:
        free(there(held), wanted, shared=True)
    assert refused.value.field == "host"
    assert not any(word in str(vars(refused.value)) for word in ("pay", "till", "10.1.2.3", "file_server"))


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (made(route("/cart", kind="Exact")), route("/cart")),
        (made(route("/cart")), route("/carts")),
        (made(route(host="b.example.com")), route()),
    ],
)
def test_other_paths_and_hosts_of_the_service_are_free(held: dict[str, Any], wanted: Route) -> None:
    assert free(there(held), wanted) == ()


INNER = {"match": [{"host": [HOST.upper()]}], "handle": [{"handler": "file_server"}]}
WITHIN = {"handle": [{"handler": "subroute", "routes": [{"handle": [{"handler": "subroute", "routes": [INNER]}]}]}]}


@pytest.mark.parametrize("held", [THEIRS, FOREIGN, WITHIN])
def test_a_host_that_only_others_have_is_asked_about(held: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as asked:
        free(there(held), route("/new"))
    assert asked.value.field == "shared_host"
    assert "pay" not in str(vars(asked.value))
    assert "/new is taken from what answers there" in free(there(held), route("/new"), shared=True)[0]
    assert free(there(held, made(route("/mine"))), route("/new")), "the service has the host by then"


def test_what_answers_so_far_and_what_keeps_its_own_is_told() -> None:
    everything = {"handle": [{"handler": "file_server"}]}
    assert "a route for many hosts" in free(there(everything), route())[0]
    narrow = {"match": [{"host": [HOST], "header": {"X": ["1"]}}], "handle": [{"handler": "file_server"}]}
    longer = {**narrow, "match": [{"host": [HOST], "path": ["/cart/new"]}]}
    assert "answers first" in free(there(narrow, longer), route("/cart"), shared=True)[-1]
    assert "keep it" in free(there(made(route())), route(host="*.example.com"))[0]
    assert "as well" in free(there(other=(THEIRS,)), route(), shared=True)[-1]
