"""The wall between services while containers change: what is another's by the time of the use is not touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from runtimes.base import LogQuery, Scope
from runtimes.commands import Command
from runtimes.errors import Conflict, Missing, RuntimeProblem
from tests.contract.world_engine import PROJECT, STAY, EngineWorld, running
from tests.contract.worlds import World

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


def scope_of(box: EngineWorld, by: str) -> Scope:
    """Give a scope that owns the container `web` of the world's own project."""
    labels = {PROJECT: box.scope.project}
    return {
        "project": box.scope,
        "name": Scope(service="own", containers=("web",)),
        "label": Scope(service="own", labels=labels),
        "name and label": Scope(service="own", containers=("web",), labels=labels),
    }[by]


BY = ("project", "name", "label", "name and label")
SWAPPED = ("project", "label", "name and label")
"""Walls that a container of another project under the same name is outside of."""


def restart(box: EngineWorld, scope: Scope, wanted: str) -> None:
    box.runtime.instances.restart(scope, wanted)


def logs(box: EngineWorld, scope: Scope, wanted: str) -> None:
    assert box.runtime.logs is not None
    list(box.runtime.logs.read(scope, LogQuery(instance=wanted)))


def follow(box: EngineWorld, scope: Scope, wanted: str) -> None:
    assert box.runtime.logs is not None
    box.runtime.logs.follow(scope, LogQuery(instance=wanted)).close()


def run(box: EngineWorld, scope: Scope, wanted: str) -> None:
    assert box.runtime.commands is not None
    command = Command(argv=("touch", "/tmp/was-here"), limit_s=20.0, where="container", container=wanted)
    list(box.runtime.commands.run(scope, command).stream)


def detail(box: EngineWorld, scope: Scope, wanted: str) -> None:
    box.runtime.instances.get(scope, wanted)


def cause(box: EngineWorld, scope: Scope, wanted: str) -> None:
    box.runtime.instances.cause(scope, wanted)


def blast(box: EngineWorld, scope: Scope, wanted: str) -> None:
    box.runtime.instances.blast(scope, [wanted])


def delete(box: EngineWorld, scope: Scope, wanted: str) -> None:
    box.runtime.instances.delete(scope, wanted, force=True)


def check(box: EngineWorld, scope: Scope, wanted: str) -> None:
    if box.runtime.libpod is None:
        raise Missing("Docker runs health checks itself.")
    box.runtime.libpod.check(scope, wanted)


def own(box: EngineWorld, scope: Scope, wanted: str) -> None:
    if box.runtime.libpod is None:
        raise Missing("Docker tells all that it knows by one API.")
    box.runtime.libpod.one(scope, wanted)


DOES: dict[str, Callable[[EngineWorld, Scope, str], None]] = {
    each.__name__: each for each in (restart, logs, follow, run, detail, cause, blast, delete, check, own)
}
CHECKED = ("--health-cmd", "touch /tmp/was-here", "--health-interval", "1h")


def stranger(box: EngineWorld, name: str) -> str:
    return box.run(STAY, running, *CHECKED, elsewhere=True, name=name)


def untouched(box: EngineWorld, container: str, before: dict[str, Any]) -> None:
    """Fail unless nothing was done to a container, and nothing but its being there was asked."""
    now = box.inspect(container)
    for key in ("Pid", "StartedAt", "Status"):
        assert now["State"][key] == before["State"][key], key
    assert now["RestartCount"] == before["RestartCount"]
    assert box.engine.cli("exec", now["Id"], "ls", "/tmp").split() == []
    assert [each for each in box.asked if f"/{before['Id'][:4]}" in each or "/pay" in each] == []


@pytest.mark.parametrize("by", BY)
def test_what_is_anothers_is_missing_to_everything_and_not_even_asked_about(box: EngineWorld, by: str) -> None:
    scope = scope_of(box, by)
    box.run(STAY, running, *CHECKED, name="web")
    before = box.inspect(stranger(box, "pay-db"))
    id_, box.asked[:] = before["Id"], []
    spellings = (id_, id_[:12], id_[:4], id_.upper(), "pay-db", "pay", "PAY-DB", "/pay-db", f"{id_[:12]}/../web", "")
    for name, does in DOES.items():
        for wanted in spellings:
            if name == "run" and wanted == "":
                continue
            with pytest.raises(RuntimeProblem) as caught:
                does(box, scope, wanted)
            assert isinstance(caught.value, Missing), (name, wanted, caught.value)
    untouched(box, "pay-db", before)


@pytest.mark.parametrize("by", SWAPPED)
def test_one_made_anew_under_the_same_name_for_another_service_is_missing(box: EngineWorld, by: str) -> None:
    scope = scope_of(box, by)
    old = box.inspect(box.run(STAY, running, *CHECKED, name="web"))["Id"]
    box.engine.cli("rm", "-f", "web")
    before = box.inspect(stranger(box, "web"))
    for does in DOES.values():
        for wanted in ("web", old, before["Id"]):
            with pytest.raises(Missing):
                does(box, scope, wanted)
    untouched(box, "web", before)


ASKING = {
    "restart": r"POST .*/containers/{id}/restart",
    "logs": r"GET .*/containers/{id}/logs",
    "run": r"POST .*/containers/{id}/exec",
    "check": r"GET .*/libpod/containers/{id}/healthcheck",
}
"""The request that uses what was checked just before."""


@pytest.mark.often("docker", "check")
@pytest.mark.parametrize("moment", ["before it is looked at", "between check and use"])
@pytest.mark.parametrize("how", ["removed", "renamed"])
@pytest.mark.parametrize("name", ASKING)
def test_what_takes_the_place_meanwhile_is_never_touched(box: EngineWorld, name: str, how: str, moment: str) -> None:
    if name == "check" and box.kind == "docker":
        box.skip("runs health checks itself")
    scope = scope_of(box, "name" if how == "renamed" else "project")
    id_ = box.inspect(box.run(STAY, running, *CHECKED, name="web"))["Id"]
    stranger(box, "theirs")
    use = ASKING[name].format(id=id_) if moment == "between check and use" else rf"GET .*/containers/{id_}/json"
    swapped: list[str] = []

    def swap(asked: str) -> None:
        if not swapped and re.match(use, asked):
            swapped.append(asked)
            box.engine.cli(*(("rm", "-f", "web") if how == "removed" else ("rename", "web", "was-web")))
            box.engine.cli("rename", "theirs", "web")

    before, box.meanwhile = box.inspect("theirs"), swap
    try:
        DOES[name](box, scope, "web" if name != "run" else id_)
    except (Missing, Conflict):
        pass
    else:
        assert how == "renamed", "what is gone was used"
        assert moment == "between check and use", "what is no longer the service's was used"
    assert swapped, "the swap never happened"
    assert box.inspect("web")["Id"] == before["Id"]
    untouched(box, "web", before)


def test_a_container_that_is_named_by_the_id_of_another_is_not_taken_for_it(box: EngineWorld) -> None:
    id_ = box.inspect(box.run(STAY, running, name="web"))["Id"]
    box.run(STAY, running, name=id_)
    assert box.runtime.instances.get(box.scope, id_).instance.name == "web"
    box.engine.cli("rm", "-f", "web")
    assert box.runtime.instances.get(box.scope, id_).instance.name == id_, "now it is a name and nothing else"
