"""Start Debian's Chromium under Playwright, without a network of its own, and give axe-core's script.

Playwright's own browsers are never downloaded: the machine's package is what gets its security updates.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.engines.process import CannotStart, own_folder, sweep

CHROMIUM = Path("/usr/bin/chromium")
ANSWER_S = 60.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""--no-sandbox: Chromium refuses its sandbox to root, and the pages are the tests' own."""
ENGINES = Path(__file__).resolve().parents[2] / ".test-engines"
AXE = ENGINES / "axe/node_modules/axe-core/axe.min.js"


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    """Give a headless Chromium; raise CannotStart with the reason."""
    if not CHROMIUM.exists():
        raise CannotStart(f"no {CHROMIUM} on this machine (package chromium)")
    _driver_answers()
    with own_home() as home, sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS], env=home)
        except Error as problem:
            raise CannotStart(f"chromium: {problem.message.splitlines()[0]}") from problem
        yield browser
        browser.close()


def _driver_answers() -> None:
    asked = [sys.executable, "-m", "playwright", "--version"]
    said = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=ANSWER_S)
    if said.returncode != 0:
        raise CannotStart(f"Playwright's driver does not start: {' '.join(said.stderr.split())}")


@contextlib.contextmanager
def own_home() -> Iterator[dict[str, str | float | bool]]:
    """Give an environment with an empty home: Chromium writes its crash settings there whatever its profile is."""
    folder = own_folder("chromium")
    try:
        yield {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    finally:
        sweep(folder)


def axe_script() -> Path:
    """Give the path of axe.min.js, which `make test` fetches with npm; raise CannotStart when it could not."""
    if not AXE.is_file():
        raise CannotStart("axe-core is not here: `make axe` fetches it with npm, which needs a package registry")
    return AXE
