"""Images of a real host: which are the service's, which tags have moved, and a cleanup that takes no used one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from runtimes.base import Images, Scope
from runtimes.errors import Conflict, Missing, Stale
from runtimes.planning import Progress
from runtimes.registries import Login
from tests.contract.world_engine import PROJECT, opened
from tests.engines import images as made_images
from tests.engines import registry as registries
from tests.engines.containers import ContainerEngine
from tests.engines.images import IMAGES
from tests.engines.process import CannotStart
from tests.engines.registry import PASSWORD, USER

SCOPE = Scope(service="own", project="own")
NOISE_BYTES = 40_000


@dataclass
class Host:
    """An engine on which every image of the tests is used, and the facet under test."""

    engine: ContainerEngine
    images: Images
    login: Login | None = None

    def image(self, name: str) -> str:
        """Make an image of its own, "" for one without a name; give its id."""
        data = made_images.packed({"noise": secrets.token_bytes(NOISE_BYTES)})
        return self.engine.cli("import", "-", *([name] if name else []), stdin=data).split()[-1]

    def has(self, image: str) -> bool:
        return bool(self.engine.cli("images", "-q", "--filter", f"reference={image}"))

    def clean(self, image: str = "", revision: str = "") -> list[Progress]:
        told: list[Progress] = []
        self.images.clean(SCOPE, told.append, image=image, revision=revision)
        return told


@pytest.fixture(params=["docker", "podman"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    runtime = opened(request.param, engine, logins=lambda _: found.login)
    assert runtime.images is not None
    found = Host(engine, runtime.images)
    engine.run("sleep", "1000", image=IMAGES[0], options=["--name", "web", "--label", f"{PROJECT}=own"])
    engine.cli("create", "--name", "stranger", IMAGES[1], "sleep", "1")
    yield found
    runtime.close()


@pytest.mark.often("docker")
def test_images_of_a_service_are_listed_and_others_counted(host: Host) -> None:
    host.image("else/where:1")
    found = host.images.list(SCOPE)
    by_name = {image.names[0].removeprefix("localhost/"): image for image in found.images}
    assert set(by_name) == set(IMAGES)
    assert (by_name[IMAGES[0]].used_by, by_name[IMAGES[0]].others) == (("web",), 0)
    assert (by_name[IMAGES[1]].used_by, by_name[IMAGES[1]].others) == ((), 1)
    assert by_name[IMAGES[0]].size_bytes > 1_000_000
    assert (found.others, found.unused) == (1, 1)
    assert NOISE_BYTES <= found.unused_bytes < 2 * NOISE_BYTES
    assert found.moved == ()


def test_a_tag_that_means_another_image_by_now_is_said(host: Host) -> None:
    first = host.image("shop/web:1")
    host.engine.cli("tag", IMAGES[0], "shop/web:1")
    host.engine.run("sleep", "1000", image="shop/web:1", options=["--name", "shop", "--label", f"{PROJECT}=own"])
    assert host.images.list(SCOPE).moved == ()
    host.engine.cli("tag", IMAGES[1], "shop/web:1")
    (moved,) = host.images.list(SCOPE).moved
    assert moved.container == "shop"
    assert moved.image.removeprefix("localhost/") == "shop/web:1"
    assert moved.runs != moved.means
    assert first


def test_a_cleanup_takes_what_nobody_uses_and_nothing_else(host: Host) -> None:
    twice, nameless = host.image("left/over:1"), host.image("")
    host.engine.cli("tag", "left/over:1", "left/again:2")
    plan = host.images.plan_cleanup(SCOPE)
    assert len(plan.hits) == 2
    assert "left/again:2" in " ".join(plan.hits)
    assert "without a name" in " ".join(plan.hits)
    assert not any(name in " ".join(plan.hits) for name in IMAGES)
    assert any("other services" in warning for warning in plan.warnings)
    assert "kB" in plan.differences[0].after
    told = host.clean(revision=plan.revision)
    assert told[-1].state == "done"
    assert "2 images were deleted" in told[-1].sentence
    assert all(word not in told[-1].sentence for word in ("left", twice, nameless))
    assert host.images.list(SCOPE).unused == 0
    for image in IMAGES:
        assert host.has(image if host.engine.name == "docker" else f"localhost/{image}")
    assert host.images.plan_cleanup(SCOPE).unchanged


def test_what_a_container_takes_meanwhile_stays(host: Host) -> None:
    host.image("late/one:1")
    host.image("late/two:1")
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 1:  # both were found unused, and none is deleted yet
            for name in ("one", "two"):
                host.engine.cli("create", "--name", name, f"late/{name}:1", "sleep", "1")

    host.images.clean(SCOPE, tell)
    assert "2 stayed" in told[-1].sentence
    assert host.images.list(SCOPE).unused == 0
    for name in ("one", "two"):
        assert host.engine.cli("inspect", "--type", "image", "--format", "{{.Id}}", f"late/{name}:1")


@pytest.mark.often("docker")
def test_other_images_than_were_looked_at_are_left_alone(host: Host) -> None:
    host.image("one/one:1")
    plan = host.images.plan_cleanup(SCOPE)
    host.image("two/two:1")
    with pytest.raises(Stale):
        host.clean(revision=plan.revision)
    assert host.images.list(SCOPE).unused == 2


@pytest.mark.often("docker")
def test_one_image_is_deleted_by_its_name_unless_it_is_used(host: Host) -> None:
    host.image("one/one:1")
    host.image("two/two:1")
    for used in (*IMAGES, host.images.list(SCOPE).images[0].id):
        with pytest.raises(Conflict, match="used by 1 container"):
            host.images.plan_cleanup(SCOPE, used)
    with pytest.raises(Missing):
        host.images.plan_cleanup(SCOPE, "no/such:1")
    plan = host.images.plan_cleanup(SCOPE, "one/one:1")
    assert [each.partition(" ")[0].removeprefix("localhost/") for each in plan.hits] == ["one/one:1"]
    assert "1 image was deleted" in host.clean("one/one:1", plan.revision)[-1].sentence
    assert host.images.list(SCOPE).unused == 1


def test_a_registry_is_asked_what_a_tag_means_there(host: Host) -> None:
    try:
        registry = registries.start_for(host.engine)
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        registry.trusted_by(host.engine)
        image = registry.push("shop/web", "1", "1")
        host.engine.cli("login", "--username", USER, "--password-stdin", registry.host, stdin=PASSWORD.encode())
        host.engine.cli("pull", image)
        host.engine.run("sleep", "1000", image=image, options=["--name", "asked", "--label", f"{PROJECT}=own"])
        host.login = Login(user=USER, secret=PASSWORD)
        first, local = host.images.tags(SCOPE)
        assert (first.container, local.container) == ("asked", "web")
        assert (local.state, "did not get" in local.sentence) == ("unknown", True)
        if host.engine.name == "podman":
            assert (first.state, "without pulling" in first.sentence) == ("unknown", True)
            return
        assert first.state == "same", first
        registry.push("shop/web", "1", "2")
        moved = host.images.tags(SCOPE)[0]
        assert (moved.state, moved.digest != first.digest) == ("moved", True)
        host.login = None
        refused = host.images.tags(SCOPE)[0]
        assert (refused.state, "none is stored" in refused.sentence) == ("unknown", True)
    finally:
        registry.close()
