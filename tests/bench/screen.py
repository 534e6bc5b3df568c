"""A change on the engine until it is on the screen: a real Chromium, the page as people open it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.bench.crowd import NAMESPACE
from tests.bench.logs import engine
from tests.bench.measure import Figure, Promise, percentile
from tests.bench.pages import ROWS_ON_PAGE
from tests.bench.served import Served, crowded, of_cluster, of_engine, served
from tests.bench.sizes import Size
from tests.engines import browser as browsers

SCREEN_MS = 1000.0
PAUSE_S = (0.5, 1.0)
ARRIVES_S = 20.0
LOOK_S = 0.02
ROW = "tr[data-key]"
WATCHED = """expected => {
  window.changesSeen = {};
  const look = () => {
    const text = document.querySelector('main tbody')?.textContent ?? '';
    for (const found of text.matchAll(new RegExp(expected, 'gi')))
      window.changesSeen[found[0].toLowerCase()] ??= Date.now();
  };
  new MutationObserver(look).observe(document.querySelector('main'),
    {subtree: true, childList: true, characterData: true});
}"""
"""Notes when which words were first in the page; the page and we read the same clock."""


def screen_simulated(size: Size) -> Iterator[Figure]:
    """Change a pod of the simulated cluster again and again."""
    with crowded(pods=min(ROWS_ON_PAGE, size.pods)) as (cluster, place):
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        with served(registry, files) as server, _opened(server, NAMESPACE) as page:
            page.evaluate(WATCHED, r"mark\d+")

            def change(number: int) -> tuple[str, float]:
                return f"mark{number}", float(cluster.ask(do="mark", number=number)["wall"])

            yield from _figures(_measured(page, change, size.screen_changes), "simulated")


def screen_docker(size: Size) -> Iterator[Figure]:
    """Pause and resume a container of a real dockerd again and again; its own time to do so counts as ours."""
    import docker

    with engine() as started:
        started.run("sleep", "100000", options=["--name", "turned"])
        version = started.cli("version", "--format", "{{.Server.Version}}")
        client = docker.DockerClient(base_url=started.url)
        with contextlib.closing(client), served(of_engine(started.socket, ["turned"])) as server:
            container = client.containers.get("turned")
            with _opened(server, "engine") as page:

                def change(number: int) -> tuple[str, float]:
                    word = "paused" if number % 2 else "running"
                    page.evaluate(WATCHED, word)
                    at = time.time()
                    (container.pause if number % 2 else container.unpause)()
                    return word, at

                yield from _figures(_measured(page, change, size.screen_changes), f"dockerd {version}")


def _measured(page: Page, change: Callable[[int], tuple[str, float]], count: int) -> list[float]:
    """Make changes; give the milliseconds until each was there. One that never comes counts as all the time waited."""
    chance = random.Random(count)
    took_ms = []
    for number in range(1, count + 1):
        word, at = change(number)
        deadline = time.time() + ARRIVES_S
        seen: float | None = None
        while seen is None and time.time() < deadline:
            seen = page.evaluate("word => window.changesSeen[word]", word)
            page.wait_for_timeout(LOOK_S * 1000)
        took_ms.append((seen if seen is not None else time.time() * 1000) - at * 1000)
        page.wait_for_timeout(chance.uniform(*PAUSE_S) * 1000)
    return took_ms


def _figures(took_ms: list[float], with_: str) -> Iterator[Figure]:
    for percent in (50, 99):
        yield Figure(
            name=f"change on the engine to the screen, p{percent}",
            ours=percentile(took_ms, percent),
            unit="ms",
            promise=Promise(at_most=SCREEN_MS) if percent == 99 else None,
            count=len(took_ms),
            with_=f"{with_}, Chromium",
        )


@contextlib.contextmanager
def _opened(server: Served, service: str) -> Iterator[Page]:
    with browsers.started() as browser:
        page = browser.new_page()
        page.goto(server.link)
        page.goto(f"{server.url}/services/{service}/instances")
        page.locator(ROW).first.wait_for()
        page.wait_for_timeout(
            1500
        )  # the page's script has its socket by then; what comes before is not what is measured
        yield page
