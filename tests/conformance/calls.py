"""Calls of client programs, with what every API server answers: played on the simulated cluster and on a real one.

Each takes a Room, an empty namespace of its own, and asserts. The clients are the Kubernetes Python client and, for the
newer protocol of exec that it does not speak, a plain WebSocket.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import websocket
from kubernetes import client
from kubernetes.client import ApiException
from kubernetes.stream import stream
from kubernetes.watch import Watch

from tests.conformance.stage import IMAGE

Call = Callable[["Room"], None]
CALLS: list[Call] = []
SETTLE_S = 40.0
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255


@dataclass(frozen=True)
class Room:
    """A namespace, and clients of the cluster that it is in."""

    api: client.ApiClient
    namespace: str

    @property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api)

    @property
    def apps(self) -> client.AppsV1Api:
        return client.AppsV1Api(self.api)

    def note(self, name: str, data: dict[str, str] | None = None, **labels: str) -> Any:
        body = {"metadata": {"name": name, "labels": labels}, "data": data or {}}
        return self.core.create_namespaced_config_map(self.namespace, body)

    def notes(self, **options: Any) -> Any:
        """List the ConfigMaps of the room that carry a label `room`; what the cluster itself puts there has none."""
        return self.core.list_namespaced_config_map(self.namespace, **{"label_selector": "room", **options})

    def pod(self, name: str, script: str = "exec sleep 3600", **spec: Any) -> None:
        container = {"name": "main", "image": IMAGE, "command": ["sh", "-c", script]}
        body = {
            "metadata": {"name": name},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1} | spec,
        }
        account = f"the account of {self.namespace}"
        settle(
            lambda: self.there(lambda: self.core.read_namespaced_service_account("default", self.namespace)), account
        )
        self.core.create_namespaced_pod(self.namespace, body)
        settle(lambda: self.core.read_namespaced_pod(name, self.namespace).status.phase != "Pending", f"{name} runs")

    @staticmethod
    def there(read: Callable[[], Any]) -> bool:
        try:
            read()
        except ApiException as refused:
            if refused.status == 404:
                return False
            raise
        return True

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask without the client's models; raise ApiException as they do. `Content_Type` names a header."""
        settings = self.api.configuration
        signed = {each["key"]: each["value"] for each in settings.auth_settings().values()}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.api.rest_client.pool_manager.request(
            method,
            settings.host + path,
            headers={"Content-Type": "application/json"} | signed | named,
            body=None if body is None else json.dumps(body),
            timeout=SETTLE_S,
            retries=False,
        )
        if answer.status >= 300:
            refusal = ApiException(status=answer.status)
            refusal.body = answer.data.decode()
            raise refusal
        return json.loads(answer.data)


def call(function: Call) -> Call:
    CALLS.append(function)
    return function


def settle(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {SETTLE_S:g} s"
        time.sleep(0.1)


def refused(status: int, reason: str, words: str, ask: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ApiException) as caught:
        ask()
    body = json.loads(caught.value.body)
    assert (caught.value.status, body["reason"]) == (status, reason), body
    assert words in body["message"], body["message"]
    return dict(body)


def names(listed: Any) -> list[str]:
    return [item.metadata.name for item in listed.items]


@call
def pages_show_the_list_as_it_was_at_the_first(room: Room) -> None:
    for number in range(7):
        room.note(f"n{number}", room="a")
    first = room.notes(limit=3)
    room.note("n1-between", room="a")
    room.note("n5-between", room="a")
    room.core.delete_namespaced_config_map("n4", room.namespace)
    room.core.patch_namespaced_config_map("n6", room.namespace, {"data": {"changed": "yes"}})
    second = room.notes(limit=3, _continue=first.metadata._continue)
    third = room.notes(limit=3, _continue=second.metadata._continue)
    assert names(first) + names(second) + names(third) == [f"n{number}" for number in range(7)]
    assert {page.metadata.resource_version for page in (second, third)} == {first.metadata.resource_version}
    assert not third.metadata._continue
    assert not third.items[0].data
    assert names(room.notes()) == ["n0", "n1", "n1-between", "n2", "n3", "n5", "n5-between", "n6"]


@call
def a_page_says_how_many_are_left_unless_it_selects(room: Room) -> None:
    body = {"metadata": {"generateName": "made-"}, "type": "example.com/x"}
    made = [room.core.create_namespaced_secret(room.namespace, body).metadata.name for _ in range(5)]
    assert all(name.startswith("made-") and len(name) == len("made-") + 5 for name in made)
    first = room.core.list_namespaced_secret(room.namespace, limit=2)
    assert first.metadata.remaining_item_count == 3
    assert room.core.list_namespaced_secret(room.namespace, limit=5).metadata.remaining_item_count is None
    selected = room.core.list_namespaced_secret(room.namespace, limit=2, label_selector="!no")
    assert selected.metadata.remaining_item_count is None
    assert selected.metadata._continue


@call
def a_token_that_is_none_is_refused(room: Room) -> None:
    refused(400, "BadRequest", "continue key is not valid", lambda: room.notes(limit=1, _continue="nonsense"))


@call
def an_exact_version_is_shown_as_it_was(room: Room) -> None:
    room.note("old", room="a")
    version = room.notes().metadata.resource_version
    room.note("young", room="a")
    exact = room.notes(resource_version=version, resource_version_match="Exact")
    assert (names(exact), exact.metadata.resource_version) == (["old"], version)
    assert names(room.notes(resource_version=version, resource_version_match="NotOlderThan")) == ["old", "young"]


@call
def options_that_contradict_are_refused(room: Room) -> None:
    words = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    refused(422, "Invalid", words, lambda: room.notes(resource_version_match="Exact"))
    words = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    refused(422, "Invalid", words, lambda: room.notes(resource_version="0", resource_version_match="Exact"))
    words = 'Unsupported value: "Nonsense": supported values: "Exact", "NotOlderThan", ""'
    refused(422, "Invalid", words, lambda: room.notes(resource_version="1", resource_version_match="Nonsense"))


@call
def a_version_that_is_not_reached_is_refused(room: Room) -> None:
    version = str(int(room.notes().metadata.resource_version) + 10**6)
    body = refused(504, "Timeout", "Too large resource version", lambda: room.notes(resource_version=version))
    assert body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert body["details"]["retryAfterSeconds"] >= 1


def events(room: Room, count: int, **options: Any) -> Iterator[Any]:
    watch = Watch()
    wanted = {"label_selector": "room", "timeout_seconds": 20} | options
    for seen, event in enumerate(watch.stream(room.core.list_namespaced_config_map, room.namespace, **wanted), 1):
        yield event
        if seen == count:
            watch.stop()


@call
def a_watch_tells_what_happened_since_its_version(room: Room) -> None:
    version = room.notes().metadata.resource_version
    room.note("seen", room="a")
    room.core.patch_namespaced_config_map("seen", room.namespace, {"data": {"a": "b"}})
    room.core.delete_namespaced_config_map("seen", room.namespace)
    room.note("unseen")
    told = list(events(room, 3, resource_version=version))
    assert [event["type"] for event in told] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"].metadata.resource_version) for event in told]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


@call
def objects_enter_and_leave_a_watch_that_selects(room: Room) -> None:
    version = room.notes().metadata.resource_version
    room.note("moves")
    for label in ("in", None, "again"):
        room.core.patch_namespaced_config_map("moves", room.namespace, {"metadata": {"labels": {"room": label}}})
    told = [event["type"] for event in events(room, 3, resource_version=version)]
    assert told == ["ADDED", "DELETED", "ADDED"]


@call
def a_watch_from_a_version_long_gone_is_an_error_410(room: Room) -> None:
    with pytest.raises(ApiException) as caught:
        list(events(room, 1, resource_version="1"))
    assert caught.value.status == 410
    assert "too old resource version: 1 (" in str(caught.value.reason)


@call
def a_watch_can_begin_with_what_there_is(room: Room) -> None:
    room.note("a", room="a")
    room.note("b", room="b")
    options: dict[str, Any] = {"send_initial_events": True, "resource_version_match": "NotOlderThan"}
    told = list(events(room, 3, allow_watch_bookmarks=True, **options))
    assert [event["type"] for event in told] == ["ADDED", "ADDED", "BOOKMARK"]
    end = told[2]["raw_object"]["metadata"]
    assert end["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(end["resourceVersion"]) >= int(told[1]["object"].metadata.resource_version)
    words = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    refused(422, "Invalid", words, lambda: list(events(room, 1, send_initial_events=True)))


@call
def each_kind_of_patch_does_its_own(room: Room) -> None:
    container = {"name": "main", "image": "example.com/x:1"}
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container, container | {"name": "side"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    room.apps.create_namespaced_deployment(room.namespace, {"metadata": {"name": "x"}, "spec": spec})
    change = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "example.com/x:2"}]}}}}

    def images(body: Any, kind: str) -> list[str]:
        path = f"/apis/apps/v1/namespaces/{room.namespace}/deployments/x"
        done = room.raw("PATCH", path, body, Content_Type=f"application/{kind}+json")
        return [each["image"] for each in done["spec"]["template"]["spec"]["containers"]]

    assert images(change, "strategic-merge-patch") == ["example.com/x:1", "example.com/x:2"]
    step = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.com/x:3"}
    assert images([step], "json-patch") == ["example.com/x:3", "example.com/x:2"]
    assert images(change, "merge-patch") == ["example.com/x:2"]
    refused(415, "UnsupportedMediaType", "", lambda: images(change, "nonsense"))


@call
def a_stale_replacement_is_a_conflict(room: Room) -> None:
    held = room.note("held", {"a": "1"})
    room.core.patch_namespaced_config_map("held", room.namespace, {"data": {"a": "2"}})
    held.data = {"a": "3"}
    words = 'Operation cannot be fulfilled on configmaps "held": the object has been modified'
    refused(409, "Conflict", words, lambda: room.core.replace_namespaced_config_map("held", room.namespace, held))
    held.metadata.resource_version = None
    assert room.core.replace_namespaced_config_map("held", room.namespace, held).data == {"a": "3"}


@call
def a_name_is_given_once(room: Room) -> None:
    room.note("one")
    body = refused(409, "AlreadyExists", 'configmaps "one" already exists', lambda: room.note("one"))
    assert body["details"] == {"name": "one", "kind": "configmaps"}


@call
def preconditions_hold_a_deletion_back(room: Room) -> None:
    room.note("kept")

    def delete(**conditions: str) -> Any:
        return room.core.delete_namespaced_config_map("kept", room.namespace, body={"preconditions": conditions})

    words = 'Operation cannot be fulfilled on ConfigMap "kept": the UID in the precondition (nobody) does not match'
    refused(409, "Conflict", words, lambda: delete(uid="nobody"))
    words = "the ResourceVersion in the precondition (1) does not match"
    refused(409, "Conflict", words, lambda: delete(resourceVersion="1"))
    uid = room.core.read_namespaced_config_map("kept", room.namespace).metadata.uid
    delete(uid=uid)
    assert not room.there(lambda: room.core.read_namespaced_config_map("kept", room.namespace))


@call
def a_dry_run_keeps_nothing(room: Room) -> None:
    body = {"metadata": {"name": "dry"}, "data": {"a": "1"}}
    assert room.core.create_namespaced_config_map(room.namespace, body, dry_run="All").metadata.uid
    refused(404, "NotFound", "not found", lambda: room.core.read_namespaced_config_map("dry", room.namespace))
    room.note("wet", {"a": "1"})
    patched = room.core.patch_namespaced_config_map("wet", room.namespace, {"data": {"a": "2"}}, dry_run="All")
    assert patched.data == {"a": "2"}
    room.core.delete_namespaced_config_map("wet", room.namespace, dry_run="All")
    assert room.core.read_namespaced_config_map("wet", room.namespace).data == {"a": "1"}
    nonsense = {"dry_run": "Nonsense"}
    words = 'dryRun: Unsupported value: ["Nonsense"]: supported values: "All"'
    refused(422, "Invalid", words, lambda: room.core.create_namespaced_config_map(room.namespace, body, **nonsense))


@call
def a_collection_is_deleted_by_label(room: Room) -> None:
    for number in range(3):
        room.note(f"n{number}", room="a" if number else "b")
    room.core.delete_collection_namespaced_config_map(room.namespace, label_selector="room=a")
    assert names(room.notes()) == ["n0"]


@call
def a_finalizer_holds_what_was_deleted(room: Room) -> None:
    body = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    room.core.create_namespaced_config_map(room.namespace, body)
    room.core.delete_namespaced_config_map("held", room.namespace)
    held = room.core.read_namespaced_config_map("held", room.namespace)
    assert held.metadata.deletion_timestamp
    room.core.patch_namespaced_config_map("held", room.namespace, {"metadata": {"finalizers": None}})
    assert not room.there(lambda: room.core.read_namespaced_config_map("held", room.namespace))


@call
def an_unknown_field_is_refused_when_asked_for(room: Room) -> None:
    body = {"metadata": {"name": "x"}, "dta": {"a": "1"}}
    path = f"/api/v1/namespaces/{room.namespace}/configmaps?fieldValidation="
    words = 'strict decoding error: unknown field "dta"'
    refused(400, "BadRequest", words, lambda: room.raw("POST", f"{path}Strict", body))
    assert "data" not in room.raw("POST", f"{path}Ignore", body)


@call
def tables_and_bare_metadata_can_be_asked_for(room: Room) -> None:
    room.note("n", {"a": "1"}, room="a")
    path = f"/api/v1/namespaces/{room.namespace}/configmaps?labelSelector=room"
    table = room.raw("GET", path, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["n", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    bare = room.raw("GET", path, Accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    assert bare["kind"] == "PartialObjectMetadataList"
    assert "data" not in bare["items"][0]


@call
def an_account_gets_a_token_that_says_who_it_is(room: Room) -> None:
    room.core.create_namespaced_service_account(room.namespace, {"metadata": {"name": "robot"}})
    asked = {"spec": {"expirationSeconds": 600}}
    given = room.core.create_namespaced_service_account_token("robot", room.namespace, asked)
    assert given.status.token.count(".") == 2
    settings = client.Configuration()
    settings.host, settings.ssl_ca_cert = room.api.configuration.host, room.api.configuration.ssl_ca_cert
    settings.api_key["authorization"] = f"Bearer {given.status.token}"
    with client.ApiClient(settings) as robot:
        review = client.AuthenticationV1Api(robot).create_self_subject_review({})
        rules = {"spec": {"namespace": room.namespace}}
        told = client.AuthorizationV1Api(robot).create_self_subject_rules_review(rules).status
        other = Room(robot, room.namespace)
        refused(403, "Forbidden", "cannot list resource", other.notes)
    assert review.status.user_info.username == f"system:serviceaccount:{room.namespace}:robot"
    assert f"system:serviceaccounts:{room.namespace}" in review.status.user_info.groups
    assert ["selfsubjectreviews"] in [rule.resources for rule in told.resource_rules]


@call
def somebody_elses_rights_can_be_asked_for(room: Room) -> None:
    attributes = {"namespace": room.namespace, "verb": "list", "resource": "pods"}
    asked = {"spec": {"user": "nobody", "resourceAttributes": attributes}}
    reviews = client.AuthorizationV1Api(room.api)
    assert reviews.create_subject_access_review(asked).status.allowed is False
    masters = {"spec": asked["spec"] | {"groups": ["system:masters"]}}
    assert reviews.create_namespaced_local_subject_access_review(room.namespace, masters).status.allowed is True


@call
def the_scale_of_a_deployment_is_its_own(room: Room) -> None:
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "example.com/x:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, "paused": True}
    room.apps.create_namespaced_deployment(room.namespace, {"metadata": {"name": "x"}, "spec": spec})
    scale = room.apps.read_namespaced_deployment_scale("x", room.namespace)
    assert (scale.spec.replicas or 0, scale.status.selector) == (0, "app=x")
    scaled = room.apps.patch_namespaced_deployment_scale("x", room.namespace, {"spec": {"replicas": 2}})
    assert scaled.spec.replicas == 2
    assert room.apps.read_namespaced_deployment("x", room.namespace).spec.replicas == 2


@call
def a_pod_is_evicted(room: Room) -> None:
    room.pod("goes")
    room.core.create_namespaced_pod_eviction("goes", room.namespace, {"metadata": {"name": "goes"}})
    settle(lambda: not room.there(lambda: room.core.read_namespaced_pod("goes", room.namespace)), "goes is gone")


@call
def a_log_is_read_and_followed(room: Room) -> None:
    room.pod("talks", "echo one; echo two; sleep 2; echo three", restartPolicy="Never")
    read = room.core.read_namespaced_pod_log
    settle(lambda: "two" in read("talks", room.namespace), "two lines")
    assert read("talks", room.namespace, tail_lines=1).splitlines()[-1] in ("two", "three")
    followed = read("talks", room.namespace, follow=True, _preload_content=False)
    assert b"".join(followed.stream()) == b"one\ntwo\nthree\n"


@call
def a_command_is_run_over_the_fourth_protocol(room: Room) -> None:
    room.pod("box")
    command = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    options = {"stderr": True, "stdin": False, "stdout": True, "tty": False, "_preload_content": False}
    run = room.core.connect_get_namespaced_pod_exec
    session = stream(run, "box", room.namespace, command=command, **options)
    session.run_forever(timeout=20)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 3)
    session.close()
    session.sock.shutdown()  # the client leaves its socket open where the server said good-bye first


@call
def the_end_of_input_is_told_over_the_fifth_protocol(room: Room) -> None:
    room.pod("box")
    query = urlencode({"command": "cat", "stdin": "true", "stdout": "true", "stderr": "true"})
    settings = room.api.configuration
    url = f"{settings.host.replace('https', 'wss')}/api/v1/namespaces/{room.namespace}/pods/box/exec?{query}"
    line = websocket.create_connection(
        url,
        header={each["key"]: each["value"] for each in settings.auth_settings().values()},
        suppress_origin=True,
        subprotocols=["v5.channel.k8s.io", "v4.channel.k8s.io"],
        sslopt={"ca_certs": settings.ssl_ca_cert, "cert_reqs": ssl.CERT_REQUIRED},
        timeout=20,
    )
    try:
        assert line.getsubprotocol() == "v5.channel.k8s.io"
        line.send_binary(bytes([STDIN]) + b"typed\n")
        line.send_binary(bytes([CLOSE, STDIN]))
        said: dict[int, bytes] = {}
        while STATUS not in said:
            frame = line.recv()
            assert isinstance(frame, bytes)
            if frame:
                said[frame[0]] = said.get(frame[0], b"") + frame[1:]
    finally:
        line.close()
    assert said[STDOUT] == b"typed\n"
    assert json.loads(said[STATUS])["status"] == "Success"


@call
def many_watches_see_one_change(room: Room) -> None:
    version = room.notes().metadata.resource_version
    told: list[str] = []

    def follow() -> None:
        told.extend(event["object"].metadata.name for event in events(room, 1, resource_version=version))

    threads = [threading.Thread(target=follow, name=f"watch-{number}") for number in range(5)]
    for thread in threads:
        thread.start()
    room.note("seen", room="a")
    for thread in threads:
        thread.join(SETTLE_S)
    assert told == ["seen"] * 5
