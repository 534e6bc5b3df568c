"""Events of a shared namespace reach the services they are about, also of what is gone, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.direct import Direct
from opsmodal.demo.cluster import Cluster
from runtimes.base import Runtime, Scope
from runtimes.errors import Invalid
from runtimes.history import Report
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.history.owners import Owners
from runtimes.kubernetes.objects.neighbours import ObjectReference
from runtimes.kubernetes.open import open_kubernetes

WHOLE = Scope(service="whole", namespace="shop")
WEB = Scope(service="web", namespace="shop", selector="app.kubernetes.io/component=web")
DB = Scope(service="db", namespace="shop", selector="app.kubernetes.io/component=db")


@pytest.fixture
def runtime(simulated_cluster: Cluster) -> Iterator[Runtime]:
    opened = open_kubernetes("demo", kubeconfig=simulated_cluster.kubeconfig(), context=None, connection=Direct())
    yield opened
    opened.close()


@pytest.fixture
def owners(runtime: Runtime) -> Owners:
    assert runtime.history is not None
    made = Owners(runtime.history._client, [WHOLE, WEB, DB])  # type: ignore[attr-defined]
    made.learn()
    return made


def test_every_event_of_a_namespace_is_told_to_whom_it_concerns(runtime: Runtime) -> None:
    assert runtime.history is not None
    told: list[Report] = []
    stream = runtime.history.events([WHOLE, WEB, DB])
    for report in stream:
        told.append(report)
        if len([one for one in told if one.service == "whole"]) >= 18:
            break
    stream.close()
    of = {service: {one.subject for one in told if one.service == service} for service in ("whole", "web", "db")}
    assert {subject.partition("/")[2].partition("-")[0] for subject in of["web"]} == {"web"}
    assert of["db"] <= {"pod/db-0", "statefulset/db"}
    assert "pod/db-0" in of["db"]
    assert of["web"] | of["db"] <= of["whole"]


@pytest.mark.parametrize(
    ("kind", "name", "services"),
    [
        ("Deployment", "web", ("whole", "web")),
        ("Pod", "db-0", ("whole", "db")),
        ("Pod", "web-7c9f5d6b8-gone1", ("whole", "web")),
        ("HorizontalPodAutoscaler", "web", ("whole", "web")),
        ("Pod", "webbing-1", ("whole",)),
        ("Pod", "stranger", ("whole",)),
        ("ConfigMap", "../../secrets", ("whole",)),
    ],
)
def test_what_an_event_names_belongs_to_its_service(
    owners: Owners, kind: str, name: str, services: tuple[str, ...]
) -> None:
    assert owners.of(ObjectReference(kind=kind, name=name, namespace="shop")) == services


def test_the_longest_name_wins() -> None:
    owners = Owners(Client.__new__(Client), [WEB, DB])
    owners._names = {"web": {"web"}, "db": {"web-api"}}
    assert owners._by_name("web-api-7c9f-x") == ("db",)
    assert owners._by_name("web-7c9f-x") == ("web",)


def test_a_selector_that_is_none_is_refused_before_anything_is_asked(runtime: Runtime) -> None:
    assert runtime.history is not None
    with pytest.raises(Invalid):
        runtime.history.place(Scope(service="odd", namespace="shop", selector="=="))
