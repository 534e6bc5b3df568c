"""Pages of other origins in a real browser, opened by somebody who is signed in: they may lead here, and nothing else.

One of them is another site (`localhost` beside `127.0.0.1`), the other the same site on another port, to which browsers
send the session's cookie along with everything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server, make_ssl_devcert

from opsmodal import actions
from tests.browser.conftest import PATIENCE_MS, Own, owned
from tests.web.conftest import PASSWORD, Seed

SITES = {"another site": "localhost", "another port": "127.0.0.1"}
STAR = "/services/shop/favorite"
REMOVE = "/services/shop/instances/db-0/delete"
DOWNLOAD = "/services/shop/logs?instance=db-0&tail=1&download=true"
SOCKET = "/api/v1/services/shop/live"
LISTED = "/api/v1/services"
WAIT_S = PATIENCE_MS / 1000

SUBMIT = "<script>document.forms[0].submit()</script>"
FORM = "<form method=post"
SENDING = {
    "a form": f"""{FORM} action="{{url}}{REMOVE}"><input name=confirm value=shop></form>{SUBMIT}""",
    "a form in plain text": f"""{FORM} enctype=text/plain action="{{url}}{REMOVE}?confirm=shop"></form>{SUBMIT}""",
    "a form in a frame": f"""<iframe name=f></iframe>{FORM} target=f action="{{url}}{STAR}"></form>{SUBMIT}""",
    "a form in a window": f"""{FORM} target=_blank action="{{url}}{STAR}"></form>{SUBMIT}""",
    "fetch": f"""<script>fetch("{{url}}{REMOVE}", {{method: "POST", mode: "no-cors", credentials: "include",
        body: new URLSearchParams({{confirm: "shop"}})}})</script>""",
    "a beacon": f"""<script>navigator.sendBeacon("{{url}}{STAR}", new Blob(["a"], {{type: "text/plain"}}))</script>""",
    "a sandboxed frame": f"""<iframe sandbox="allow-scripts allow-forms"
        srcdoc='<form method=post action="{{url}}{STAR}"></form>{SUBMIT}'></iframe>""",
}
EMBEDDING = {
    "an image": f"""<img src="{{url}}{DOWNLOAD}">""",
    "a script": f"""<script src="{{url}}{LISTED}"></script>""",
    "a style sheet": f"""<link rel=stylesheet href="{{url}}{LISTED}">""",
    "a frame": """<iframe src="{url}/services"></iframe>""",
    "a sandboxed frame": f"""<iframe sandbox="allow-scripts allow-same-origin" src="{{url}}{DOWNLOAD}"></iframe>""",
    "an object": f"""<object data="{{url}}{DOWNLOAD}"></object>""",
    "an audio element": f"""<audio src="{{url}}{DOWNLOAD}" preload=auto></audio>""",
    "a prefetch": f"""<link rel=prefetch href="{{url}}{DOWNLOAD}">""",
    "a preload": f"""<link rel=preload as=fetch crossorigin=use-credentials href="{{url}}{LISTED}">""",
    "fetch": f"""<script>fetch("{{url}}{LISTED}", {{mode: "no-cors", credentials: "include"}})</script>""",
    "fetch with an answer": f"""<script>fetch("{{url}}{LISTED}", {{credentials: "include"}})</script>""",
    "fetch in a sandbox": f"""<iframe sandbox=allow-scripts srcdoc='<script>fetch("{{url}}{LISTED}",
        {{mode: "no-cors", credentials: "include"}})</script>'></iframe>""",
}
LISTENING = {
    "a page": f"""<script>var said = [], s = new WebSocket("{{ws}}{SOCKET}");
        for (const what of ["open", "message", "close"]) s.addEventListener(what, () => said.push(what));</script>""",
    "a sandboxed frame": f"""<script>var said = []; addEventListener("message", each => said.push(each.data));</script>
        <iframe sandbox=allow-scripts srcdoc='<script>const s = new WebSocket("{{ws}}{SOCKET}");
        for (const what of ["open", "message", "close"])
          s.addEventListener(what, () => parent.postMessage(what, "*"));</script>'></iframe>""",
}
"""Pages of the other origin: `{url}` and `{ws}` are where the installation is."""


@dataclass
class Seen:
    """A request as it arrived, and how it was answered."""

    method: str
    path: str
    site: str
    had_cookie: bool
    status: int


@dataclass
class Attack:
    """An installation, somebody who is signed in there, and a server of pages that mean them harm."""

    own: Own
    context: BrowserContext
    port: int
    pages: dict[str, str]
    seen: list[Seen] = field(default_factory=list)

    def open(self, host: str, body: str) -> Page:
        """Open a hostile page of a host."""
        url = self.own.site.url
        page_text = body.replace("{url}", url).replace("{ws}", url.replace("http", "ws"))
        self.pages["/"] = f"<!doctype html><title>hostile</title>{page_text}"
        page = self.context.new_page()
        page.goto(f"http://{host}:{self.port}/")
        return page

    def until_seen(self, what: Callable[[Seen], bool]) -> list[Seen]:
        """Wait until such a request has been answered; give all of them."""
        deadline = time.monotonic() + WAIT_S
        while not any(map(what, self.seen)):
            assert time.monotonic() < deadline, self.seen
            self.context.pages[0].wait_for_timeout(50)
        return [each for each in self.seen if what(each)]

    def untouched(self) -> None:
        """Demand that nothing was done: no pod deleted, no star set, no log downloaded, and none of it on record."""
        installation = self.own.installation
        assert installation.client().get("/services/shop/instances/db-0").status_code == 200
        listed = installation.client().get("/services").json
        assert listed is not None
        assert [row["favorite"] for row in listed["items"]] == [False] * len(listed["items"])
        assert {action for _, action, _ in installation.audited()} == {actions.SIGN_IN.name}


@contextmanager
def _recorded(attack: Attack) -> Iterator[None]:
    app = attack.own.installation.app
    inner = app.wsgi_app

    def outer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def started(status: str, headers: Any, exc_info: Any = None) -> Any:
            attack.seen.append(
                Seen(
                    method=environ["REQUEST_METHOD"],
                    path=environ["PATH_INFO"],
                    site=environ.get("HTTP_SEC_FETCH_SITE", ""),
                    had_cookie="opsmodal=" in environ.get("HTTP_COOKIE", ""),
                    status=int(status.split(maxsplit=1)[0]),
                )
            )
            return start_response(status, headers, exc_info)

        return inner(environ, started)

    app.wsgi_app = outer  # type: ignore[method-assign]  # as Flask documents it
    yield
    app.wsgi_app = inner  # type: ignore[method-assign]  # as above


@pytest.fixture(scope="module")
def house(browser: Browser, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Give one installation for all attacks: none of them changes it."""
    with owned(browser, tmp_path_factory.mktemp("house"), seed) as own:
        yield own


@pytest.fixture
def attack(house: Own) -> Iterator[Attack]:
    own, pages = house, dict[str, str]()

    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="hostile", daemon=True)
    thread.start()
    context = own.browser.new_context(storage_state=own.site.state)
    context.set_default_timeout(PATIENCE_MS)
    attack = Attack(own, context, server.server_port, pages)
    with _recorded(attack):
        yield attack
        context.close()
    server.shutdown()
    thread.join(10)
    server.server_close()


def _theirs(seen: Seen) -> bool:
    return seen.site in ("cross-site", "same-site")


@pytest.mark.parametrize("host", SITES.values(), ids=SITES)
@pytest.mark.parametrize("way", SENDING)
def test_nothing_that_another_page_sends_is_done(attack: Attack, host: str, way: str) -> None:
    attack.open(host, SENDING[way])
    arrived = attack.until_seen(lambda seen: seen.method == "POST")
    assert {seen.status for seen in arrived} == {403}, arrived
    attack.untouched()


@pytest.mark.parametrize("host", SITES.values(), ids=SITES)
@pytest.mark.parametrize("way", EMBEDDING)
def test_nothing_here_can_be_embedded_fetched_or_loaded_early(attack: Attack, host: str, way: str) -> None:
    attack.open(host, EMBEDDING[way])
    arrived = attack.until_seen(_theirs)
    assert {seen.status for seen in arrived} == {403}, arrived
    attack.untouched()


def test_a_page_on_another_port_has_the_cookie_sent_along_and_gains_nothing(attack: Attack) -> None:
    """Else the tests of that page would prove nothing."""
    attack.open("127.0.0.1", EMBEDDING["an image"])
    assert [seen.had_cookie for seen in attack.until_seen(_theirs)] == [True]
    attack.untouched()


@pytest.mark.parametrize("host", SITES.values(), ids=SITES)
@pytest.mark.parametrize("way", LISTENING)
def test_no_other_page_opens_a_socket(attack: Attack, host: str, way: str) -> None:
    page = attack.open(host, LISTENING[way])
    page.wait_for_function("said.length > 0")
    assert page.evaluate("said") == ["close"]
    assert {seen.status for seen in attack.until_seen(lambda seen: seen.path == SOCKET)} == {403}


@pytest.mark.parametrize("host", SITES.values(), ids=SITES)
def test_a_link_of_another_page_opens_signed_in_and_its_page_sees_nothing_of_it(attack: Attack, host: str) -> None:
    page = attack.open(host, """<a href="{url}/services/shop/overview" target=_blank rel=opener>a link in a chat</a>""")
    with page.expect_popup() as opened:
        page.get_by_text("a link in a chat").click()
    expect(opened.value.locator("body")).to_contain_text("Signed in as admin")
    assert opened.value.evaluate("window.opener") is None
    page.get_by_text("a link in a chat").evaluate("link => link.removeAttribute('target')")
    page.get_by_text("a link in a chat").click()
    expect(page.locator("body")).to_contain_text("Signed in as admin")


@pytest.mark.parametrize("host", SITES.values(), ids=SITES)
def test_a_window_that_another_page_opens_is_out_of_its_reach(attack: Attack, host: str) -> None:
    page = attack.open(host, """<button onclick='window.theirs = window.open("{url}/services")'>open</button>""")
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    expect(opened.value.locator("body")).to_contain_text("Signed in as admin")
    page.wait_for_function("theirs.closed")  # as its opener sees it: the two do not share a group of windows
    assert opened.value.url.endswith("/services")


def test_what_the_pages_try_works_from_our_own(attack: Attack) -> None:
    """Else it could be the attempts that are wrong."""
    page = attack.context.new_page()
    page.goto(f"{attack.own.site.url}/services")
    sent = """async path => (await fetch(path, {method: "POST", credentials: "include", redirect: "manual"})).type"""
    assert page.evaluate(sent, STAR) == "opaqueredirect"
    assert attack.until_seen(lambda seen: seen.path == STAR)[0].status == 303
    opened = """path => new Promise(done => { const s = new WebSocket(`ws://${location.host}${path}`);
        s.onopen = () => done("open"); s.onerror = () => done("error"); })"""
    assert page.evaluate(opened, SOCKET) == "open"


def test_after_signing_out_no_page_comes_back(attack: Attack) -> None:
    page = attack.context.new_page()
    page.goto(f"{attack.own.site.url}/services/shop/overview")
    page.locator("details.person summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url("**/sign-in**")
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.fixture
def over_tls(attack: Attack, tmp_path: Path) -> Iterator[str]:
    """Serve the same installation over TLS as well; give its address."""
    certificate, key = make_ssl_devcert(str(tmp_path / "tls"), host="127.0.0.1")
    app = attack.own.installation.app
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=(certificate, key))
    server.daemon_threads = True  # type: ignore[attr-defined]  # of its base class
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="tls", daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_over_tls_no_other_port_of_the_host_puts_a_cookie_in_place_of_ours(attack: Attack, over_tls: str) -> None:
    """Over plain HTTP it could: cookies know no ports. The prefix `__Host-` is what browsers keep from others."""
    context = attack.own.browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{over_tls}/sign-in")
    page.get_by_label("Name").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/services")
    kept = {cookie["name"]: cookie for cookie in context.cookies() if "opsmodal" in cookie["name"]}
    assert list(kept) == ["__Host-opsmodal"]
    ours = kept["__Host-opsmodal"]
    assert (ours["secure"], ours["httpOnly"], ours["sameSite"], ours["path"]) == (True, True, "Lax", "/")
    theirs = attack.own.installation.people.start_session("manager")
    attack.pages["/"] = "<!doctype html><title>hostile</title>"
    page.goto(f"http://127.0.0.1:{attack.port}/")
    for name in ("__Host-opsmodal", "opsmodal"):
        for more in ("path=/", "path=/services", "path=/; secure", "domain=127.0.0.1; path=/"):
            page.evaluate("text => { document.cookie = text }", f"{name}={theirs}; {more}")
    page.goto(f"{over_tls}/services")
    expect(page.locator("body")).to_contain_text("Signed in as viewer")
    context.close()
