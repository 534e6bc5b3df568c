"""Start a real Caddy of the tests' own: admin API, ports and data on loopback and in its own folder.

Nothing of it asks outside: certificates come from its own authority, whose root is not put among the machine's trusted
ones. Its configuration is put back before each test.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart, Daemon, own_folder, sweep, wait_for

ANSWER_S = 10.0
SERVES_S = 15.0
POLL_S = 0.05
LOOPBACK = "127.0.0.1"
LIBRARIES = ("/lib", "/lib64", "/usr/lib")
"""What the machine's own Caddy is linked against, shown to a container that has nothing."""
Config = dict[str, Any]
FOREIGN: Config = {
    "match": [{"host": ["foreign.example.com"]}],
    "handle": [{"handler": "static_response", "body": "foreign"}],
    "terminal": True,
}
"""A route that somebody else made."""


@dataclass(frozen=True)
class Answer:
    """What came back through the proxy."""

    status: int
    body: str
    headers: Mapping[str, str]


class Caddy:
    """A running Caddy: `admin` is its admin address, `http_port` and `https_port` where it serves.

    `at` is where it is found, `within` what it is started by: on another host it listens at every address.
    """

    def __init__(self, folder: Path, *, at: str = LOOPBACK, within: Sequence[str] = ()) -> None:
        self.folder, self.at = folder, at
        self.admin_port, self.http_port, self.https_port = _free_ports(3)
        self.admin = f"http://{at}:{self.admin_port}"
        (folder / "caddy.json").write_text(json.dumps(self.plain()))
        env = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
        argv = [*within, "caddy", "run", "--config", str(folder / "caddy.json")]
        self.daemon = Daemon(argv, folder=folder, ready=self.answers, env=env)

    def plain(self) -> Config:
        """Give a configuration with two servers, one with TLS and one without, and a route of somebody else in each."""
        quiet = {"certificate_authorities": {"local": {"install_trust": False}}}
        policies = [{"issuers": [{"module": "internal"}]}]
        here = LOOPBACK if self.at == LOOPBACK else ""
        servers = {
            "plain": {"listen": [f"{here}:{self.http_port}"], "routes": [FOREIGN]},
            "secure": {"listen": [f"{here}:{self.https_port}"], "routes": [FOREIGN]},
        }
        return {
            "admin": {"listen": f"{here}:{self.admin_port}"},
            "apps": {
                "http": {"http_port": self.http_port, "https_port": self.https_port, "servers": servers},
                "pki": quiet,
                "tls": {"automation": {"policies": policies}},
            },
        }

    def load(self, config: Config) -> None:
        """Put a whole configuration in force."""
        self.call("POST", "/load", config)

    def config(self) -> Config:
        """Give the configuration as it is."""
        found: Config = json.loads(self.call("GET", "/config/"))
        return found

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """Ask the admin API, as somebody other than opsmodal would."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        asked = urllib.request.Request(f"{self.admin}{path}", data=data, headers=headers, method=method)
        with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
            return bytes(answer.read())

    def fetch(self, host: str, path: str = "/", *, secure: bool = False) -> Answer:
        """Fetch an address through the proxy; its certificate is not judged."""
        port = self.https_port if secure else self.http_port
        with _line((self.at, port), host, secure=secure) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = HTTPResponse(line)
            answer.begin()
            return Answer(answer.status, answer.read().decode(errors="replace"), dict(answer.getheaders()))

    def fetched(self, host: str, path: str = "/", *, secure: bool = False, wanted: int = 200) -> Answer:
        """Fetch until it is answered as wanted: Caddy makes certificates and listeners in the background."""
        deadline, last = time.monotonic() + SERVES_S, ""
        while time.monotonic() < deadline:
            try:
                answer = self.fetch(host, path, secure=secure)
            except OSError as error:
                last = str(error)
            else:
                if answer.status == wanted:
                    return answer
                last = f"{answer.status} {answer.body}"
            time.sleep(POLL_S)
        raise AssertionError(f"{host}{path} was not answered with {wanted} in {SERVES_S:g} s: {last}")

    @contextlib.contextmanager
    def cleaned(self) -> Iterator[Caddy]:
        """Give it running, with its plain configuration."""
        if not self.daemon.running:
            self.daemon.start()
        self.load(self.plain())
        yield self

    @contextlib.contextmanager
    def on_socket(self) -> Iterator[str]:
        """Have the admin API listen at a Unix socket meanwhile; give its address."""
        path = self.folder / "admin.sock"
        self.load({**self.plain(), "admin": {"listen": f"unix/{path}"}})
        wait_for(path.exists, f"{path}", within_s=SERVES_S)
        try:
            yield f"unix://{path}"
        finally:
            back = [*("curl", "-sS", "--fail-with-body", "--unix-socket", path, "-H", "Host;"), "-X", "POST"]
            back += ["-H", "Content-Type: application/json", "-d", json.dumps(self.plain()), "http://localhost/load"]
            subprocess.run(back, check=True, capture_output=True, timeout=ANSWER_S)
            wait_for(self.answers, "the admin API on its port", within_s=SERVES_S)

    def close(self) -> None:
        """End it and leave nothing of it."""
        self.daemon.stop()
        sweep(self.folder)

    def answers(self) -> bool:
        """Tell whether its admin API does."""
        with contextlib.suppress(URLError, OSError):
            return bool(self.call("GET", "/config/"))
        return False


class Contained(Caddy):
    """A Caddy that runs in a container of an engine, behind a network of its own: its ports are published."""

    def __init__(self, engine: ContainerEngine, *options: str) -> None:
        self.at = LOOPBACK
        self.admin_port, self.http_port, self.https_port = _free_ports(3)
        self.admin = f"http://{LOOPBACK}:{self.admin_port}"
        ports = (self.admin_port, self.http_port, self.https_port)
        published = [word for port in ports for word in ("--publish", f"{LOOPBACK}:{port}:{port}")]
        there = [folder for folder in LIBRARIES if Path(folder).exists()]
        shared = [word for path in (*there, _program()) for word in ("--volume", f"{path}:{path}:ro")]
        begin = 'echo "$1" > /tmp/caddy.json && HOME=/tmp exec "$2" run --config /tmp/caddy.json'
        command = ("sh", "-c", begin, "sh", json.dumps(self.plain()), _program())
        engine.run(*command, options=["--name", "caddy", *published, *shared, *options])
        wait_for(self.answers, "the admin API in a container", within_s=SERVES_S)

    def plain(self) -> Config:
        """Give a configuration with one server and a route of somebody else."""
        http = {"http_port": self.http_port, "https_port": self.https_port}
        server = {"listen": [f":{self.http_port}"], "routes": [FOREIGN]}
        admin = {"listen": f":{self.admin_port}"}
        return {"admin": admin, "apps": {"http": {**http, "servers": {"plain": server}}}}


def _program() -> str:
    found = shutil.which("caddy")
    if not found:
        raise CannotStart("no caddy on this machine (package caddy)")
    return str(Path(found).resolve())


def start(*, at: str = LOOPBACK, within: Sequence[str] = ()) -> Caddy:
    """Start one; raise CannotStart with the reason."""
    _program()
    caddy = Caddy(own_folder("caddy"), at=at, within=within)
    try:
        caddy.daemon.start()
    except CannotStart:
        sweep(caddy.folder)
        raise
    return caddy


@contextlib.contextmanager
def _line(place: tuple[str, int], host: str, *, secure: bool) -> Iterator[socket.socket]:
    with socket.create_connection(place, timeout=ANSWER_S) as plain:
        if not secure:
            yield plain
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=host) as line:
            yield line


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]
