"""No setting is lost: containers that a real engine made are made again, and compared in the engine's own words."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings

from runtimes.engine.problems import Kind
from runtimes.engine.updates.podman import as_asked
from runtimes.engine.updates.same import lost
from runtimes.engine.updates.spec import Request, request_of
from tests.contract.specs import NEW, OLD, Body, ask, bodies, furnish
from tests.engines.containers import ContainerEngine

PHASES = (Phase.explicit, Phase.generate)
"""An example that fails is not made smaller: that takes minutes with a real engine, and each is small already."""
FEW, MANY = 30, 500
TAKEN_SHARE = 0.9
"""How many of what is made up an engine must take: hypothesis gives another one for each that it does not."""
AS_THEY_ARE = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much)
GOT = ("Id", "Created", "Name", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver", "State")
"""What each container has for itself."""


def made(engine: ContainerEngine, body: Body, joins: dict[str, Body]) -> str:
    """Make a container as made up; "" where the engine does not take it."""
    status, answer = ask(engine, "POST", f"/containers/create?name=spec-{secrets.token_hex(4)}", body)
    if status != 201:
        return ""
    for network, endpoint in joins.items():
        joined = {"Container": answer["Id"], "EndpointConfig": endpoint}
        assert ask(engine, "POST", f"/networks/{network}/connect", joined)[0] == 200
    return str(answer["Id"])


def again(engine: ContainerEngine, request: Request) -> str:
    return made(engine, dict(request.body), {name: dict(each) for name, each in request.joins.items()})


def inspected(engine: ContainerEngine, container: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(engine, "GET", f"/containers/{container}/json")[1]
    return found


def image(engine: ContainerEngine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(engine, "GET", f"/images/{name}/json")[1]
    return found


def plain(container: dict[str, Any]) -> dict[str, Any]:
    """Write what was shown so that two containers with the same settings give the same; apart from what is tested."""
    own = container["Id"][:12]
    config, host = dict(container["Config"]), dict(container["HostConfig"])
    if config["Hostname"] == own:
        config["Hostname"] = ""
    config["Env"] = sorted(each.replace(own, "ID") for each in config["Env"] or ())
    config["Volumes"] = None  # those without a name have one the second time: the mounts tell
    binds = {"Binds": None, "Mounts": None, "Links": None}
    networks = container["NetworkSettings"]["Networks"]
    asked = {name: (each["IPAMConfig"], sorted(set(each["Aliases"] or ()) - {own})) for name, each in networks.items()}
    mounts = sorted(
        (each["Destination"], each["Type"], each.get("Name") or each["Source"], each["RW"], each["Propagation"])
        for each in container["Mounts"]
    )
    return {"config": config, "host": {**host, **binds}, "networks": asked, "mounts": mounts}


def unset(value: Any) -> Any:
    """Write null, [] and {} alike."""
    if isinstance(value, dict):
        return {key: unset(each) for key, each in value.items() if each not in (None, [], {})}
    return value


def holds(engine: ContainerEngine, body: Body, joins: dict[str, Body]) -> None:
    """Make a container, make it again on the same image and on another, and compare."""
    podman = engine.name != "docker"
    first = made(engine, body, joins)
    assume(first)
    shown, old_image, new_image = inspected(engine, first), image(engine, OLD), image(engine, NEW)
    read = (lambda it: as_asked(it)) if podman else (lambda it: it)  # noqa: PLW0108
    made_ids = [first]
    try:
        for wanted, its_image in ((OLD, old_image), (NEW, new_image)):
            second = again(engine, request_of(read(shown), old_image, wanted=wanted, several=podman))
            assert second, "the engine does not take its own settings again"
            made_ids.append(second)
            seen = inspected(engine, second)
            kind: Kind = "podman" if podman else "docker"
            assert lost(read(shown), old_image, read(seen), its_image, really=kind) == ()
            if wanted == OLD:
                assert unset(plain(seen)) == unset(plain(shown))
            else:
                follows(body, seen, kind)
    finally:
        for each in reversed(made_ids):
            ask(engine, "DELETE", f"/containers/{each}?force=1")


def follows(body: Body, seen: dict[str, Any], kind: Kind) -> None:
    """What nobody set is the new image's; what somebody set to another value than the image's is theirs."""
    env = dict(each.split("=", 1) for each in seen["Config"]["Env"])
    mine = dict(each.split("=", 1) for each in body.get("Env", ()))
    assert env["FROM"] == mine.get("FROM", "image2") or mine["FROM"] == "image"
    assert env["LEVEL"] == mine.get("LEVEL", "2")
    labels = seen["Config"]["Labels"] or {}
    assert labels["made"] == body.get("Labels", {}).get("made", "two")
    assert labels.get("keep") == body.get("Labels", {}).get("keep")
    if "Cmd" not in body and "Entrypoint" not in body:
        assert seen["Config"]["Cmd"] == ["sleep", "2"]
    if kind == "docker":  # podman shows as exposed what its networks take
        assert "7001/tcp" in seen["Config"]["ExposedPorts"]
    assert seen["Config"]["WorkingDir"] == ("/opt" if body.get("WorkingDir", "/srv") == "/srv" else body["WorkingDir"])


def run(engine: ContainerEngine, examples: int) -> None:
    kind = "docker" if engine.name == "docker" else "podman"
    networks, tried = furnish(engine), list[bool]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=AS_THEY_ARE, database=None, phases=PHASES)
    @given(made_up=bodies(kind, networks))
    def property_of(made_up: tuple[Body, dict[str, Body]]) -> None:
        tried.append(False)
        note(repr(made_up))
        holds(engine, *made_up)
        tried[-1] = True

    property_of()
    assert sum(tried) >= examples * TAKEN_SHARE, f"the engine took {sum(tried)} of {len(tried)}"


def test_docker_loses_no_setting(docker_engine: ContainerEngine) -> None:
    run(docker_engine, FEW)


def test_podman_loses_no_setting(podman_engine: ContainerEngine) -> None:
    run(podman_engine, FEW)


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_docker_loses_no_setting_of_many(docker_engine: ContainerEngine) -> None:
    run(docker_engine, MANY)


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_podman_loses_no_setting_of_many(podman_engine: ContainerEngine) -> None:
    run(podman_engine, MANY)
