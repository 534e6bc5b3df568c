"""What a route may be made of: no typed word becomes a part of Caddy's configuration that it was not meant for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.caddy.config import known
from runtimes.caddy.routes import Route, made, understood
from runtimes.caddy.wishes import demand_possible, normal
from runtimes.domains import DomainChange, Proxying
from runtimes.errors import Invalid

WISH = DomainChange(host="shop.example.com", backend="web", port="8080", kind="route")
PLACEHOLDER = re.compile(r"[{}\\]")


def with_options(**more: Any) -> DomainChange:
    return replace(WISH, proxying=Proxying(**more))


@pytest.mark.parametrize(
    "wish",
    [
        WISH,
        replace(WISH, host="*.example.com", path="/a-b_c.d~e!$&'()+,;=:@", path_type="Exact"),
        with_options(tls="internal", response_headers=(("Strict-Transport-Security", 'max-age=1; x="y" %20 <a>'),)),
        with_options(redirect="https://www.example.com:8443/there", redirect_status=302),
        with_options(connect_timeout_s=3600, answer_timeout_s=1),
    ],
)
def test_what_a_route_is_made_of_is_taken(wish: DomainChange) -> None:
    demand_possible(normal(wish))


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("host", replace(WISH, host="{env.TOKEN}")),
        ("host", replace(WISH, host="{http.request.host}.example.com")),
        ("host", replace(WISH, host="a.example.com,b.example.com")),
        ("host", replace(WISH, host="a.*.example.com")),
        ("host", replace(WISH, host="*")),
        ("host", replace(WISH, host="")),
        ("host", replace(WISH, host="shop.example.com\n")),
        ("host", replace(WISH, host="shop.example.com.")),
        ("host", replace(WISH, host="SHOP.example.com")),
        ("host", replace(WISH, host="shop\uff0eexample.com")),
        ("host", replace(WISH, host="shop.example.com:443")),
        ("host", replace(WISH, host="bücher.example.com")),
        ("host", replace(WISH, host=f"{'a' * 64}.example.com")),
        ("path", replace(WISH, path="/*")),
        ("path", replace(WISH, path="*/admin")),
        ("path", replace(WISH, path="/{file./etc/passwd}")),
        ("path", replace(WISH, path="/%2e%2e/admin")),
        ("path", replace(WISH, path="/a/../b")),
        ("path", replace(WISH, path="//a")),
        ("path", replace(WISH, path="/a\\b")),
        ("path", replace(WISH, path="shop")),
        ("path_type", replace(WISH, path_type="ImplementationSpecific")),
        ("target", replace(WISH, port="0")),
        ("target", replace(WISH, port="65536")),
        ("target", replace(WISH, port="80/udp")),
        ("target", replace(WISH, port="²")),
        ("target", replace(WISH, port="{env.PORT}")),
        ("tls", with_options(tls="on_demand")),
        ("tls", replace(WISH, tls_secret="shop-tls")),
        ("response_headers", with_options(response_headers=(("X-A", "{env.TOKEN}"),))),
        ("response_headers", with_options(response_headers=(("X-A", "\\{env.TOKEN}"),))),
        ("response_headers", with_options(response_headers=(("X-A", "a\r\nX-B: b"),))),
        ("response_headers", with_options(response_headers=(("X A", "a"),))),
        ("response_headers", with_options(response_headers=(("{env.TOKEN}", "a"),))),
        ("response_headers", with_options(response_headers=(("X-A", "a"), ("x-a", "b")))),
        ("request_headers", with_options(request_headers=(("X-Forwarded-For", "127.0.0.1"),))),
        ("request_headers", with_options(request_headers=(("Transfer-Encoding", "chunked"),))),
        ("request_headers", with_options(request_headers=tuple((f"X-{n}", "a") for n in range(21)))),
        ("connect_timeout_s", with_options(connect_timeout_s=-1)),
        ("answer_timeout_s", with_options(answer_timeout_s=3601)),
        ("redirect", with_options(redirect="javascript:alert(1)")),
        ("redirect", with_options(redirect="https://{http.request.host}")),
        ("redirect", with_options(redirect="https://user@www.example.com")),
        ("redirect", with_options(redirect="https://www.example.com/?next={env.TOKEN}")),
        ("redirect", with_options(redirect="https://www.example.com", connect_timeout_s=1)),
        ("redirect_status", with_options(redirect="https://www.example.com", redirect_status=200)),
    ],
)
def test_what_caddy_would_read_otherwise_is_refused_by_its_field(field: str, wish: DomainChange) -> None:
    with pytest.raises(Invalid) as refused:
        demand_possible(wish)
    assert refused.value.field == field


def test_a_host_in_another_script_is_told_how_dns_has_it() -> None:
    with pytest.raises(Invalid, match="is no host name") as refused:
        demand_possible(replace(WISH, host="b\u00fccher.example.com"))
    assert refused.value.hint == "DNS has it as xn--bcher-kva.example.com: write it like that."


TEXT = st.text(max_size=20) | st.sampled_from(["{env.A}", "{http.vars.x}", "*", "/", "/a", "a.b", "\\{", "%7b", "X-A"])


@given(
    TEXT, TEXT, st.sampled_from(["Prefix", "Exact"]), st.lists(st.tuples(TEXT, TEXT), max_size=3), TEXT, st.booleans()
)
def test_whatever_is_taken_holds_no_placeholder_but_ours_and_is_read_back_as_it_was(
    host: str, path: str, kind: str, headers: list[tuple[str, str]], redirect: str, is_redirect: bool
) -> None:
    options = Proxying(redirect=redirect) if is_redirect and redirect else Proxying(response_headers=tuple(headers))
    wish = normal(replace(WISH, host=host, path=path, path_type=kind, proxying=options))
    try:
        demand_possible(wish)
    except Invalid:
        return
    away = bool(wish.proxying.redirect)
    route = Route(
        service="shop",
        server="srv0",
        host=wish.host,
        path=wish.path,
        path_type=wish.path_type,
        container="" if away else "web",
        port="" if away else "8080",
        dial="" if away else "127.0.0.1:8080",
        proxying=wish.proxying,
    )
    written = made(route)
    texts = [each for each in strings(written) if PLACEHOLDER.search(each)]
    assert all(each.endswith("{http.request.uri}") and each.count("{") == 1 for each in texts)
    assert [each for each in strings(written["match"]) if "*" in each.removesuffix("/*").removeprefix("*.")] == []
    root = json.loads(json.dumps({"apps": {"http": {"servers": {"srv0": {"routes": [written]}}}}}))
    (entry,) = known(root, "").entries()
    assert understood(entry) == route


def strings(value: Any) -> list[str]:
    """Give all texts in a document, keys too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []
