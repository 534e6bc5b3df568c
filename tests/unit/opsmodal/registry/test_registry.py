from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsmodal.errors import InUse, NotThere, Rejected
from opsmodal.permissions import Role
from opsmodal.registry.changes import FieldChange
from opsmodal.registry.files import Folder, Sent
from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault
from opsmodal.store.tables import Favorite, User
from runtimes.base import Scope
from tests.unit.opsmodal.registry.documents import DOCUMENT, FILES, changed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = (("zoe", True, False), ("al", True, False), ("ex", True, True), ("bo", False, False))


def test_the_document_of_the_documentation_is_taken_whole(applied: Registry) -> None:
    assert [one.name for one in applied.runtimes()] == ["prod", "edge"]
    prod = applied.runtime("prod")
    assert prod is not None
    assert [(way.name, way.kind) for way in prod.ways()] == [("lan", "direct"), ("hq-vpn", "vpn"), ("bastion", "ssh")]
    shop = applied.service("shop")
    assert shop is not None
    assert shop.scope() == Scope(service="shop", namespace="shop", selector="app.kubernetes.io/part-of=shop")
    assert applied.groups_of("carol@example.org") == {"oncall"}
    assert applied.groups_of("alice") == frozenset()
    assert [(one.user or one.group, one.role, one.everything) for one in applied.grants()] == [
        ("alice", Role.OPERATOR, False),
        ("oncall", Role.VIEWER, False),
        ("oncall", Role.VIEWER, False),
        ("root", Role.MANAGER, True),
    ]


def test_a_runtime_without_connections_is_reached_directly(registry: Registry) -> None:
    registry.put("runtimes", {"name": "edge", "kind": "podman", "socket": "unix:///run/podman/podman.sock"})
    edge = registry.runtime("edge")
    assert edge is not None
    assert [(way.name, way.kind) for way in edge.ways()] == [("direct", "direct")]


def test_what_is_not_there_is_none(registry: Registry) -> None:
    assert (registry.runtime("x"), registry.service("x")) == (None, None)
    assert registry.credential("runtimes", "x", "kubeconfig") is None
    assert registry.signature("x") == ""
    assert registry.version() == 0


def test_an_apply_says_what_it_creates_and_a_second_one_changes_nothing(registry: Registry, folder: Path) -> None:
    first = registry.apply(DOCUMENT.encode(), Folder(folder))
    assert [(one.noun, one.name, one.action) for one in first.changes][:3] == [
        ("VPN profile", "hq", "created"),
        ("runtime", "prod", "created"),
        ("runtime", "edge", "created"),
    ]
    version = registry.version()
    again = registry.apply(DOCUMENT.encode(), Folder(folder))
    assert {one.action for one in again.changes} == {"unchanged"}
    assert not again.differs
    assert registry.version() == version == 1


def test_a_change_is_told_field_by_field_without_secrets(applied: Registry, folder: Path) -> None:
    (folder / "ops.key").write_text("PLANTED-ANOTHER-KEY\n")
    document = DOCUMENT.replace("priority: 20", "priority: 5").replace("environment: production", "environment: test")
    changes = changed(applied, document.replace("selector: app.kubernetes.io/part-of=shop, ", ""), folder)
    assert changes["shop"].fields == (
        FieldChange(path="environment", old="production", new="test"),
        FieldChange(path="selector", old="app.kubernetes.io/part-of=shop", new=""),
    )
    assert [one.path for one in changes["prod"].fields] == [
        "connections.hq-vpn.priority",
        "connections.bastion.identityFile.fingerprint",
    ]
    assert "PLANTED" not in repr(changes)
    assert set(changes) == {"prod", "shop"}


def test_a_diff_says_the_same_as_apply_and_changes_nothing(registry: Registry, folder: Path) -> None:
    told = registry.diff(DOCUMENT.encode(), Folder(folder))
    assert registry.version() == 0
    assert registry.document().runtimes == ()
    assert told == registry.apply(DOCUMENT.encode(), Folder(folder))
    assert not registry.diff(DOCUMENT.encode(), Folder(folder)).differs


def test_one_mistake_keeps_everything_out(applied: Registry, folder: Path) -> None:
    before, version = applied.export(), applied.version()
    (folder / "ops.key").write_text("another key\n")
    document = DOCUMENT.replace("namespace: shop", "namespace: store").replace("project: blog", "project: BLOG")
    with pytest.raises(Rejected, match="nothing was changed"):
        applied.apply(document.encode(), Folder(folder))
    assert (applied.export(), applied.version()) == (before, version)
    assert applied.credential("runtimes", "prod", "connections.bastion.identityFile") == FILES["ops.key"]


def test_what_a_document_does_not_name_stays(applied: Registry, folder: Path) -> None:
    changed(applied, "apiVersion: opsmodal/v1\nservices: [{name: new, runtime: edge, containers: [a, b]}]", folder)
    assert [one.name for one in applied.services()] == ["shop", "blog", "new"]


def test_an_entry_is_replaced_whole_and_keeps_its_place(applied: Registry, folder: Path) -> None:
    changed(applied, "apiVersion: opsmodal/v1\nservices: [{name: shop, runtime: prod, namespace: b}]", folder)
    assert [(one.name, one.selector, one.namespace) for one in applied.services()] == [
        ("shop", "", "b"),
        ("blog", "", ""),
    ]


def test_an_export_is_refused_where_its_credentials_are_not_stored(
    applied: Registry, vault: Vault, tmp_path: Path
) -> None:
    from opsmodal.store import open_store

    other = open_store(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(Rejected) as refused:
        Registry(other, vault).apply(applied.export().encode(), Folder(tmp_path))
    assert {one.field for one in refused.value.problems} == {
        "vpnProfiles[0].configFile",
        "runtimes[0].kubeconfig",
        "runtimes[0].connections[2].identityFile",
        "runtimes[0].connections[2].knownHosts",
    }
    other.close()


def test_a_role_is_changed_where_it_is_named_and_kept_elsewhere(applied: Registry, folder: Path) -> None:
    document = "apiVersion: opsmodal/v1\ngrants: [{user: alice, role: viewer, services: [shop]}]"
    changes = changed(applied, document, folder)
    assert changes["user alice on service shop"].fields == (FieldChange(path="role", old="operator", new="viewer"),)
    assert [one.role for one in applied.grants() if one.user == "alice"] == [Role.VIEWER]
    told = applied.apply(b"apiVersion: opsmodal/v1\ngrants: [{user: alice, role: viewer, all: true}]", Folder(folder))
    assert any("user alice on service shop is kept as viewer" in warning for warning in told.warnings)


def test_different_grants_within_one_namespace_are_warned_about(applied: Registry, folder: Path) -> None:
    more = "services: [{name: till, runtime: prod, namespace: shop, selector: app=till}]"
    told = applied.apply(f"apiVersion: opsmodal/v1\n{more}".encode(), Folder(folder))
    assert [one for one in told.warnings if "shop and till share the namespace shop of prod" in one]
    same = "grants: [{user: alice, role: operator, services: [till]}]"
    told = applied.apply(f"apiVersion: opsmodal/v1\n{same}".encode(), Folder(folder))
    assert [one for one in told.warnings if "share the namespace" in one] == []


def test_grants_for_people_who_are_not_there_yet_are_taken_and_told(registry: Registry) -> None:
    grants = "[{user: al, role: viewer, all: true}, {group: g, role: viewer, all: true}]"
    warnings = registry.apply(f"apiVersion: opsmodal/v1\ngrants: {grants}".encode(), Sent()).warnings
    assert ["user al" in warnings[0], "group g" in warnings[1], len(warnings)] == [True, True, 2]


def test_an_engine_that_everybody_on_the_way_can_control_is_warned_about(registry: Registry) -> None:
    document = b"apiVersion: opsmodal/v1\nruntimes: [{name: a, kind: docker, socket: 'tcp://10.0.0.1:2375'}]"
    assert "without TLS" in registry.apply(document, Sent()).warnings[0]


def test_a_runtime_may_not_become_what_its_services_do_not_fit(applied: Registry) -> None:
    with pytest.raises(Rejected) as refused:
        applied.put("runtimes", {"name": "prod", "kind": "docker", "socket": "/a"})
    assert [(one.field, "service shop" in one.sentence) for one in refused.value.problems] == [("kind", True)]


def test_problems_of_an_entry_carry_paths_inside_it_and_change_nothing(applied: Registry) -> None:
    version = applied.version()
    found = applied.problems("runtimes", {"name": "X", "kind": "docker", "socket": 5, "connections": [{"kind": "ssh"}]})
    assert [one.field for one in found] == [
        "name",
        "socket",
        "connections[0].name",
        "connections[0].host",
        "connections[0].user",
    ]
    assert applied.problems("services", {"name": "a", "runtime": "edge", "labels": {"app": "a"}}) == ()
    assert applied.version() == version


@pytest.mark.parametrize(
    ("section", "name", "words"),
    [
        ("runtimes", "prod", ["service shop", "grant of viewer to group oncall on runtime prod"]),
        ("vpnProfiles", "hq", ["connection hq-vpn of runtime prod"]),
        ("services", "shop", ["grant of operator to user alice on service shop"]),
        ("groups", "oncall", ["grant of viewer to group oncall on runtime prod", "on runtime edge"]),
    ],
)
def test_what_is_still_used_is_not_removed(applied: Registry, section: str, name: str, words: list[str]) -> None:
    with pytest.raises(InUse) as refused:
        applied.remove(section, name)
    assert [word for word in words if word not in refused.value.sentence] == []


def test_removing_takes_credentials_and_likings_along(applied: Registry, store: Store) -> None:
    with store.session() as session:
        session.add(User(name="al", admin=False, auditor=False, disabled=False, created_at=NOW))
        session.flush()
        session.add(Favorite(user="al", service="shop"))
    for section, name in (
        ("grants", "user alice on service shop"),
        ("grants", "group oncall on runtime prod"),
        ("services", "shop"),
        ("runtimes", "prod"),
        ("vpnProfiles", "hq"),
    ):
        assert applied.remove(section, name).action == "removed"
    assert applied.credential("runtimes", "prod", "kubeconfig") is None
    assert applied.credential("vpnProfiles", "hq", "configFile") is None
    with store.reading() as session:
        assert session.query(Favorite).count() == 0
    with pytest.raises(NotThere):
        applied.remove("services", "shop")


def test_another_worker_sees_a_change_at_its_next_question(applied: Registry, store: Store, vault: Vault) -> None:
    other = Registry(store, vault)
    assert len(other.services()) == 2
    applied.put("services", {"name": "new", "runtime": "edge", "project": "new"})
    assert [one.name for one in other.services()] == ["shop", "blog", "new"]
    assert other.state() is other.state(), "an unchanged registry is not read again"


def test_a_service_and_the_end_of_its_runtime_cannot_both_win(registry: Registry, store: Store, vault: Vault) -> None:
    for round_ in range(5):
        name = f"edge-{round_}"
        registry.put("runtimes", {"name": name, "kind": "docker", "socket": "/a"})
        outcomes: list[str] = []

        def attempt(job: str, name: str = name, outcomes: list[str] = outcomes) -> None:
            worker = Registry(store, vault)
            try:
                if job == "remove":
                    worker.remove("runtimes", name)
                else:
                    worker.put("services", {"name": f"s-{name}", "runtime": name, "project": "a"})
                outcomes.append(job)
            except (InUse, Rejected):
                pass

        threads = [threading.Thread(target=attempt, args=(job,), name=job) for job in ("remove", "add")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(outcomes) == 1


def test_administrators_are_named_while_they_are_active(registry: Registry, store: Store) -> None:
    with store.session() as session:
        for name, admin, disabled in (
            ("zoe", True, False),
            ("al", True, False),
            ("ex", True, True),
            ("bo", False, False),
        ):
            session.add(User(name=name, admin=admin, auditor=False, disabled=disabled, created_at=registry._now()))
    assert registry.admins() == ("al", "zoe")


def test_an_entry_says_who_wrote_it_as_it_is_now(registry: Registry) -> None:
    registry.put("groups", {"name": "oncall", "users": ["bo"]}, by="zoe")
    registry.put("grants", {"group": "oncall", "role": "viewer", "all": True}, by="zoe")
    registry.put("grants", {"group": "oncall", "role": "viewer", "all": True}, by="al")
    assert [(one.spec.group, one.updated_by) for one in registry.granted()] == [("oncall", "zoe")], "nothing changed"
    registry.put("grants", {"group": "oncall", "role": "manager", "all": True}, by="al")
    ((spec, by, at),) = registry.granted()
    assert (spec.role, by) == (Role.MANAGER, "al")
    assert at.tzinfo is not None
    assert [(one.spec.name, one.updated_by) for one in registry.grouped()] == [("oncall", "zoe")]
