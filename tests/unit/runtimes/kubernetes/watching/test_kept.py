"""Lists that are kept by a watch: one list for all who ask, and never anything that a list would not say."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest
import urllib3

from connectors.direct import Direct
from opsmodal.demo.cluster import NARROW, Cluster
from runtimes.base import Scope
from runtimes.changes import SetReplicas
from runtimes.errors import Denied, Unavailable
from runtimes.kubernetes import open as opening
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.written import Written
from runtimes.kubernetes.domains import models as domains
from runtimes.kubernetes.login.access import Access
from runtimes.kubernetes.login.configuring import dialled, from_kubeconfig
from runtimes.kubernetes.login.kubeconfig import chosen
from runtimes.kubernetes.objects import neighbours
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.rights import needed
from runtimes.kubernetes.roles import Right
from runtimes.kubernetes.watching import pods, source
from runtimes.kubernetes.watching.kept import NEVER, KeptLists
from runtimes.kubernetes.workloads.summary import KINDS
from runtimes.watched import Pace

SPACE, OTHER = "team", "others"
DEPLOYMENTS = paths.collection(SPACE, "deployments")
FAST = Pace(backoff_first_s=0.01, backoff_max_s=0.1, idle_s=30.0)
LIST, WATCH = "list", "watch"
RUNTIME = "kept-lists"


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = 10.0) -> None:
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.01)


class Counting:
    """The way into a cluster, with what was sent over it by path and by list or watch."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.server = access.server
        self.sent: Counter[tuple[str, str]] = Counter()
        self.renew, self.lapsed, self.close = access.renew, access.lapsed, access.close

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        bare, _, query = path.partition("?")
        if method == "GET":
            self.sent[bare, WATCH if "watch=true" in query else LIST] += 1
        return self._access.request(method, path, **options)


class Asking:
    """What one identity asks of a cluster."""

    def __init__(self, kubeconfig: str, *, pace: Pace = FAST, worth_s: float = 0.0, **bounds: int) -> None:
        picked = chosen(kubeconfig, None, ())
        target = dialled(picked.cluster.server, Direct())
        self.way = Counting(Access(from_kubeconfig(picked, target, timeout_s=3), server=target.server))
        self.client = Client(self.way, runtime=RUNTIME, timeout_s=3)
        self.client.written = Written(settles_s=0.3)
        self.kept = KeptLists(self.client, RUNTIME, pace=pace, worth_s=worth_s, **bounds)

    def names(self, path: str = DEPLOYMENTS) -> list[str]:
        return [each.metadata.name for each in self.kept.listed(path, DeployedObject, what="deployments")]

    def sent(self, what: str, path: str = DEPLOYMENTS) -> int:
        return self.way.sent[path, what]

    def watched(self) -> None:
        """Return once the deployments are being watched."""
        self.names()
        eventually(lambda: self.sent(WATCH) > 0, "a watch")

    def close(self) -> None:
        self.kept.close()
        self.client.close()


@contextmanager
def asking(kubeconfig: str, *, pace: Pace = FAST, worth_s: float = 0.0, **bounds: int) -> Iterator[Asking]:
    made = Asking(kubeconfig, pace=pace, worth_s=worth_s, **bounds)
    try:
        yield made
    finally:
        made.close()
    assert not threads()


def threads() -> list[str]:
    """Name the threads of these lists; other tests of the same process have watches of their own."""
    return [each.name for each in threading.enumerate() if each.name.endswith(f" on {RUNTIME}")]


def deployment(cluster: Cluster, name: str, space: str = SPACE) -> None:
    labels = {"app": name}
    container = {"name": "web", "image": "busybox", "command": ["sh", "-c", "exec sleep 3600"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": space}
    cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


@pytest.fixture
def cluster(empty_cluster: Cluster) -> Cluster:
    for space in (SPACE, OTHER):
        empty_cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    deployment(empty_cluster, "one")
    return empty_cluster


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[Asking]:
    with asking(cluster.kubeconfig()) as made:
        yield made


def remove(asker: Asking, name: str) -> None:
    path = paths.single(SPACE, "deployments", name)
    uid = asker.client.get(path, OnlyMetadata, what=name).metadata.uid
    asker.client.delete(path, what=name, uid=uid, propagation="Background")


def test_all_who_ask_share_one_list_and_one_watch(admin: Asking) -> None:
    together = threading.Barrier(5)

    def ask() -> None:
        together.wait(5)
        for _ in range(20):
            assert admin.names() == ["one"]

    askers = [threading.Thread(target=ask, name="asker") for _ in range(5)]
    for each in askers:
        each.start()
    for each in askers:
        each.join(20)
    admin.watched()
    assert admin.way.sent == {(DEPLOYMENTS, LIST): 1, (DEPLOYMENTS, WATCH): 1}


def test_two_facets_that_read_other_parts_share_nothing_though_their_models_have_one_name(cluster: Cluster) -> None:
    path = paths.collection("default", "services")
    with asking(cluster.kubeconfig()) as admin:
        for kind in (neighbours.ServiceObject, domains.ServiceObject):
            assert kind.__name__ == "ServiceObject"
            assert {type(each) for each in admin.kept.listed(path, kind, what="services")} <= {kind}
        eventually(lambda: admin.sent(WATCH, path) == 2, "a watch for each")


def test_what_others_change_shows_without_another_list(cluster: Cluster, admin: Asking) -> None:
    admin.watched()
    deployment(cluster, "two")
    deployment(cluster, "elsewhere", OTHER)
    eventually(lambda: admin.names() == ["one", "two"], "the new one")
    with asking_once(cluster) as somebody:
        remove(somebody, "one")
    eventually(lambda: admin.names() == ["two"], "the old one gone")
    assert admin.sent(LIST) == 1


@contextmanager
def asking_once(cluster: Cluster) -> Iterator[Asking]:
    made = Asking(cluster.kubeconfig())
    try:
        yield made
    finally:
        made.close()


def test_what_we_have_just_changed_is_listed_anew(admin: Asking) -> None:
    """The watch is not waited for: a list that begins after the change has it."""
    admin.watched()
    remove(admin, "one")
    assert admin.names() == []
    assert admin.sent(LIST) == 2
    eventually(lambda: not admin.client.written.lately(DEPLOYMENTS), "settled")
    assert admin.names() == []
    assert admin.sent(LIST) == 2


def test_a_trial_run_is_no_change(admin: Asking) -> None:
    admin.watched()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tried"}}
    path = paths.collection(SPACE, "configmaps")
    admin.client.write("POST", path, OnlyMetadata, body, what="tried", query={"dryRun": "All"})
    assert not admin.client.written.lately(DEPLOYMENTS)
    admin.client.write("POST", path, OnlyMetadata, body, what="tried")
    assert admin.client.written.lately(DEPLOYMENTS)
    assert not admin.client.written.lately(paths.collection(OTHER, "deployments"))


def test_a_position_that_is_too_old_leads_to_a_new_list(cluster: Cluster, admin: Asking) -> None:
    admin.watched()
    cluster.faults.answer(410, DEPLOYMENTS, times=1)
    cluster.faults.drop_watches()
    deployment(cluster, "two")
    eventually(lambda: admin.sent(LIST) > 1, "a new list")
    eventually(lambda: admin.names() == ["one", "two"], "the new one")


def test_a_server_that_has_gone_is_told_of_as_lists_tell_of_it(cluster: Cluster, admin: Asking) -> None:
    """What is kept is no answer then: whoever asked keeps the last one, and says that it is old."""
    admin.watched()
    cluster.pause()

    def silent() -> bool:
        try:
            admin.names()
        except Unavailable:
            return True
        return False

    eventually(silent, "an error")
    cluster.resume()
    deployment(cluster, "two")

    def back() -> bool:
        return not silent() and admin.names() == ["one", "two"]

    eventually(back, "the list after the return")


def test_a_watch_alone_that_fails_leads_to_lists(cluster: Cluster, admin: Asking) -> None:
    admin.watched()
    with asking_once(cluster) as somebody:
        cluster.faults.drop_watches()
        cluster.faults.answer(500, DEPLOYMENTS)
        eventually(lambda: raises(admin), "no answer out of memory")
        cluster.faults.clear()
        deployment(cluster, "two")
        eventually(lambda: not raises(admin) and admin.names() == somebody.names() == ["one", "two"], "the truth")


def raises(asker: Asking) -> bool:
    try:
        asker.names()
    except Unavailable:
        return True
    return False


def test_one_identity_is_shown_nothing_that_another_one_reads(cluster: Cluster, admin: Asking) -> None:
    admin.watched()
    with asking_once(cluster) as other:
        other.close()
    narrow = Asking(cluster.kubeconfig(NARROW, namespace=OTHER))
    try:
        for _ in range(2):
            with pytest.raises(Denied):
                narrow.names()
        assert narrow.way.sent == {(DEPLOYMENTS, LIST): 2}
        assert narrow.kept.counts().collections == 0
    finally:
        narrow.close()


def test_who_may_list_and_not_watch_lists(cluster: Cluster) -> None:
    with asking(looker(cluster)) as asker:
        asker.watched()
        eventually(lambda: not asker.names() or asker.kept.counts().collections == 0, "given up")
        before = asker.sent(LIST), asker.sent(WATCH)
        deployment(cluster, "two")
        assert asker.names() == ["one", "two"]
        assert asker.names() == ["one", "two"]
        assert (asker.sent(LIST), asker.sent(WATCH)) == (before[0] + 2, before[1])
        eventually(lambda: not threads(), "no thread left of it")


def looker(cluster: Cluster) -> str:
    """Give the kubeconfig of an account that may list deployments, and not watch them."""
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}]
    text = cluster.kubeconfig(NARROW, namespace=OTHER)
    group = "rbac.authorization.k8s.io"
    about = {"name": "looker", "namespace": SPACE}
    subject = {"kind": "ServiceAccount", "name": NARROW, "namespace": OTHER}
    role = {"apiGroup": group, "kind": "Role", "name": "looker"}
    cluster.create({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": about, "rules": rules})
    bound = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": about, "roleRef": role}
    cluster.create({**bound, "subjects": [subject]})
    return text


def test_what_is_too_large_is_listed_and_not_kept(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), most_bytes=1_000) as asker:
        for _ in range(3):
            assert asker.names() == ["one"]
        assert asker.sent(WATCH) == 0
        assert asker.kept.counts().items == 0
        eventually(lambda: not threads(), "no thread left of it")


def test_what_grows_too_large_while_it_is_watched_is_let_go(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), most_bytes=4_000) as asker:
        asker.watched()
        added = [f"more-{number}" for number in range(6)]
        for name in added:
            deployment(cluster, name)
        eventually(lambda: asker.names() == [*added, "one"] and asker.kept.counts().collections == 0, "let go")


def test_no_more_lists_are_kept_than_may_be(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), most=1) as asker:
        asker.watched()
        second = paths.collection(OTHER, "deployments")
        assert asker.names(second) == asker.names(second) == []
        assert (asker.sent(LIST, second), asker.sent(WATCH, second)) == (2, 0)
        assert asker.kept.counts().collections == 1


def test_no_more_bytes_are_kept_than_may_be(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), all_bytes=100) as asker:
        asker.watched()
        second = paths.collection(OTHER, "deployments")
        assert asker.names(second) == asker.names(second) == []
        assert (asker.sent(LIST, second), asker.sent(WATCH, second)) == (2, 0)
        before = asker.sent(LIST)
        assert asker.names() == ["one"]
        assert asker.sent(LIST) == before


@pytest.mark.parametrize("resource", ["secrets", "configmaps"])
def test_what_may_hold_values_is_never_kept(admin: Asking, resource: str) -> None:
    path = paths.collection(SPACE, resource)
    for _ in range(2):
        admin.kept.listed(path, OnlyMetadata, what=resource)
    assert (admin.sent(LIST, path), admin.sent(WATCH, path)) == (2, 0)
    assert admin.kept.counts().collections == 0


def test_a_list_that_nobody_asks_for_is_let_go(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), pace=Pace(idle_s=0.3)) as asker:
        asker.watched()
        deployment(cluster, "two")  # an event, after which it looks whether anybody is there
        sleep(0.4)
        deployment(cluster, "three")
        eventually(lambda: not threads(), "the end of the watch")
        assert asker.kept.counts().items == 0
        assert asker.names() == ["one", "three", "two"]
        assert asker.sent(LIST) == 2


def test_who_asks_whether_or_not_anybody_looks_keeps_nothing_and_costs_nothing_beside_those_who_do(
    cluster: Cluster,
) -> None:
    with asking(cluster.kubeconfig(), pace=Pace(idle_s=0.3)) as asker:

        def beside() -> list[str]:
            return [each.metadata.name for each in asker.kept.beside(DEPLOYMENTS, DeployedObject, what="deployments")]

        assert beside() == beside() == ["one"]
        assert (asker.sent(LIST), asker.kept.counts().collections) == (2, 0)
        asker.watched()
        assert beside() == ["one"]
        assert asker.sent(LIST) == 3
        began = monotonic()
        while monotonic() - began < 0.5:
            assert beside() == ["one"]
        deployment(cluster, "two")  # an event, after which it looks whether anybody is there
        eventually(lambda: not threads(), "the end of the watch, however often it was asked beside")


def test_who_looks_once_or_twice_costs_no_watch(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig(), worth_s=0.5) as asker:
        began = monotonic()
        while monotonic() - began < 0.3:
            before = asker.sent(LIST)
            assert asker.names() == ["one"]
            assert asker.sent(LIST) == before + 1
        assert (asker.sent(WATCH), asker.kept.counts().collections) == (0, 0)
        eventually(lambda: asker.names() == ["one"] and asker.sent(WATCH) == 1, "a watch for who goes on to ask")


def test_closing_ends_a_watch_that_waits(cluster: Cluster) -> None:
    with asking(cluster.kubeconfig()) as asker:
        asker.watched()
        began = monotonic()
        asker.kept.close()
        asker.kept.close()
        assert monotonic() - began < 3
        assert not threads()


def test_an_idle_list_costs_a_request_for_each_life_of_a_watch(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch lives for over a minute; here for a second, and pages ask twenty times in that."""
    monkeypatch.setattr(source, "WATCH_MIN_S", 1)
    monkeypatch.setattr(source, "WATCH_MAX_S", 1)
    with asking(cluster.kubeconfig(), pace=Pace(short_watch_s=0.1)) as asker:
        asker.watched()
        began, before = monotonic(), asker.sent(WATCH)
        while monotonic() - began < 3:
            assert asker.names() == ["one"]
            sleep(0.05)
        lives = monotonic() - began
        assert 1 <= asker.sent(WATCH) - before <= lives + 1
        assert asker.sent(LIST) == 1


def test_a_watch_lives_for_longer_than_a_minute_and_less_than_its_line_may_be_silent() -> None:
    assert 60 < pods.WATCH_MIN_S <= pods.WATCH_MAX_S < pods.QUIET_S


def test_what_is_kept_is_among_the_rights_of_an_account_with_the_least() -> None:
    """Else every page of a service that acts as its own account would list anew each time."""
    watched = {each for right in needed.rights(needed.TABS, changes=True) for each in _watched(right)}
    assert watched >= {*KINDS, "controllerrevisions", "horizontalpodautoscalers", "services", "endpointslices"}
    assert watched >= {"ingresses", "httproutes", "gateways"}
    assert not watched & NEVER


def _watched(right: Right) -> tuple[str, ...]:
    return tuple(right.resources) if "watch" in right.verbs else ()


def test_five_pages_on_every_tab_cost_the_api_server_what_one_costs(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without what the pages themselves share: the facets are asked here as often as five pages would."""
    monkeypatch.setattr(opening, "KeptLists", partial(KeptLists, worth_s=0.0))
    sent = {pages: _sent_by(cluster, pages, monkeypatch) for pages in (1, 5)}
    assert sent[1] == sent[5]
    assert {kind for kind, what in sent[1] if what == WATCH} >= {*KINDS, "endpointslices", "ingresses", "pods"}
    assert max(sent[1].values()) == 1


def _sent_by(cluster: Cluster, pages: int, monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """Give what is sent for so many pages on each tab that look five times, by resource; metrics apart."""
    ways: list[Counting] = []

    def counting(*given: Any, **named: Any) -> Counting:
        ways.append(Counting(Access(*given, **named)))
        return ways[-1]

    monkeypatch.setattr(opening, "Access", counting)
    runtime = opening.open_kubernetes("prod", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    scope = Scope(service=SPACE, namespace=SPACE, selector="app=one")
    assert runtime.deployment is not None
    assert runtime.domains is not None
    assert runtime.debugging is not None
    try:
        for _ in range(5 * pages):
            assert [each.name for each in runtime.deployment.list(scope).items] == ["one"]
            assert runtime.deployment.get(scope, "deployment.one").name == "one"
            assert runtime.domains.list(scope).items == ()
            assert runtime.debugging.list(scope) == ()
            assert runtime.overview.desired(scope) == 0
        wanted = {*KINDS, "pods"}
        eventually(lambda: _watches(ways[0]) >= wanted, "all watches")
        return Counter({(path.rpartition("/")[2], what): n for (path, what), n in ways[0].sent.items()})
    finally:
        runtime.close()


def _watches(way: Counting) -> set[str]:
    return {path.rpartition("/")[2] for path, what in list(way.sent) if what == WATCH}


def test_a_change_is_seen_by_the_page_that_is_read_next(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "KeptLists", partial(KeptLists, worth_s=0.0))
    runtime = opening.open_kubernetes("prod", kubeconfig=cluster.kubeconfig(), context=None, connection=Direct())
    scope = Scope(service=SPACE, namespace=SPACE)
    facet = runtime.deployment
    assert facet is not None
    try:
        for wanted in (1, 2, 3):
            facet.list(scope)
            facet.apply(scope, SetReplicas(workload="deployment.one", replicas=wanted))
            assert [each.desired for each in facet.list(scope).items] == [wanted]
            assert facet.get(scope, "deployment.one").desired == wanted
    finally:
        runtime.close()
