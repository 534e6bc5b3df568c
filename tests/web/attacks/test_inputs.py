"""Bodies, forms, paths and parameters that nobody honest sends: refused in a sentence, never a fault of ours."""

from __future__ import annotations

import time

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import PASSWORD, Installation, own_page

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
DEEP = "[" * 100_000
NAMES = (
    *("..", ".", "%2e%2e", "%2e%2e%2fdefault", "a%00b", "%ff", "%D0%B0", "db-0%0a", "..%5c", "%252e%252e", "%3f", "*"),
    *("db-0%20", "DB-0", "a" * 3_000, "%F0%9F%98%80", "db-0%2flog", "%E2%80%AE0-bd", "-o", "--all"),
)
TARGETS = (
    *("//[", "http://[", "/services\r\nSet-Cookie: a=b", "/\t/evil.example", "/\n/evil.example", "/\\/evil.example"),
    *("\x01//evil.example", "///evil.example", "https:evil.example", "/\x00", "/\u2028/evil.example"),
)
HOSTS = ("[", "[::1", "localhost:abc", "a b", "localhost@evil", "évil", "localhost,evil", "x/..", "localhost.evil")
FOREIGN = ("Traceback", 'File "', "site-packages", "<script")


def refused(answer: TestResponse) -> TestResponse:
    """Demand an answer that blames the input and shows nothing of the inside."""
    assert 400 <= answer.status_code < 500, answer.text[:300]
    for word in FOREIGN:
        assert word not in answer.text.replace('<script src="/static/', "").replace('<script type="module"', "")
    return answer


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '"text"',
        "5",
        "null",
        "{",
        "NaN",
        '{"kind": Infinity}',
        DEEP,
        "[" * 500 + "]" * 500,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"kind":"kubernetes","x":' + "[" * 200 + "]" * 200 + "}",
        '{"kind":"docker","socket":"/\\ud800"}',
        '{"kind":"docker","\\udfff":"/x"}',
        '{"kind":"kubernetes","kubeconfig":{"file":"x","context":"\\ud800"}}',
        '{"kind":"docker","socket":' + "9" * 5_000 + "}",
        '{"kind":["docker"],"socket":{"a":1}}',
        '{"kind":"docker","socket":"/x","connections":[[[1]]]}',
        '{"kind":"docker","socket":"/x\\u0000"}',
        '{"kind":"docker","socket":"http://169.254.169.254/"}',
        '{"kind":"kubernetes","kubeconfig":"k","files":{"kubeconfig":["a"]}}',
        '{"kind":"kubernetes","kubeconfig":{"file":"/etc/passwd"}}',
    ],
)
@pytest.mark.parametrize("method", ["PUT /registry/runtimes/x", "POST /registry/runtimes/demo/proposals"])
def test_no_json_body_is_a_fault_of_ours(shown: Installation, method: str, body: str) -> None:
    verb, path = method.split()
    refused(shown.client().call(verb, path, data=body, headers=JSON))


@pytest.mark.parametrize("names", ["5", '"web"', '{"a":1}', '[["x"]]', "[null]"])
def test_proposals_are_taken_by_a_list_of_names(shown: Installation, names: str) -> None:
    body = f'{{"names":{names}}}'
    refused(shown.client().call("POST", "/registry/runtimes/demo/proposals", data=body, headers=JSON))


def test_a_body_in_chunks_is_read_like_any_other(shown: Installation) -> None:
    """Without a length a body was taken for none, and a confirmation in it was not seen."""
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    path = "/services/payments/instances/nobody"
    answer = shown.client().call("DELETE", path, data="[]", headers=JSON, environ_overrides=environ)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "document",
    [
        b"\0",
        b"\xff\xfe",
        b"a: &a [*a]",
        b"[" * 5_000,
        b"{a: " * 5_000,
        b"!!python/object/apply:os.system [id]",
        b'apiVersion: opsmodal/v1\nservices: [{name: q, runtime: demo, namespace: shop, selector: "\\ud800"}]',
        b"? [a]\n: b",
        b"x" * 2_999_999,
        b"x" * 3_100_000,
        b"apiVersion: opsmodal/v1\nruntimes: [{name: r, kind: kubernetes, kubeconfig: {file: /etc/shadow}}]",
    ],
)
@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_no_document_is_a_fault_of_ours(shown: Installation, document: bytes, dry_run: str) -> None:
    path = f"/registry/document?dry_run={dry_run}"
    answer = refused(shown.client().call("POST", path, data=document, headers=YAML))
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "connections",
    [
        "&a [*a]",
        "[" * 3_000,
        "- &a x\n- *a",
        "- !!python/name:os.system ''",
        "- !!binary aGk=",
        "\0",
        "5",
        "- {name: a, name: b, kind: direct}",
        "\n".join(["- &a0 [x,x,x,x,x,x,x,x,x]", *(f"- &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]),
    ],
)
def test_no_yaml_in_a_form_unfolds_or_breaks(shown: Installation, connections: str) -> None:
    began = time.monotonic()
    form = {"name": "y", "kind": "docker", "socket": "/x", "connections": connections}
    refused(shown.browser().post("/registry/add-runtime", data=form, headers=own_page()))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("path", ["/services/shop/instances/{}", "/services/shop/instances/{}/cause", "/services/{}"])
def test_a_name_is_never_a_path(shown: Installation, path: str) -> None:
    program, browser = shown.client("viewer"), shown.browser("viewer")
    for name in NAMES:
        assert refused(program.get(path.format(name))).status_code == 404, name
        assert refused(browser.get(path.format(name))).status_code == 404, name


@pytest.mark.parametrize("name", ["..", "a%00b", "%D0%B0", "shop%0a", "*", "Shop", "a" * 64, "%2e%2e"])
def test_nothing_is_registered_under_such_a_name(shown: Installation, name: str) -> None:
    body = '{"runtime":"demo","namespace":"shop"}'
    refused(shown.client().call("PUT", f"/registry/services/{name}", data=body, headers=JSON))


@pytest.mark.parametrize(
    "query",
    [
        "tail=999999999999",
        "tail=10001",
        "tail=-1",
        "tail=%C2%B2",
        "tail=%D9%A3",
        "since=99999999999999d",
        "since=999999999w",
        "since=0001-01-01T00:00:00%2B14:00",
        "since=9999-12-31T23:59:59-14:00",
        f"since={'9' * 5_000}",
        "previous=maybe",
        "timestamps=x",
        "download=2",
        "instance=..",
        "instance=../../namespaces",
        "instance=db-0&container=../x",
        "instance=db-0&container=a%26follow=true",
        "instance=db-0&container=%00",
    ],
)
def test_no_parameter_of_the_logs_is_a_fault_of_ours(shown: Installation, query: str) -> None:
    refused(shown.client("developer").get(f"/services/shop/logs?{query}"))


@pytest.mark.parametrize("search", ["(a%2B)%2B$", "%00", "%5B", "a" * 100_000, ".*" * 1_000])
def test_a_search_is_text_and_never_a_pattern(shown: Installation, search: str) -> None:
    began = time.monotonic()
    answer = shown.client("developer").get(f"/services/shop/logs?search={search}&instance=web*&download=false")
    assert answer.status_code in (200, 404)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", f"limit={'9' * 5000}", "cursor=-1", f"cursor={'9' * 13}"])
@pytest.mark.parametrize("path", ["/services", "/services/shop/instances"])
def test_limits_and_cursors_are_bounded(shown: Installation, path: str, query: str) -> None:
    refused(shown.client("viewer").get(f"{path}?{query}"))


@pytest.mark.parametrize("sort", ["--name", "__class__", "name;drop", "-", "spec.__init__", "cpu_cores "])
def test_only_columns_are_sorted_by(shown: Installation, sort: str) -> None:
    refused(shown.client("viewer").get("/services/shop/instances", query_string={"sort": sort}))


def test_a_search_of_a_megabyte_costs_nothing(shown: Installation) -> None:
    began = time.monotonic()
    assert shown.client("viewer").get(f"/services/shop/instances?search={'x+' * 500_000}").status_code == 200
    assert time.monotonic() - began < 3


def test_signing_in_leads_nowhere_else(changed: Installation) -> None:
    client = changed.app.test_client()
    for target in TARGETS:
        form = {"name": "viewer", "password": PASSWORD, "next": target}
        answer = client.post("/sign-in", data=form, headers=own_page())
        assert answer.location == "/services", target
        assert "a=b" not in str(answer.headers)


@pytest.mark.parametrize(
    "host", ["[", "[::1", "localhost:abc", "a b", "localhost@evil", "évil", "localhost,evil", "x/.."]
)
def test_a_host_that_is_none_is_refused(shown: Installation, host: str) -> None:
    refused(shown.app.test_client().get("/sign-in", headers={"Host": host}))


@pytest.mark.parametrize("path", ["/services", "/api/v1/services", "/static/main.js", "/nothing"])
def test_an_unknown_method_does_nothing(shown: Installation, path: str) -> None:
    browser = shown.browser()
    for method in ("TRACE", "PATCH", "CONNECT", "PROPFIND", "FOO"):
        refused(browser.open(path, method=method, headers=own_page()))


def test_no_header_or_field_overrides_the_method(changed: Installation) -> None:
    browser, path = changed.browser(), "/services/shop/instances/db-0"
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"}, {"X-Method-Override": "DELETE"}):
        browser.post(
            f"{path}?_method=DELETE&confirm=shop", data={"_method": "DELETE"}, headers={**own_page(), **headers}
        )
    for method in ("GET", "HEAD", "OPTIONS"):
        browser.open(f"{path}/delete?confirm=shop&force=true", method=method)
        browser.open(f"{path}?confirm=shop&force=true", method=method)
    assert changed.client().get("/services/shop/instances/db-0").status_code == 200
    assert not {action for _, action, _ in changed.audited() if action.startswith("instance")}


def test_urls_that_no_route_has_are_nothing(shown: Installation) -> None:
    client = shown.app.test_client()
    for path in ("/services/../registry", "/sign-in/../services", "/static/../services", "/static/..%2f..%2fapp.py"):
        answer = client.get(path)
        assert answer.status_code in (303, 404)
        assert "opsmodal.app" not in answer.text
