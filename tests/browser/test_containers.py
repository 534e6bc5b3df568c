"""The Containers tab on a real Docker: stopping and starting in production, what a manager locks, a whole container."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from opsmodal.history.used import SLOTS, Moment, UsedStore, slot_of
from tests.browser.conftest import NARROW, SCREENSHOTS, Own, Seed, owned, pictured, with_scripts
from tests.browser.test_accessibility import findings
from tests.contract.worlds import settle
from tests.engines.containers import ContainerEngine

TAB = "/services/blog/instances"
GONE_MS = 60_000
"""More than the longest pause between two tries."""
PROJECT = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")
SWARM = ("--label", "com.docker.swarm.task.name=web.1.x", "--label", "com.docker.swarm.service.name=web")
CHECK = ("--health-cmd", "echo all is well", "--health-interval", "1s", "--restart", "unless-stopped")
BUSY = "trap 'exit 7' TERM; while true; do head -c 100000 /dev/zero > /tmp/x; usleep 50000; done"


@pytest.fixture
def blog(browser: Browser, seed: Seed, tmp_path: Path, docker_engine: ContainerEngine) -> Iterator[Own]:
    """Serve an installation with a project on Docker, in production."""
    docker_engine.run("sh", "-c", BUSY, options=["--name", "blog-web", *PROJECT, *CHECK, "--publish", "80"])
    docker_engine.run("sleep", "1000", options=["--name", "blog-task", *PROJECT, *SWARM])
    docker_engine.run("sh", "-c", "echo no database; exit 3", options=["--name", "blog-job", *PROJECT])
    with owned(browser, tmp_path, seed) as own:
        edge = {"name": "edge", "kind": "docker", "socket": str(docker_engine.socket)}
        own.installation.registry.put("runtimes", edge)
        entry = {"name": "blog", "runtime": "edge", "project": "blog", "environment": "production"}
        own.installation.registry.put("services", entry)
        yield own


def row(page: Page, name: str) -> Locator:
    return page.locator("tr[data-key]", has_text=name)


def asked(page: Page, name: str, verb: str) -> Locator:
    """Choose a verb in a row's menu; give the dialog."""
    page.get_by_label(f"Actions for {name}").click()
    row(page, name).get_by_role("button", name=verb, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_a_container_is_stopped_and_started_by_its_name_and_the_row_says_so(blog: Own, axe_script: Path) -> None:
    page = blog.visit(TAB, bypass_csp=True)
    expect(row(page, "blog-web")).to_contain_text("running")
    dialog = asked(page, "blog-web", "Stop")
    expect(dialog).to_contain_text("docker stop blog-web")
    expect(dialog).to_contain_text("compose up of its project starts it again")
    pictured(page, "container-stop")
    page.get_by_label("Type blog to go on").fill("blog")
    dialog.get_by_role("button", name="Stop container").click()
    expect(dialog).to_be_hidden(timeout=45_000)
    expect(page.locator("#results")).to_contain_text("blog-web was stopped.")
    expect(row(page, "blog-web")).to_contain_text("stopped by hand")
    pictured(page, "containers")
    assert findings(page, axe_script) == []
    page.get_by_label("Actions for blog-web").click()
    expect(row(page, "blog-web").get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    page.keyboard.press("Escape")
    dialog = asked(page, "blog-web", "Start")
    page.get_by_label("Type blog to go on").fill("blog")
    dialog.get_by_role("button", name="Start container").click()
    expect(page.locator("#results")).to_contain_text("blog-web was started.", timeout=45_000)
    expect(row(page, "blog-web")).not_to_contain_text("stopped by hand")


def pressed(page: Page) -> str:
    return page.locator('button[data-pace][aria-pressed="true"]').inner_text()


def test_the_list_is_held_until_it_is_refreshed_and_the_choice_stays(blog: Own, docker_engine: ContainerEngine) -> None:
    page = blog.visit(TAB)
    expect(page.locator("#liveness")).to_have_text("Live")
    assert pressed(page) == "At once"
    page.get_by_role("button", name="Off").click()
    expect(page.locator("#liveness")).to_have_text("Held")
    page.reload()
    expect(page.locator("#liveness")).to_have_text("Held")
    assert pressed(page) == "Off"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    docker_engine.cli("stop", "blog-web")
    rows = blog.installation.client()
    settle(lambda: "exited" in str(rows.get("/services/blog/instances?search=blog-web").json), "it has ended")
    page.clock.install()
    page.clock.run_for(120_000)
    assert asked == []
    expect(row(page, "blog-web")).to_contain_text("running")
    page.get_by_role("button", name="Refresh").click()
    expect(row(page, "blog-web")).to_contain_text("exited")
    assert pressed(page) == "Off"
    page.get_by_role("button", name="At once").click()
    expect(page.locator("#liveness")).to_have_text("Live")
    docker_engine.cli("start", "blog-web")
    expect(row(page, "blog-web")).not_to_contain_text("exited")
    expect(page.get_by_role("button", name="Refresh")).to_be_hidden()


def test_the_list_is_renewed_every_30_seconds_by_the_clock(blog: Own, docker_engine: ContainerEngine) -> None:
    page = blog.visit(TAB)
    page.get_by_role("button", name="Every 30 s").click()
    page.clock.install()
    page.reload()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    expect(page.locator("#liveness")).to_contain_text("Again in")
    docker_engine.cli("stop", "blog-web")
    rows = blog.installation.client()
    settle(lambda: "exited" in str(rows.get("/services/blog/instances?search=blog-web").json), "it has ended")
    page.clock.fast_forward(29_000)
    expect(page.locator("#liveness")).to_contain_text("Again in")
    with page.expect_response(lambda response: response.url.endswith(TAB)):
        page.clock.fast_forward(1_500)
    expect(row(page, "blog-web")).to_contain_text("exited")
    assert sockets == []
    pictured(page, "containers-every-30-s")


def test_without_scripts_nothing_renews_itself_and_nothing_offers_to(blog: Own) -> None:
    page = blog.visit(TAB, java_script_enabled=False)
    expect(row(page, "blog-web")).to_contain_text("running")
    expect(page.locator("#pace")).to_be_hidden()


def test_rows_draw_the_last_hour_of_each_container(blog: Own) -> None:
    rows = blog.installation.client().get("/services/blog/instances").json["items"]
    now = slot_of(time.time())
    for slot in range(now - SLOTS + 1, now + 1):
        share = abs((slot - now) % 40 - 20) / 20
        points = {each["id"]: (0.1 + share, 1e8 * (1 + share / 5), 1e3, 2e3, 0.0, share * 1e6) for each in rows}
        UsedStore(blog.installation.store).write([Moment(service="blog", slot=slot, points=points)])
    page = blog.visit(TAB)
    expect(row(page, "blog-web").locator(".trend path")).to_have_count(2)
    drawn = row(page, "blog-web").locator(".trend path").first.get_attribute("d") or ""
    assert drawn.count("L") > 20
    pictured(page, "containers-lines")
    page.goto(f"{blog.site.url}{TAB}/blog-web")
    expect(page.locator(".spark")).to_have_count(6)
    pictured(page, "container-hour")


def test_what_swarm_runs_is_read_only_and_says_what_is_right(blog: Own) -> None:
    page = blog.visit(TAB)
    page.get_by_label("Actions for blog-task").click()
    menu = row(page, "blog-task").locator(".menu-items")
    expect(menu).to_contain_text("swarm decides where and whether it runs")
    expect(menu).to_contain_text("docker service update --force web")
    expect(menu.get_by_role("button", name="Restart")).to_have_count(0)
    pictured(page, "container-locked")


@pytest.mark.parametrize("look", ["wide", "narrow-dark"])
def test_the_page_of_a_container_shows_all_of_it(blog: Own, axe_script: Path, look: str) -> None:
    dark = look == "narrow-dark"
    options = {"size": NARROW, "color_scheme": "dark"} if dark else {}
    page = blog.visit(f"{TAB}/blog-web", bypass_csp=True, **options)
    for words in ("Networks", "Health checks", "Restart policy", "Compose project", "Disk", "Last hour"):
        expect(page.locator("#content")).to_contain_text(words)
    pictured(page, f"container-{look}")
    page.screenshot(path=SCREENSHOTS / f"container-{look}-whole.png", full_page=True)
    assert findings(page, axe_script) == []
    tab = blog.visit(TAB, **options)
    expect(row(tab, "blog-web")).to_contain_text("running")
    pictured(tab, f"containers-{look}")


@pytest.mark.parametrize("look", ["wide", "narrow-dark"])
def test_the_tab_says_what_it_is_without_rows_why_one_is_down_and_that_its_engine_is_gone(
    blog: Own, docker_engine: ContainerEngine, look: str
) -> None:
    options = {"size": NARROW, "color_scheme": "dark"} if look == "narrow-dark" else {}
    blog.installation.registry.put("services", {"name": "void", "runtime": "edge", "project": "void"})
    page = blog.visit("/services/void/instances", **options)
    expect(page.locator(".empty")).to_contain_text("This service has no containers.")
    pictured(page, f"containers-empty-{look}")
    page.goto(f"{blog.site.url}{TAB}")
    with_scripts(page)
    row(page, "blog-job").get_by_role("link", name="Why?").click()
    why = page.locator("tr.opened")
    expect(why).to_contain_text("blog-job has failed because container blog-job ended with exit code 3")
    expect(why).to_contain_text("no database")
    pictured(page, f"containers-why-{look}")
    docker_engine.kill()
    expect(page.locator("#trouble")).to_be_visible(timeout=GONE_MS)
    expect(page.locator("#trouble")).to_contain_text("As of")
    expect(row(page, "blog-web")).to_be_visible()
    expect(why).to_contain_text("exit code 3")
    pictured(page, f"containers-gone-{look}")
    docker_engine.start()
    expect(page.locator("#trouble")).to_be_hidden(timeout=GONE_MS)
