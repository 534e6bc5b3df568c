"""An API server that lies about types: every read says what is wrong with which object, or leaves that one out.

What a simulated cluster answers is recorded once. Then one value in one answer is replaced by another type, and all
that the facets read goes through it: nothing but a RuntimeProblem may come out, and it names what is broken.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.direct import Direct
from opsmodal.demo import example
from opsmodal.demo.cluster import start
from runtimes.base import Resources, Scope, Snapshot
from runtimes.changes import Restart, Rollback, SetAutoscaler, SetImage, SetReplicas, SetResources, SetStrategy
from runtimes.domains import DomainChange
from runtimes.errors import Conflict, Malformed, Missing, RuntimeProblem
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.written import Written
from runtimes.kubernetes.config.facet import NamespaceConfig
from runtimes.kubernetes.debugging.facet import PodDebugging
from runtimes.kubernetes.deployment.facet import WorkloadDeployment
from runtimes.kubernetes.domains.facet import ClusterDomains
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.open import open_kubernetes
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.upkeep.facet import ClusterUpkeep, UpkeepSettings
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.upkeep import Cleanup

SCOPE = Scope(service="shop", namespace="shop", selector="app.kubernetes.io/part-of=shop")
NEVER_KEPT_S = 1e9
Question = tuple[str, str, str]

NIGHTLY: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "nightly", "namespace": "shop"},
    "spec": {
        "schedule": "30 23 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "metadata": {"labels": {example.PART_OF: "shop"}},
                    "spec": {"containers": [{"name": "job", "image": "busybox:1.36"}], "restartPolicy": "Never"},
                }
            }
        },
    },
}
SCALER: dict[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }
        ],
    },
}
ROUTE: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "route", "namespace": "shop"},
    "spec": {
        "parentRefs": [{"name": "edge"}],
        "hostnames": ["route.example.com"],
        "rules": [{"backendRefs": [{"name": "web", "port": 8080}]}],
    },
}


class Replayed(Client):
    """Answers what was recorded of a cluster, with one of it spoiled; asks `source` for what is not recorded yet."""

    def __init__(self, source: Client | None) -> None:
        self.server = "replay:443"
        self.written = Written()
        self.source = source
        self.known: dict[Question, bytes | RuntimeProblem] = {}
        self.spoiled: dict[Question, bytes] = {}
        self.reading = ""
        self.asked: dict[Question, set[str]] = {}
        """Which reads asked each question."""
        self._runtime = "replay"
        self._standing = None

    def _read(self, asked: Asked, path: str, query: Mapping[str, object], accept: str) -> bytearray:
        return self._replay(asked, path, query, lambda source: source._read(asked, path, cast(Any, query), accept))

    def _sent(self, asked: Asked, path: str, body: bytes, *, query: Any = None, media: str = "") -> bytearray:
        assert "dryRun" in (query or {}), "nothing but dry runs is tried"
        return self._replay(
            asked, path, query or {}, lambda source: source._sent(asked, path, body, query=query, media=media)
        )

    def stream(self, *asked: Any, **more: Any) -> Any:
        raise AssertionError("nothing is watched here")

    def _replay(
        self, asked: Asked, path: str, query: Mapping[str, object], ask: Callable[[Client], bytearray]
    ) -> bytearray:
        question = (asked.method, path, json.dumps(dict(query), sort_keys=True, default=str))
        self.asked.setdefault(question, set()).add(self.reading)
        if question not in self.known and self.source is not None:
            try:
                self.known[question] = bytes(ask(self.source))
            except RuntimeProblem as problem:
                self.known[question] = problem
        found = self.spoiled.get(question) or self.known.get(question) or RuntimeProblem("It was never asked for.")
        if isinstance(found, RuntimeProblem):
            raise found
        return bytearray(found)


class Facets:
    """The facets over recorded answers, and everything that is read of them."""

    def __init__(self, client: Replayed) -> None:
        self.client = client
        self.together = Together("replay")
        kept = KeptLists(client, "replay", worth_s=NEVER_KEPT_S)
        live = cast(LivePods, SimpleNamespace(whole=self._pods, read=self._pods))
        self.deployment = WorkloadDeployment(client, self.together, live, kept)
        self.config = NamespaceConfig(client)
        self.kept, self.live = kept, live
        self.debugging = PodDebugging(client, live, kept)

    def _pods(self, scope: Scope) -> Snapshot[HeldPod]:
        items = self.client.listed(f"/api/v1/namespaces/{scope.namespace}/pods", HeldPod, what="pods")
        return Snapshot(items=tuple(items), as_of=datetime.now(UTC))

    def reads(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Name every read, and every plan, which reads and tries."""
        deployed, config = self.deployment, self.config
        # Made anew: what they remember of the last answers is not what is looked at.
        domains = ClusterDomains(self.client, self.together, self.live, self.kept)
        upkeep = ClusterUpkeep(self.client, UpkeepSettings())
        yield "workloads", lambda: deployed.list(SCOPE)
        for each in ("deployment.web", "statefulset.db", "cronjob.nightly"):
            yield f"get {each}", lambda each=each: deployed.get(SCOPE, each)
            yield f"revisions {each}", lambda each=each: deployed.revisions(SCOPE, each)
            yield f"manifest {each}", lambda each=each: deployed.manifest(SCOPE, each)
            yield f"progress {each}", lambda each=each: deployed.progress(SCOPE, each)
        for change in (
            SetReplicas(workload="deployment.web", replicas=2),
            Restart(workload="statefulset.db"),
            SetImage(workload="deployment.web", image="example.com/a:1", container="web"),
            SetResources(workload="deployment.web", container="web", resources=Resources(cpu_limit_cores=0.5)),
            SetStrategy(workload="deployment.web", kind="Recreate"),
            SetAutoscaler(workload="statefulset.db", minimum=2, maximum=4),
            Rollback(workload="deployment.web", revision=1),
        ):
            yield f"plan {type(change).__name__}", lambda change=change: deployed.plan(SCOPE, change)
        yield "config", lambda: config.list(SCOPE)
        yield "configmap", lambda: config.get(SCOPE, "configmaps", "web-settings")
        yield "secret", lambda: config.get(SCOPE, "secrets", "db-credentials")
        yield "certificate", lambda: config.get(SCOPE, "secrets", "shop-tls")
        yield "domains", lambda: domains.list(SCOPE)
        change = DomainChange(host="new.example.com", backend="web", port="8080")
        yield "plan domain", lambda: domains.plan(SCOPE, change)
        yield "debug pods", lambda: self.debugging.list(SCOPE)
        yield "metrics server", lambda: upkeep.metrics_server(SCOPE, diagnose=True)
        yield "nodes", lambda: upkeep.nodes(SCOPE)
        yield "plan cleanup", lambda: upkeep.plan_cleanup(SCOPE, Cleanup(image="", node=""))


@pytest.fixture(scope="module")
def facets() -> Iterator[Facets]:
    cluster = start()
    for manifest in (NIGHTLY, SCALER, ROUTE):
        cluster.create(manifest)
    runtime = open_kubernetes("replay", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    client = Replayed(cast(Any, runtime.config)._client)
    made = Facets(client)
    for name, read in made.reads():
        client.reading = name
        with contextlib.suppress(Missing, Conflict):  # there is no revision to go back to
            read()
    client.source = None
    runtime.close()
    cluster.stop()
    yield made
    made.together.close()


UNREAD = (("managedFields",),)
"""What takes up most of a document, and is read by nobody."""
OTHER_TYPES = st.sampled_from([None, 7, -1, True, "a word", "", [], [7], ["a"], {}, {"a": 7}, [{}], [None], 1.5])


def places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the places of all values inside a document."""
    if at:
        yield at
    if at[-1:] in UNREAD:
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*at, key))


def spoilt(body: bytes, at: tuple[str | int, ...], other: object) -> bytes:
    document = json.loads(body)
    here = document
    for step in at[:-1]:
        here = here[step]
    here[at[-1]] = other
    return json.dumps(document).encode()


@given(data=st.data())
def test_no_spoiled_field_is_answered_with_anything_but_a_problem(facets: Facets, data: st.DataObject) -> None:
    bodies = {question: body for question, body in facets.client.known.items() if isinstance(body, bytes)}
    question = data.draw(st.sampled_from(sorted(bodies)), label="question")
    at = data.draw(st.sampled_from(list(places(json.loads(bodies[question])))), label="at")
    facets.client.spoiled = {question: spoilt(bodies[question], at, data.draw(OTHER_TYPES, label="other"))}
    try:
        for name, read in facets.reads():
            if name not in facets.client.asked[question]:
                continue
            with contextlib.suppress(RuntimeProblem):
                read()
    finally:
        facets.client.spoiled = {}


def listed(facets: Facets, path: str, name: str, at: tuple[str | int, ...], other: object) -> None:
    """Spoil one object of a list."""
    question = next(q for q in facets.client.known if q[1].endswith(path) and '"labelSelector"' not in q[2])
    body = cast(bytes, facets.client.known[question])
    number = next(n for n, each in enumerate(json.loads(body)["items"]) if each["metadata"]["name"] == name)
    facets.client.spoiled = {question: spoilt(body, ("items", number, *at), other)}


@pytest.mark.parametrize(
    ("path", "name", "at", "other", "read", "words"),
    [
        ("/cronjobs", "nightly", ("spec", "schedule"), 7, "workloads", "nightly among the cronjobs is left out"),
        ("/deployments", "web", ("status", "conditions"), "x", "workloads", "web among the deployments is left out"),
        ("/statefulsets", "db", ("spec",), None, "workloads", "db among the statefulsets is left out"),
        ("/horizontalpodautoscalers", "db", ("spec",), [], "workloads", "db among the autoscalers is left out"),
        ("/configmaps", "web-settings", ("data",), ["a"], "config", "web-settings among the configmaps is left out"),
        ("/secrets", "db-credentials", ("type",), 7, "config", "db-credentials among the secrets is left out"),
        ("/ingresses", "web", ("spec", "rules"), {}, "domains", "Ingress web cannot be read: in spec.rules"),
        ("/services", "web", ("spec", "ports"), "8080", "domains", "web among the services is left out"),
    ],
)
def test_one_broken_object_takes_no_list_away(
    facets: Facets, path: str, name: str, at: tuple[str, ...], other: object, read: str, words: str
) -> None:
    listed(facets, path, name, at, other)
    try:
        found = cast(Any, dict(facets.reads())[read]())
    finally:
        facets.client.spoiled = {}
    (note,) = [each for each in found.notes if words in each]
    assert at[-1] in note, "it says which field"
    assert re.search(r"expected `\w+(?: \| null)?`, got `\w+`", note), note
    assert name not in {each.name for each in found.items if read != "domains" and path != "/horizontalpodautoscalers"}


@pytest.mark.parametrize(
    ("path", "at", "other", "read", "words"),
    [
        (
            "/deployments/web",
            ("spec", "replicas"),
            "three",
            "get deployment.web",
            "Deployment web cannot be read: in spec",
        ),
        ("/cronjobs/nightly", ("spec", "schedule"), 7, "manifest cronjob.nightly", "in spec.schedule"),
        ("/deployments/web", ("metadata", "annotations"), [], "plan SetReplicas", "in metadata.annotations"),
        ("/configmaps/web-settings", ("data",), "x", "configmap", "ConfigMap web-settings cannot be read: in data"),
        ("/secrets/db-credentials", ("data", "password"), 7, "secret", "Secret db-credentials cannot be read: in data"),
    ],
)
def test_one_that_is_asked_for_is_named_with_what_is_wrong(
    facets: Facets, path: str, at: tuple[str, ...], other: object, read: str, words: str
) -> None:
    question = next(q for q in facets.client.known if q[0] == "GET" and q[1].endswith(path))
    facets.client.spoiled = {question: spoilt(cast(bytes, facets.client.known[question]), at, other)}
    try:
        with pytest.raises(Malformed) as raised:
            dict(facets.reads())[read]()
    finally:
        facets.client.spoiled = {}
    assert words in raised.value.sentence
    assert raised.value.hint


def test_an_autoscaler_that_cannot_be_read_unlocks_nothing(facets: Facets) -> None:
    """What is only shown may leave one out; what a change is decided by may not."""
    listed(facets, "/horizontalpodautoscalers", "db", ("spec",), [])
    try:
        with pytest.raises(Malformed, match="db among the autoscalers cannot be read"):
            facets.deployment.plan(SCOPE, SetReplicas(workload="statefulset.db", replicas=2))
    finally:
        facets.client.spoiled = {}


def test_no_value_is_quoted_of_what_is_broken(facets: Facets) -> None:
    listed(facets, "/secrets", "db-credentials", ("data",), "c2VjcmV0LXZhbHVl")
    try:
        found = facets.config.list(SCOPE)
    finally:
        facets.client.spoiled = {}
    assert "c2VjcmV0" not in str(found)


def test_one_that_is_nested_without_end_is_a_problem_like_any_other() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    client = Replayed(None)
    question = ("GET", "/x", json.dumps({"continue": None, "limit": 500}, sort_keys=True))
    client.known[question] = b'{"items":[{"metadata":{"name":"a","labels":%b}}]}' % deep
    for lenient in (True, False):
        with pytest.raises(Malformed):
            client.listed("/x", HeldPod, what="pods", lenient=lenient)
