"""Faults that can be switched on, and a server that goes and comes back: what a client sees."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3

from opsmodal.demo.cluster import Cluster, start
from opsmodal.demo.documents import decode
from tests.demo.conftest import Client, pod, settle

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture(autouse=True)
def _well_again(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.faults.clear()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"), (410, "Expired"), (500, "InternalError")],
)
def test_an_answer_can_be_switched_on(cluster: Cluster, client: Client, status: int, reason: str) -> None:
    cluster.faults.answer(status, PODS)
    code, body = client.answer("GET", PODS)
    assert (code, body["reason"], body["code"]) == (status, reason, status)
    assert client.answer("GET", "/api/v1/nodes")[0] == 200


def test_too_many_requests_say_when_to_come_back(cluster: Cluster, client: Client) -> None:
    cluster.faults.answer(429, PODS, retry_after_s=7, times=1)
    response = client.request("GET", PODS)
    body = decode(response.read())
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert body["details"] == {"retryAfterSeconds": 7}
    assert client.answer("GET", PODS)[0] == 200


def test_half_an_answer_is_cut(cluster: Cluster, client: Client) -> None:
    cluster.faults.half(PODS)
    response = client.request("GET", PODS)
    assert response.status == 200
    with pytest.raises(urllib3.exceptions.HTTPError):
        response.read()
    response.close()


def test_a_connection_can_be_cut(cluster: Cluster, client: Client) -> None:
    cluster.faults.cut(PODS)
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.answer("GET", PODS)


def test_silence_lasts_until_it_is_cleared(cluster: Cluster, client: Client) -> None:
    cluster.faults.silence(PODS)
    problems: list[Exception] = []

    def ask() -> None:
        try:
            client.answer("GET", PODS)
        except urllib3.exceptions.HTTPError as problem:
            problems.append(problem)

    asking = threading.Thread(target=ask, name="asks")
    asking.start()
    asking.join(0.5)
    assert asking.is_alive()
    cluster.faults.clear()
    asking.join(5)
    assert not asking.is_alive()
    assert problems


def test_an_answer_can_be_late(cluster: Cluster, client: Client) -> None:
    cluster.faults.delay(0.4, PODS)
    begin = time.monotonic()
    assert client.answer("GET", PODS)[0] == 200
    assert time.monotonic() - begin >= 0.4


def watching(client: Client, **more: str) -> urllib3.BaseHTTPResponse:
    query = "&".join(f"{name}={value}" for name, value in {"watch": "1", **more}.items())
    return client.request("GET", f"{PODS}?{query}")


def test_watches_can_be_dropped(cluster: Cluster, client: Client) -> None:
    version = client.get(PODS)["metadata"]["resourceVersion"]
    response = watching(client, resourceVersion=version)
    assert response.status == 200
    cluster.faults.drop_watches()
    assert response.read() == b""
    response.close()


def test_a_watch_from_a_forgotten_version_is_gone(cluster: Cluster, client: Client) -> None:
    version = client.get(PODS)["metadata"]["resourceVersion"]
    cluster.world.storage.forget()
    response = watching(client, resourceVersion=version)
    event = decode(response.read().splitlines()[0])
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    response.close()


def test_the_server_goes_and_comes_back_on_its_port_with_what_it_held(cluster: Cluster, client: Client) -> None:
    before, url = len(client.get(PODS)["items"]), cluster.url
    response = watching(client)
    cluster.pause()
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.get(PODS)
    host, port = url.removeprefix("https://").split(":")
    with pytest.raises(OSError, match=r"."):
        socket.create_connection((host, int(port)), timeout=2)
    response.close()
    cluster.resume()
    assert cluster.url == url
    assert len(client.get(PODS)["items"]) == before


def test_an_expired_token_is_refused(cluster: Cluster) -> None:
    client = Client(cluster)
    cluster.expire()
    assert client.answer("GET", PODS)[1]["message"] == "Unauthorized"
    client.close()
    fresh = Client(cluster)
    assert fresh.answer("GET", PODS)[0] == 200
    fresh.close()


def test_a_client_that_says_nothing_keeps_nobody_out(cluster: Cluster, client: Client) -> None:
    host, port = cluster.url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        assert client.answer("GET", "/version")[0] == 200


def test_nobody_is_let_in_without_a_token(cluster: Cluster) -> None:
    client = Client(cluster)
    code, body = client.answer("GET", PODS, Authorization="")
    assert code == 403
    assert 'User "system:anonymous" cannot list resource "pods"' in body["message"]
    assert client.answer("GET", "/version", Authorization="")[0] == 200
    assert client.answer("GET", "/apis", Authorization="")[0] == 403
    assert client.answer("GET", PODS, Authorization="Bearer nonsense")[0] == 401
    client.close()


def test_a_hung_up_watch_leaves_no_thread(cluster: Cluster, client: Client) -> None:
    own = f"demo-api-{urlsplit(cluster.url).port}-"

    def serving() -> int:
        return sum(thread.name.startswith(own) for thread in threading.enumerate())

    settle(serving, lambda count: count == 0)
    response = watching(client)
    assert serving() == 1
    response.close()
    client.close()
    settle(serving, lambda count: count == 0)


def test_stopping_twice_is_harmless_and_leaves_no_thread() -> None:
    from opsmodal.demo.cluster import start

    cluster = start(example=False)
    cluster.create(pod("p", "sleep", "9"))
    cluster.stop()
    cluster.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "demo-life" and not thread.daemon]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "words"),
    [
        ("GET", "/nothing", None, 404, "could not find the requested resource"),
        ("GET", "/api/v1/nothings", None, 404, "could not find the requested resource"),
        ("GET", f"{PODS}/x/nothing", None, 404, "could not find the requested resource"),
        ("PUT", PODS, {}, 405, "does not allow this method"),
        ("POST", PODS, [1], 400, "unrecognized"),
        ("POST", PODS, {"kind": "Secret", "apiVersion": "v1"}, 400, "cannot be handled as a Pod"),
        ("POST", PODS, {"metadata": {"name": "UP"}}, 422, "RFC 1123 subdomain"),
        ("POST", PODS, {"metadata": {"name": "x"}, "spec": {}}, 422, 'Pod "x" is invalid: spec.containers: Required'),
        ("GET", f"{PODS}?limit=x", None, 400, "invalid syntax"),
        ("GET", f"{PODS}?watch=1&resourceVersion=x", None, 400, "resourceVersion: Invalid value"),
        ("GET", f"{PODS}/db-0/log?tailLines=-1", None, 422, "must be greater than or equal to 0"),
        ("GET", f"{PODS}/db-0/exec?command=true", None, 400, "Upgrade request required"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    client: Client, method: str, path: str, body: object, code: int, words: str
) -> None:
    found, answer = client.answer(method, path, body)
    assert (found, answer["kind"], answer["status"]) == (code, "Status", "Failure")
    assert words in answer["message"]


def test_a_stale_update_is_a_conflict(client: Client) -> None:
    path = "/api/v1/namespaces/shop/configmaps/web-settings"
    held = client.get(path)
    assert client.answer("PUT", path, held | {"data": {"A": "1"}})[0] == 200
    code, body = client.answer("PUT", path, held | {"data": {"A": "2"}})
    assert (code, body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in body["message"]


def test_a_page_after_a_compaction_is_gone_and_says_how_to_go_on(cluster: Cluster, client: Client) -> None:
    first = client.get(f"{PODS}?limit=1")
    cluster.world.storage.forget()
    code, body = client.answer("GET", f"{PODS}?limit=1&continue={first['metadata']['continue']}")
    assert (code, body["reason"]) == (410, "Expired")
    rest = client.get(f"{PODS}?continue={body['metadata']['continue']}")
    assert len(rest["items"]) == len(client.get(PODS)["items"]) - 1


def test_a_quiet_watch_is_told_how_far_it_has_come() -> None:
    started = start(example=False, bookmark_s=0.2)
    other = Client(started)
    version = other.get("/api/v1/secrets")["metadata"]["resourceVersion"]
    path = f"/api/v1/secrets?watch=1&allowWatchBookmarks=1&timeoutSeconds=2&resourceVersion={version}"
    started.create(pod("elsewhere", "sleep", "9"))
    frames = [decode(line) for line in other.request("GET", path).read().splitlines()]
    other.close()
    started.stop()
    assert {frame["type"] for frame in frames} == {"BOOKMARK"}
    assert int(frames[-1]["object"]["metadata"]["resourceVersion"]) > int(version)
