"""What else is hit when instances go is said the same way on every runtime, and names nothing of other services."""

from __future__ import annotations

import pytest

from runtimes.errors import Missing
from tests.contract.world_engine import SERVICE, STAY, EngineWorld, running
from tests.contract.world_kubernetes import KubernetesWorld, ready
from tests.contract.worlds import World, settle

DEPENDS = "com.docker.compose.depends_on"


def ids(world: World, names: list[str]) -> list[str]:
    rows = {row.name: row.id for row in world.runtime.instances.list(world.scope).items}
    return [rows[name] for name in names]


def test_one_of_two_leaves_one_ready_and_both_leave_none(world: World) -> None:
    names = list(world.replicas(2))
    one, both = ids(world, names[:1]), ids(world, names)
    assert not any("last ready" in words for words in world.runtime.instances.blast(world.scope, one).touched)
    found = world.runtime.instances.blast(world.scope, both)
    assert any("2 are the last ready ones of" in words for words in found.touched), found
    assert found.unknown == ()


def test_who_makes_them_again_is_said(world: World) -> None:
    if world.kind != "kubernetes":
        world.skip("makes no container again")
    alone, made = world.healthy(), world.replicas(1)[0]
    assert f"nothing makes {alone} again" in world.runtime.instances.blast(world.scope, [alone]).touched
    found = world.runtime.instances.blast(world.scope, [made]).touched
    assert any(words.startswith("the last ready pod of deployment ") for words in found)
    assert any(words.startswith("deployment ") and words.endswith(" makes it again") for words in found)


def test_another_services_instances_are_not_looked_around(world: World) -> None:
    strange = world.healthy(elsewhere=True)
    other = next(row.id for row in world.runtime.instances.list(world.other_scope).items)
    with pytest.raises(Missing):
        world.runtime.instances.blast(world.scope, [other])
    assert world.exists(strange)


def test_an_engine_names_volumes_memory_and_who_depends_on_it(world: World) -> None:
    if not isinstance(world, EngineWorld):
        world.skip("has no compose")
    volume = f"{world.scope.project}-data"
    made = ("--volume", f"{volume}:/data", "--tmpfs", "/scratch", "--label", f"{SERVICE}=db")
    database = world.run(STAY, running, *made)
    web = world.run(STAY, running, "--label", f"{SERVICE}=web", "--label", f"{DEPENDS}=db:service_started:false")
    shared = world.run(STAY, running, "--network", f"container:{database}")
    strange = world.run(STAY, running, "--label", f"{SERVICE}=web", "--label", f"{DEPENDS}=db", elsewhere=True)
    found = world.runtime.instances.blast(world.scope, ids(world, [database])).touched
    for told in (
        "the last ready container of compose service db",
        f"{web} depends on it",
        f"{shared} lives in its network and will have to follow",
        f"volume {volume} stays",
        "what is in memory at /scratch is lost",
    ):
        assert told in found, found
    assert strange not in str(found), "another project's db is another one"
    for container in (shared, database):  # Podman removes nothing that others live in
        world.engine.cli("rm", "-f", container)
    world.engine.cli("volume", "rm", volume)


def test_kubernetes_names_claims_and_addresses(world: World) -> None:
    if not isinstance(world, KubernetesWorld):
        world.skip("has no claims")
    space = world.scope.namespace
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    world.api.call(
        "POST", f"/api/v1/namespaces/{space}/persistentvolumeclaims", {"metadata": {"name": "data"}, "spec": claim}
    )
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "cache", "emptyDir": {}},
    ]
    name = world._pod(STAY, lambda _: True, spec={"volumes": volumes})
    service = {"selector": {"app": name}, "ports": [{"port": 80}]}
    world.api.call("POST", f"/api/v1/namespaces/{space}/services", {"metadata": {"name": "front"}, "spec": service})
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "front", "port": {"number": 80}}}}
    rule = {"host": "front.example.com", "http": {"paths": [path]}}
    ingress = {"metadata": {"name": "front"}, "spec": {"rules": [rule]}}
    world.api.call("POST", f"/apis/networking.k8s.io/v1/namespaces/{space}/ingresses", ingress)
    pod = f"/api/v1/namespaces/{space}/pods/{name}"
    settle(lambda: ready(world.api.call("GET", pod)), f"{name} is ready")

    def found() -> tuple[str, ...]:
        return world.runtime.instances.blast(world.scope, [name]).touched

    settle(lambda: "front.example.com would have no ready pod behind it" in found(), "the address that is emptied")
    assert "claim data stays" in found()
    assert "what is in the scratch volume cache is lost" in found()
