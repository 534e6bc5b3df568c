"""The Domains tab of a host with Docker as a person uses it: Caddy answers what was made on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NARROW, WIDE, Own, Seed, followed, owned, pictured, with_scripts
from tests.browser.test_accessibility import findings
from tests.browser.test_domains import dialog, row
from tests.contract.routing import PORT, SERVE
from tests.engines.caddy import Caddy
from tests.engines.containers import ContainerEngine

HERE = "/services/blog/domains"
OWN = ("--label", "com.docker.compose.project=blog")


@pytest.fixture
def blog(browser: Browser, seed: Seed, tmp_path: Path, docker_engine: ContainerEngine, caddy: Caddy) -> Iterator[Own]:
    """Serve an installation with two projects on Docker, behind Caddy, and hosts without one and with a silent one."""
    docker_engine.run(*SERVE, options=["--name", "blog-web", *OWN])
    docker_engine.run(*SERVE, options=["--name", "new-web", "--label", "com.docker.compose.project=new"])
    with owned(browser, tmp_path, seed) as own:
        edge = {"name": "edge", "kind": "docker", "socket": str(docker_engine.socket)}
        own.installation.registry.put("runtimes", {**edge, "proxyAdmin": caddy.admin})
        own.installation.registry.put("runtimes", {**edge, "name": "bare"})
        own.installation.registry.put("runtimes", {**edge, "name": "silent", "proxyAdmin": "http://127.0.0.1:1"})
        for name, runtime in (("blog", "edge"), ("new", "edge"), ("alone", "bare"), ("unheard", "silent")):
            project = name if runtime == "edge" else "blog"
            own.installation.registry.put("services", {"name": name, "runtime": runtime, "project": project})
        yield own


def test_a_route_is_added_repaired_and_removed(blog: Own, docker_engine: ContainerEngine, caddy: Caddy) -> None:
    page = blog.visit(HERE)
    expect(page.get_by_text("It is reached by its published ports only.")).to_be_visible()
    page.get_by_role("link", name="Add domain").first.click()
    with_scripts(page)
    page.get_by_label("Host", exact=True).fill("blog.example.com")
    page.get_by_label("Target").fill("nobody:8080")
    page.get_by_label("TLS").select_option("none")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#target-problem")).to_contain_text('There is no container "nobody" in service blog.')
    pictured(page, "routes-refused")
    page.get_by_label("Target").fill(f"blog-web:{PORT}")
    page.get_by_label("Headers to visitors").fill("X-Blog: yes")
    page.get_by_role("button", name="Preview").click()
    expect(dialog(page)).to_contain_text("curl -sS --fail-with-body -X POST")
    pictured(page, "routes-plan")
    dialog(page).get_by_role("button", name="Add blog.example.com/").click()
    expect(page.get_by_text("blog.example.com/ was added in Caddy.")).to_be_visible()
    assert caddy.fetched("blog.example.com").headers["X-Blog"] == "yes"
    docker_engine.cli("rm", "-f", "blog-web")
    docker_engine.run(*SERVE, options=["--name", "blocker"])
    docker_engine.run(*SERVE, image=docker_engine.images[1], options=["--name", "blog-web", *OWN])
    with_scripts(page)
    expect(page.get_by_text("It leads to")).to_be_visible(timeout=60_000)
    pictured(page, "routes-moved")
    followed(page, row(page, "blog.example.com").locator("td.name a"))
    page.get_by_role("button", name="Repair…").click()
    expect(dialog(page).get_by_role("row", name="address")).to_be_visible()
    pictured(page, "routes-repair")
    dialog(page).get_by_role("button", name="Repair blog.example.com/").click()
    expect(page.get_by_text("blog.example.com/ leads to its container again.")).to_be_visible()
    assert caddy.fetched("blog.example.com").body == "version 2\n"
    with_scripts(page)
    row(page, "blog.example.com").locator("summary").click()
    row(page, "blog.example.com").get_by_role("button", name="Remove…").click()
    pictured(page, "routes-remove")
    dialog(page).locator("button.danger").click()
    expect(row(page, "blog.example.com")).to_have_count(0)


@pytest.mark.often("light")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_its_pages_are_accessible_and_fit(
    blog: Own, docker_engine: ContainerEngine, axe_script: Path, theme: str, size: tuple[int, int]
) -> None:
    made = blog.installation.client().call("POST", HERE, json=wish("blog.example.com"))
    assert made.status_code == 201, made.text
    more = {"redirect": "https://blog.example.com", "target": "", "port": ""}
    assert blog.installation.client().call("POST", HERE, json={**wish("www.example.com"), **more}).status_code == 201
    one = blog.installation.client().get(HERE).json["items"][0]["id"]
    made = blog.installation.client().call("POST", HERE, json={**wish("old.example.com"), "port": 81})
    assert made.status_code == 201, made.text
    docker_engine.run(*SERVE, options=["--name", "blog-api", *OWN])
    more = {**wish("api.example.com"), "target": "blog-api", "path": "/v1", "tls": "none", "class_name": "plain"}
    assert blog.installation.client().call("POST", HERE, json=more).status_code == 201
    docker_engine.cli("stop", "blog-api")
    pages = {"full": HERE, "one": f"{HERE}/{one}", "form": f"{HERE}/{one}/edit", "empty": "/services/new/domains"}
    pages |= {"none": "/services/alone/domains", "failing": "/services/unheard/domains"}
    pages |= {"overview-none": "/services/alone/overview", "overview-full": "/services/blog/overview"}
    for name, path in pages.items():
        page = blog.visit(path, size=size, color_scheme=theme, bypass_csp=True)
        page.evaluate("document.querySelectorAll('#content details:not(.menu)').forEach(each => { each.open = true })")
        assert findings(page, axe_script) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        page.screenshot(
            path=Path(__file__).parent / "screenshots" / f"routes-{name}-{theme}-{size[0]}.png", full_page=True
        )


def wish(host: str) -> dict[str, object]:
    """Wish for a route with something of everything."""
    headers = {"X-Blog": "yes", "Strict-Transport-Security": "max-age=31536000"}
    plain = {"host": host, "target": "blog-web", "port": int(PORT), "tls": "internal", "class_name": "secure"}
    if host.startswith("www"):
        return plain
    return {**plain, "response_headers": headers, "answer_timeout_s": 30}
