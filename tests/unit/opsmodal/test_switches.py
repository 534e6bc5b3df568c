"""What is written down when Auto takes another way: by several workers at once, once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from opsmodal import switches as switches_module
from opsmodal.audit import Audit
from opsmodal.audit.heads import Signer
from opsmodal.audit.reading import AuditLog
from opsmodal.fleet import Switched
from opsmodal.history.happened import Happened
from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault
from opsmodal.store.tables import AuditRow
from opsmodal.switches import Switches

OVER = Switched(runtime="prod", before="lan", after="bastion", sentence="bastion instead of lan: cut.", is_back=False)
BACK = Switched(runtime="prod", before="bastion", after="lan", sentence="Back to lan: it answers.", is_back=True)


@pytest.fixture
def registry(store: Store, vault: Vault) -> Registry:
    registry = Registry(store, vault)
    registry.put("runtimes", {"name": "prod", "kind": "docker", "socket": "/nowhere"})
    registry.put("services", {"name": "shop", "runtime": "prod", "project": "shop"})
    registry.put("services", {"name": "blog", "runtime": "prod", "project": "blog"})
    return registry


def written(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
        return [(row.entry, row.target, row.detail) for row in rows if row.entry == "outcome"]


def worker(store: Store, vault: Vault, registry: Registry) -> Switches:
    return Switches(Audit(store, Signer(vault)), store, registry)


def test_a_switch_is_one_row_and_one_line_in_each_timeline(store: Store, vault: Vault, registry: Registry) -> None:
    one = worker(store, vault, registry)
    one.note(OVER)
    one.close()
    assert written(store) == [("outcome", "runtimes/prod: lan → bastion", OVER.sentence)]
    for service in ("shop", "blog"):
        (report,) = Happened(store).read(service, since=None, until=None)
        assert (report.reason, report.kind, report.subject) == ("ConnectionSwitched", "Warning", "runtime/prod")
        assert report.message == "lan → bastion. bastion instead of lan: cut."


def test_workers_that_switch_at_once_write_it_once(store: Store, vault: Vault, registry: Registry) -> None:
    workers = [worker(store, vault, registry) for _ in range(4)]
    started = threading.Barrier(4)

    def switch(one: Switches) -> None:
        started.wait(10)
        one.note(OVER)

    threads = [threading.Thread(target=switch, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for one in workers:
        one.close()
    assert len(written(store)) == 1
    assert len(Happened(store).read("shop", since=None, until=None)) == 1
    assert AuditLog(store).head() is not None


def test_other_switches_are_written_and_the_same_again_later(
    store: Store, vault: Vault, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(store, vault, registry)
    one.note(OVER)
    one.note(BACK)
    one.note(OVER)
    one.close()
    assert [target for _, target, _ in written(store)] == [
        "runtimes/prod: lan → bastion",
        "runtimes/prod: bastion → lan",
    ]
    monkeypatch.setattr(switches_module, "SAME", timedelta(0))
    later = worker(store, vault, registry)
    later.note(OVER)
    later.close()
    assert len(written(store)) == 3
    reports = Happened(store).read("shop", since=None, until=None)
    assert [report.kind for report in reports] == ["Warning", "Normal", "Warning"]


def test_its_thread_ends(store: Store, vault: Vault, registry: Registry) -> None:
    one = worker(store, vault, registry)
    before = set(threading.enumerate())
    one.note(OVER)
    one.close()
    one.close()
    assert not [each for each in set(threading.enumerate()) - before if each.name == "switches"]
