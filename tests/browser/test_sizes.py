"""What one page loads stays small: counted by the browser that loads it, as bytes before any compression."""

from __future__ import annotations

import pytest
from playwright.sync_api import Response

from tests.browser.conftest import Visit

SCRIPT_MAX_BYTES, STYLE_MAX_BYTES = 30 * 1024, 20 * 1024
PAGES = (
    "/services",
    "/services/shop/overview",
    "/services/shop/timeline",
    "/services/shop/instances",
    "/services/payments/deployment",
    "/services/shop/deployment/deployment.web",
    "/services/shop/deployment/deployment.web/manifest",
    "/services/shop/config",
    "/services/shop/config/configmaps/web-settings",
    "/services/shop/config/configmaps/web-settings/edit",
    "/services/shop/logs",
    "/services/shop/commands",
    "/guard",
    "/services/shop/connection",
    "/registry",
    "/registry/runtimes/demo",
    "/rights",
    "/services/shop/rights",
    "/services/shop/people",
    "/people",
    "/account",
    "/audit",
    "/audit/forwarding",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_little_script_and_style(visit: Visit, path: str) -> None:
    page = visit("/healthz")
    loaded: dict[str, Response] = {}
    page.on("response", lambda response: loaded.update({response.url: response}))
    page.goto(page.url.removesuffix("/healthz") + path, wait_until="networkidle")
    files = {url.rpartition("/")[2]: response for url, response in loaded.items() if "/static/" in url}
    sizes = {name: len(response.body()) for name, response in files.items() if response.ok}
    assert "main.js" in sizes
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= SCRIPT_MAX_BYTES, sizes
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) <= STYLE_MAX_BYTES, sizes
