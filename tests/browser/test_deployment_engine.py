"""A container is updated as a person does it: looked at first, its pull watched, put back when it does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from opsmodal.web.asking import EXTENSION
from tests.browser.conftest import Own, Seed, followed, owned, pictured
from tests.browser.test_accessibility import findings
from tests.engines import registry as registries
from tests.engines.containers import ContainerEngine
from tests.engines.images import IMAGES, packed
from tests.engines.process import CannotStart
from tests.engines.registry import PASSWORD, USER, Registry
from tests.engines.slow import slowed

WEB = "/services/blog/deployment/container.blog-web"
PROJECT = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")
LAYER_BYTES = 3_000_000
UPDATED_MS = 60_000


@pytest.fixture
def registry(docker_engine: ContainerEngine) -> Iterator[Registry]:
    """Give a private registry that the engine trusts."""
    try:
        made = registries.start_for(docker_engine)
    except CannotStart as reason:
        pytest.skip(str(reason))
    made.trusted_by(docker_engine)
    yield made
    made.close()


@pytest.fixture
def blog(browser: Browser, seed: Seed, tmp_path: Path, docker_engine: ContainerEngine) -> Iterator[Own]:
    """Serve an installation with a project on Docker, whose container does not run as version 3."""
    script = "grep -q 3 /etc/version && exit 3; exec sleep 1000"
    docker_engine.run("sh", "-c", script, image=IMAGES[0], options=["--name", "blog-web", *PROJECT])
    with owned(browser, tmp_path, seed) as own:
        own.installation.registry.put(
            "runtimes", {"name": "edge", "kind": "docker", "socket": str(docker_engine.socket)}
        )
        own.installation.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
        own.installation.app.extensions[EXTENSION].updating._stays_up_s = 1.0
        yield own


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def set_image(page: Page, image: str) -> None:
    """Ask for another image by the form of the container, and look at the plan."""
    page.locator("#image-of-blog-web").get_by_text("Change the image").click()
    page.get_by_label("Image", exact=True).fill(image)
    page.locator("#image-of-blog-web").get_by_role("button", name="Preview").click()
    expect(dialog(page)).to_contain_text(image)


def test_an_image_is_pulled_with_a_login_and_the_old_one_is_put_back_when_the_next_fails(
    blog: Own, registry: Registry, docker_engine: ContainerEngine, axe_script: Path
) -> None:
    page = blog.visit("/registry/runtimes/edge", bypass_csp=True)
    registry.push("blog/web", "2", "2", filler_bytes=LAYER_BYTES)
    with slowed(registry.host, LAYER_BYTES // 3) as host:
        registry.trusted_by(docker_engine, host)
        for place in (host, registry.host):
            page.locator("summary", has_text="a login").click()
            page.get_by_label("Registry", exact=True).fill(place)
            page.get_by_label("User", exact=True).fill(USER)
            page.get_by_label("Password or access token").fill(PASSWORD)
            with page.expect_navigation():
                page.get_by_role("button", name="Store the login").click()
            expect(page.get_by_role("table", name="Logins for image registries")).to_contain_text(place)
        assert PASSWORD not in page.content()
        assert findings(page, axe_script) == []
        page.goto(f"{blog.site.url}/services/blog/deployment")
        followed(page, page.get_by_role("link", name="blog-web", exact=True))
        set_image(page, f"{host}/blog/web:2")
        expect(dialog(page)).to_contain_text("compose")
        dialog(page).get_by_role("button", name=re.compile("^Replace")).click()
        expect(page.locator(".job")).to_contain_text(re.compile(r"\d+ % of 3\.0 MB"), timeout=UPDATED_MS)
        pictured(page, "engine-pull")
        expect(page.locator(".job")).to_contain_text("done", timeout=UPDATED_MS)
    expect(page.locator(".container")).to_contain_text("blog/web:2")
    set_image(page, registry.push("blog/web", "3", "3"))
    dialog(page).get_by_role("button", name=re.compile("^Replace")).click()
    failed = page.locator(".job").first
    expect(failed).to_contain_text("ended with 3", timeout=UPDATED_MS)
    expect(failed).to_contain_text("as it was before, and runs")
    expect(page.locator(".container")).to_contain_text("blog/web:2")
    pictured(page, "engine-put-back")
    assert findings(page, axe_script) == []


def test_unused_images_are_looked_at_and_deleted(blog: Own, docker_engine: ContainerEngine, axe_script: Path) -> None:
    docker_engine.cli("create", "--name", "stranger", IMAGES[1], "sleep", "1")
    docker_engine.cli("import", "-", "left/over:1", stdin=packed({"a": b"a" * 50_000}))
    page = blog.visit("/services/blog/deployment", bypass_csp=True)
    followed(page, page.get_by_role("link", name="Images on this host"))
    expect(page.get_by_role("table", name="Images of blog")).to_contain_text("blog-web")
    assert findings(page, axe_script) == []
    page.get_by_role("button", name="Delete unused images…").click()
    expect(dialog(page)).to_contain_text("left/over:1")
    expect(dialog(page)).to_contain_text("other services")
    dialog(page).get_by_role("button", name="Delete 1 unused image").click()
    expect(page.locator(".job")).to_contain_text("1 image was deleted", timeout=UPDATED_MS)
    expect(page.locator("#content")).to_contain_text("Each is used by a container")
