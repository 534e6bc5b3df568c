"""Collecting against a simulated cluster: for whom, from which worker, how often, and what if it is silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

import connectors
from opsmodal.app import close_app, create_app
from opsmodal.demo import example
from opsmodal.demo.cluster import Cluster
from opsmodal.demo.faults import Fault
from opsmodal.fleet import Fleet
from opsmodal.history import collectors as collectors_module
from opsmodal.history import leases as leases_module
from opsmodal.history.collector import Collected, Collector
from opsmodal.history.collectors import Collectors
from opsmodal.history.happened import Happened
from opsmodal.history.journal import Journal
from opsmodal.history.used import UsedStore
from opsmodal.opening import Opening
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings
from opsmodal.store import Store, open_store, open_vault
from runtimes.history import Report
from tests.contract.world_kubernetes import Api

WAIT_S = 30.0
TICK_S = 0.1


def eventually(found: Callable[[], Any], *, within_s: float = WAIT_S) -> Any:
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return answer


@dataclass
class Installation:
    """A store with a registered cluster, and workers that collect from it."""

    store: Store
    registry: Registry
    cluster: Cluster
    folder: Path
    opened: list[tuple[Fleet, Collectors]] = field(default_factory=list)

    def worker(self) -> Collectors:
        """Start one more worker that collects."""
        fleet = Fleet(self.registry, Opening(self.registry, connectors.Connectors(self.folder)))
        collectors = Collectors(registry=self.registry, fleet=fleet, store=self.store, tick_s=TICK_S)
        self.opened.append((fleet, collectors))
        collectors.start()
        return collectors

    def events(self, service: str = "payments") -> list[Report]:
        return Happened(self.store).read(service, since=None, until=None)

    def close(self) -> None:
        for fleet, collectors in self.opened:
            collectors.close()
            fleet.close()


_others: WeakSet[threading.Thread] = WeakSet()


@pytest.fixture(autouse=True)
def _who_was_here() -> None:
    _others.clear()
    _others.update(threading.enumerate())


@pytest.fixture
def installation(tmp_path: Path, simulated_cluster: Cluster) -> Iterator[Installation]:
    settings = Settings(data_dir=tmp_path)
    store = open_store(settings.store_url)
    registry = Registry(store, open_vault(store, data_dir=tmp_path))
    document = example.registry("demo.yaml")
    registry.put("runtimes", document["runtimes"][0], {"kubeconfig": simulated_cluster.kubeconfig()})
    for service in document["services"]:
        registry.put("services", service)
    made = Installation(store, registry, simulated_cluster, tmp_path)
    yield made
    made.close()
    store.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "LASTS_S", 1.5)
    monkeypatch.setattr(collectors_module, "RENEW_S", 0.3)


@pytest.fixture
def asked(simulated_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the paths that the cluster is asked for, as they come."""
    paths: list[str] = []
    of = simulated_cluster.faults.of

    def noted(path: str, method: str) -> Fault | None:
        paths.append(path)
        return of(path, method)

    monkeypatch.setattr(simulated_cluster.faults, "of", noted)
    return paths


def collector_of(installation: Installation, found: list[Collected]) -> Collector:
    fleet = Fleet(installation.registry, Opening(installation.registry, connectors.Connectors(installation.folder)))
    collector = Collector("demo", fleet=fleet, journal=Journal(), found=found.append)
    collector.serve(installation.registry.services())
    return collector


def threads(beginning: str) -> list[str]:
    """Name the threads that began with this test: another installation of the same process collects too."""
    own = [thread for thread in threading.enumerate() if thread not in _others]
    return [thread.name for thread in own if thread.name.startswith(beginning)]


def test_everything_registered_is_collected_though_nobody_looks(installation: Installation) -> None:
    installation.worker()
    for service in ("shop", "payments", "reports"):
        eventually(lambda service=service: installation.events(service))
        (first, *_) = eventually(lambda service=service: UsedStore(installation.store).after(service, 0))
        assert (first.point is not None) == (service != "reports"), "the pod of reports is pending"
        assert first.note
    assert eventually(lambda: [each for each in installation.events() if each.about == "restart"])


@pytest.mark.usefixtures("quick")
def test_of_two_workers_one_collects_and_the_other_takes_over(installation: Installation) -> None:
    one = installation.worker()
    eventually(installation.events)
    other = installation.worker()
    time.sleep(1)
    assert (bool(one._collectors), bool(other._collectors)) == (True, False)
    one.close()
    eventually(lambda: other._collectors, within_s=5)


@pytest.mark.usefixtures("quick")
def test_a_service_that_is_removed_or_added_ends_or_begins_to_be_collected(installation: Installation) -> None:
    installation.worker()
    eventually(lambda: installation.events("shop"))
    eventually(lambda: threads("events of shop"))
    installation.registry.remove("services", "shop")
    eventually(lambda: not threads("events of shop"))
    eventually(lambda: not installation.events("shop"))
    specs = {each["name"]: each for each in example.registry("demo.yaml")["services"]}
    installation.registry.put("services", specs["shop"])
    eventually(lambda: installation.events("shop"), within_s=60)


def test_one_request_for_a_namespace_serves_all_services_in_it(installation: Installation, asked: list[str]) -> None:
    for name in ("web", "db"):
        own = {"namespace": "shop", "selector": f"app.kubernetes.io/component={name}"}
        installation.registry.put("services", {"name": f"shop-{name}", "runtime": "demo", **own})
    found: list[Collected] = []
    collector = collector_of(installation, found)
    collector.round(59_000_001)
    collector.stop()
    assert sum("metrics.k8s.io" in path and "/shop/" in path for path in asked) == 1
    used = {service: set(each.used[service].figures) for each in found for service in each.used}
    assert used["shop-web"] | used["shop-db"] == used["shop"]
    assert used["shop-db"] == {"db-0"}
    collector.join(10)


def test_a_new_image_is_told_as_a_new_version(installation: Installation) -> None:
    found: list[Collected] = []
    collector = collector_of(installation, found)
    happened, api = Happened(installation.store), Api(installation.cluster.kubeconfig())
    collector.round(59_000_000)
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    deployment = api.call("GET", path)
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/shop-web:9.9"
    api.call("PUT", path, deployment)
    api.close()

    def versions() -> list[Report]:
        collector.round(59_000_002)
        for each in found:
            happened.note_versions(each.versions, collectors_module.datetime.now(collectors_module.UTC))
        found.clear()
        return [each for each in installation.events("shop") if each.about == "version"]

    told = eventually(versions)
    collector.stop()
    assert any("→ registry.example.com/shop/shop-web:9.9" in each.message for each in told)
    collector.join(10)


def test_a_runtime_that_is_silent_is_left_alone_and_comes_back(installation: Installation, asked: list[str]) -> None:
    found: list[Collected] = []
    collector = collector_of(installation, found)
    installation.cluster.pause()
    collector.round(59_000_000)
    assert not collector.due(59_000_001), "it backs off"
    assert found == []
    silence = {each.service: each for each in collector._journal.take()}
    assert set(silence) == {"shop", "payments", "reports"}
    assert {each.reason for each in silence.values()} == {"NotCollected"}
    installation.cluster.resume()
    asked.clear()
    collector._quiet_until = 0.0
    assert collector.due(59_000_001)
    eventually(lambda: collector.round(59_000_001) or found)
    collector.stop()
    collector.join(10)
    assert asked


def test_a_namespace_that_may_not_be_read_says_so_and_keeps_nobody_from_the_others(installation: Installation) -> None:
    found: list[Collected] = []
    installation.cluster.faults.answer(403, "/apis/metrics.k8s.io/v1beta1/namespaces/shop")
    collector = collector_of(installation, found)
    collector.round(59_000_001)
    collector.stop()
    collector.join(10)
    used = {service: each.used[service] for each in found for service in each.used}
    assert used["shop"].note == "The credential may not read the Metrics API in this namespace."
    assert used["payments"].figures


def test_a_metrics_api_that_is_down_is_no_silence(installation: Installation) -> None:
    found: list[Collected] = []
    installation.cluster.faults.answer(503, "/apis/metrics.k8s.io")
    collector = collector_of(installation, found)
    collector.round(59_000_001)
    collector.stop()
    collector.join(10)
    notes = [each.used[service].note for each in found for service in each.used]
    assert len(notes) == 3
    assert all(note.startswith("The Metrics API does not answer: ") for note in notes)
    assert not [report for report in collector._journal.take() if report.reason == "NotCollected"]


def test_events_that_may_not_be_read_are_a_warning_in_the_timeline(installation: Installation) -> None:
    installation.cluster.faults.answer(403, "/api/v1/namespaces/shop/events")
    installation.worker()
    (told,) = eventually(lambda: installation.events("shop"))
    assert (told.reason, told.kind) == ("EventsRefused", "Warning")
    eventually(installation.events)


def test_switched_off_it_asks_nothing(installation: Installation, asked: list[str]) -> None:
    app = create_app(Settings(data_dir=installation.folder, collect=False), installation.store)
    try:
        time.sleep(2)
        assert (asked, threads("history"), threads("measure"), threads("events of")) == ([], [], [], [])
    finally:
        close_app(app)


def test_switched_on_it_asks_without_anybody(installation: Installation, asked: list[str]) -> None:
    app = create_app(Settings(data_dir=installation.folder), installation.store)
    try:
        eventually(lambda: any("metrics.k8s.io" in path for path in asked))
    finally:
        close_app(app)
    assert (threads("history"), threads("events of")) == ([], [])


def test_a_store_that_does_not_take_it_loses_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = installation.worker()
    write, failing = worker._happened.write, [True]

    def maybe(reports: list[Report]) -> None:
        if failing[0] and reports:
            raise collectors_module.StoreProblem("The disk that holds the store is full.")
        write(reports)

    monkeypatch.setattr(worker._happened, "write", maybe)
    eventually(lambda: worker._journal._pending)
    time.sleep(1)
    failing[0] = False
    eventually(installation.events)
