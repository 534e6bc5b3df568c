"""What is hit with pods that are deleted, out of recorded shapes of objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from runtimes.base import Scope
from runtimes.errors import Denied, Missing, RuntimeProblem, Unavailable
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.instances.blast import Around, PodBlast, maker, touched
from runtimes.kubernetes.objects.neighbours import HttpRoute, Ingress, ServiceObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.watching.live import LivePods

GONE = "2026-11-21T09:00:00Z"


def pod(
    name: str, *, owner: str = "", app: str = "web", ready: bool = True, gone: bool = False, volumes: Sequence[Any] = ()
) -> Pod:
    kind, _, made_by = owner.partition("/")
    metadata: dict[str, Any] = {"name": name, "uid": name, "namespace": "shop", "labels": {"app": app}}
    if kind == "Deployment":
        kind, made_by = "ReplicaSet", f"{made_by}-5d4f"
        metadata["labels"]["pod-template-hash"] = "5d4f"
    if owner:
        metadata["ownerReferences"] = [{"kind": kind, "name": made_by, "controller": True}]
    if gone:
        metadata["deletionTimestamp"] = GONE
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return msgspec.convert(
        {
            "metadata": metadata,
            "spec": {"volumes": list(volumes)},
            "status": {"phase": "Running", "conditions": conditions},
        },
        Pod,
        strict=False,
    )


def service(name: str = "web", **selector: str) -> ServiceObject:
    return msgspec.convert(
        {"metadata": {"name": name}, "spec": {"selector": selector or {"app": "web"}}}, ServiceObject, strict=False
    )


def ingress(host: str, path: str = "/", to: str = "web") -> Ingress:
    rule = {"host": host, "http": {"paths": [{"path": path, "backend": {"service": {"name": to}}}]}}
    return msgspec.convert({"spec": {"rules": [rule]}}, Ingress, strict=False)


def route(host: str, to: str = "web", **reference: str) -> HttpRoute:
    spec = {"hostnames": [host] if host else [], "rules": [{"backendRefs": [{"name": to, **reference}]}]}
    return msgspec.convert({"metadata": {"name": "r", "namespace": "shop"}, "spec": spec}, HttpRoute, strict=False)


DEPLOYED = "Deployment/web"
CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}
LOGS = {"name": "logs", "persistentVolumeClaim": {"claimName": "logs-db-0"}}


@pytest.mark.parametrize(
    ("doomed", "beside", "told"),
    [
        pytest.param([pod("a")], [], ["nothing makes a again"], id="bare"),
        pytest.param([pod("a", owner=DEPLOYED)], [pod("b", owner=DEPLOYED)], ["deployment web makes it again"], id="2"),
        pytest.param(
            [pod("a", owner=DEPLOYED)],
            [pod("b", owner=DEPLOYED, ready=False), pod("c", owner=DEPLOYED, gone=True), pod("d", owner="Job/x")],
            ["the last ready pod of deployment web", "deployment web makes it again"],
            id="last ready one",
        ),
        pytest.param(
            [pod("a", owner=DEPLOYED), pod("b", owner=DEPLOYED, ready=False)],
            [],
            ["2 pods, of which 1 is the last ready one of deployment web", "deployment web makes them again"],
            id="one of two",
        ),
        pytest.param(
            [pod("a", owner="StatefulSet/db"), pod("b", owner="StatefulSet/db")],
            [],
            ["2 pods, of which 2 are the last ready ones of statefulset db", "statefulset db makes them again"],
            id="both",
        ),
        pytest.param([pod("a", owner=DEPLOYED, ready=False)], [], ["deployment web makes it again"], id="not ready"),
        pytest.param([pod("a", owner="Job/x", ready=False)], [], [], id="a job may have had enough"),
    ],
)
def test_it_says_what_makes_them_again_and_what_is_left(doomed: list[Pod], beside: list[Pod], told: list[str]) -> None:
    assert list(touched(doomed, Around(pods=[*doomed, *beside]))) == told
    if not any("last ready" in words for words in told):
        return
    unknown = list(touched(doomed, Around(pods=None)))
    assert not any("last ready" in words for words in unknown), "what is not known is not said"


@pytest.mark.parametrize(
    ("volumes", "told"),
    [
        ([CLAIM], ["claim data-db-0 stays"]),
        ([CLAIM, LOGS], ["2 claims: data-db-0, logs-db-0 stay"]),
        ([{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}], ["claim a-scratch goes with it"]),
        ([{"name": "tmp", "emptyDir": {}}], ["what is in the scratch volume tmp is lost"]),
        ([{"name": "s", "secret": {"secretName": "x"}}], []),
    ],
)
def test_it_says_what_becomes_of_volumes(volumes: list[Any], told: list[str]) -> None:
    doomed = pod("a", volumes=volumes)
    assert list(touched([doomed], Around(pods=[doomed])))[1:] == told


@pytest.mark.parametrize(
    ("around", "told"),
    [
        ({"services": [service()]}, ["Kubernetes service web"]),
        ({"services": [service()], "ingresses": [ingress("shop.example.com")]}, ["shop.example.com"]),
        ({"services": [service()], "ingresses": [ingress("*", "/api")]}, ["every other host/api"]),
        ({"services": [service()], "ingresses": [ingress("x.example", to="other")]}, ["Kubernetes service web"]),
        ({"services": [service()], "routes": [route("api.example")]}, ["api.example"]),
        ({"services": [service()], "routes": [route("")]}, ["HTTP route r"]),
        ({"services": [service()], "routes": [route("api.example", namespace="else")]}, ["Kubernetes service web"]),
        ({"services": [service()], "routes": [route("api.example", kind="Bucket")]}, ["Kubernetes service web"]),
        ({"services": [service(app="db")], "ingresses": [ingress("shop.example.com")]}, []),
        ({"services": [msgspec.convert({"metadata": {"name": "web"}}, ServiceObject)]}, []),
    ],
)
def test_it_names_the_addresses_that_lose_their_last_ready_pod(around: dict[str, Any], told: list[str]) -> None:
    doomed, unready = pod("a", owner=DEPLOYED), pod("b", owner=DEPLOYED, ready=False)
    ends = " would have no ready pod behind it"
    found = [words for words in touched([doomed], Around(pods=[doomed, unready], **around)) if words.endswith(ends)]
    assert found == [f"{address}{ends}" for address in told]
    beside = Around(pods=[doomed, pod("c", owner=DEPLOYED)], **around)
    assert not any(words.endswith(ends) for words in touched([doomed], beside)), "another ready pod is left"
    assert not any(words.endswith(ends) for words in touched([unready], beside)), "it served nobody"


def test_a_replica_set_of_nobody_is_itself_the_maker() -> None:
    assert maker(pod("a", owner="ReplicaSet/old-1")) == ("ReplicaSet", "replicaset old-1")


class Refusing:
    """An API server that refuses some lists; it has one pod."""

    def __init__(self, refusals: dict[str, RuntimeProblem]) -> None:
        self._refusals = refusals

    def get(self, _path: str, _kind: type[Pod], **_: Any) -> Pod:
        return pod("a", owner=DEPLOYED)

    def listed(self, _path: str, _kind: type[Any], *, what: str) -> list[Any]:
        if what in self._refusals:
            raise self._refusals[what]
        return []

    def whole(self, _scope: Scope) -> Any:
        if "pods" in self._refusals:
            raise self._refusals["pods"]
        return type("Snapshot", (), {"items": (pod("a", owner=DEPLOYED),)})


@pytest.mark.parametrize(
    ("refusals", "unknown"),
    [
        ({}, ()),
        ({"httproutes": Missing("The server has no httproutes.")}, ()),
        (
            {"ingresses": Denied("May not list ingresses."), "httproutes": Denied("No.")},
            (
                "could not be looked at: ingresses. May not list ingresses.",
                "could not be looked at: HTTP routes. No.",
            ),
        ),
        ({"pods": Unavailable("Silent.")}, ("could not be looked at: pods. Silent.",)),
    ],
)
def test_what_may_not_be_read_is_named_and_hides_nothing_else(
    refusals: dict[str, RuntimeProblem], unknown: tuple[str, ...]
) -> None:
    api, together = Refusing(refusals), Together("test")
    looking = PodBlast(cast(Client, api), together, cast(LivePods, api))
    found = looking.of(Scope(service="shop", namespace="shop"), ["a"])
    together.close()
    assert found.unknown == unknown
    assert "deployment web makes it again" in found.touched
