"""Images out of a real registry with TLS and a password: what each failure says, and what runs in the end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from runtimes.base import Runtime, Scope
from runtimes.changes import SetImage
from runtimes.planning import Progress, Step
from runtimes.registries import Login
from tests.contract.world_engine import PROJECT, STAY, opened
from tests.engines import registry as registries
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart
from tests.engines.registry import PASSWORD, USER, Registry
from tests.engines.slow import slowed

LAYER_BYTES = 3_000_000
RIGHT, WRONG = (Login(user=USER, secret=secret) for secret in (PASSWORD, "PLANTED-wrong-password"))


@pytest.fixture(params=["docker", "podman", "rootless"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def registry(engine: ContainerEngine) -> Iterator[Registry]:
    """Give a registry that the engine does not trust yet."""
    try:
        made = registries.start_for(engine)
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield made
    made.close()


@dataclass
class Place:
    """A service with one container, and the login that the runtime under test is given."""

    engine: ContainerEngine
    runtime: Runtime
    scope: Scope = field(default_factory=lambda: Scope(service="own", project="own"))
    login: Login | None = None

    def update(self, image: str) -> list[Progress]:
        """Run an image that is pulled, and give what was told on the way."""
        updates, told = self.runtime.updates, list[Progress]()
        assert updates is not None
        wanted = updates.prepare(self.scope, SetImage(workload="web", image=image, pull=True))
        updates.carry_on(self.scope, replace(wanted, stays_up_s=0.5), lambda _: None, told.append)
        return told

    def image(self) -> str:
        return self.engine.cli("inspect", "--type", "container", "--format", "{{.Config.Image}}", "web")


@pytest.fixture
def place(engine: ContainerEngine) -> Iterator[Place]:
    _run(engine)
    asked: list[str] = []

    def login(host: str) -> Login | None:
        asked.append(host)
        return made.login

    made = Place(engine, opened(engine.name.partition(" ")[0], engine, logins=login))
    yield made
    made.runtime.close()
    assert len(set(asked)) == 1, "a login is asked for by the registry of the image"


def test_a_private_image_is_pulled_and_every_failure_says_what_to_do(
    place: Place, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    image = registry.push("shop/web", "2", "2", filler_bytes=LAYER_BYTES)
    said = [_failed(place, image, "does not trust", "ca.crt")]
    registry.trusted_by(place.engine)
    said += [_failed(place, image, "none is stored for it", "Store a login")]
    place.login = WRONG
    said += [_failed(place, image, f"refuses the login of {USER}", "another password")]
    place.login = RIGHT
    said += [_failed(place, f"{registry.host}/shop/web:no", "has no tag no", "its tag")]
    told = place.update(image)
    assert told[-1].state == "done", told[-1]
    assert place.image() == image
    assert place.engine.cli("exec", "web", "cat", "/etc/version") == "2"
    layers = [step for step in told[-1].steps if step.name.startswith("Layer ")]
    assert len(layers) >= 2
    assert {step.state for step in layers} == {"done"}
    registry.daemon.stop()
    said += [_failed(place, image, "does not answer", "reaches it")]
    inspected = place.engine.cli("inspect", "--type", "container", "web") + place.engine.cli("image", "inspect", image)
    seen = f"{caplog.text}{said}{told}{inspected}{place.engine._daemon.last_words()}"
    for secret in (PASSWORD, WRONG.secret):
        assert secret not in seen


@pytest.mark.often("podman")
def test_a_large_layer_tells_its_bytes_on_the_way(place: Place, registry: Registry) -> None:
    """Podman tells of a layer once a second: this one takes longer."""
    place.login = RIGHT
    registry.push("shop/web", "2", "2", filler_bytes=LAYER_BYTES)
    with slowed(registry.host, LAYER_BYTES // 2) as host:
        registry.trusted_by(place.engine, host)
        told = place.update(f"{host}/shop/web:2")
    assert told[-1].state == "done", told[-1]
    steps = [step for progress in told for step in progress.steps if _is_half_way(step)]
    assert steps, [progress.steps for progress in told]
    assert all(" % of 3.0 MB" in step.detail for step in steps)


def _run(engine: ContainerEngine) -> None:
    """Run the container of the service.

    Rootless, by the API: the ulimits that Podman's program gives are none that its API takes, so these are refused.
    """
    if engine.name != "podman rootless":
        engine.run("sh", "-c", STAY, options=["--name", "web", "--label", f"{PROJECT}=own"])
        return
    body = {"Image": engine.images[0], "Cmd": ["sh", "-c", STAY], "Labels": {PROJECT: "own"}, "StopTimeout": 1}
    body |= {"HostConfig": {"NetworkMode": "none"}}
    url = "http://podman/v1.41/containers"
    sent = ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
    for asked in ([f"{url}/create?name=web", *sent], [f"{url}/web/start", "--request", "POST"]):
        argv = ["curl", "--silent", "--fail-with-body", "--unix-socket", str(engine.socket), *asked]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)


def _is_half_way(step: Step) -> bool:
    return bool(step.total and step.total > LAYER_BYTES and step.done and 0 < step.done < step.total)


def _failed(place: Place, image: str, words: str, hint: str) -> str:
    """Fail to update, and find the old container running as if nothing had been."""
    before = place.engine.cli("inspect", "--type", "container", "--format", "{{.State.StartedAt}}", "web")
    last = place.update(image)[-1]
    assert last.state == "failed"
    assert words in last.sentence, last
    assert "as it was before, and runs" in last.sentence
    assert hint in last.hint
    assert place.engine.cli("inspect", "--type", "container", "--format", "{{.State.StartedAt}}", "web") == before
    return f"{last}"
