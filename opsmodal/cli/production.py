"""Prepares an installation for serving and hands it to gunicorn. Imported after the standard library is patched."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from sqlalchemy import make_url

from opsmodal.app import close_app, create_app, leave_app
from opsmodal.cli.bodies import Readable
from opsmodal.cli.opened import Installation, opened
from opsmodal.cli.wording import note
from opsmodal.cli.worker import Journal, Worker
from opsmodal.journal import keep_journal
from opsmodal.people import People
from opsmodal.people.links import sign_in_link
from opsmodal.settings import Settings
from opsmodal.store import open_store
from opsmodal.store.address import PRIVATE_FILE, PRIVATE_FOLDER

ADMIN = "admin"
GRACE_S = 10
WORKER_SILENT_MAX_S = 60
CONNECTIONS_PER_WORKER = 4000
"""A page holds one socket or two: room for a thousand people who watch."""
KEEP_ALIVE_S = 75
"""Also the longest that the head of a request may take to arrive."""
LINE_MAX_BYTES = 8190
HEADERS_MAX = 100
HEADER_MAX_BYTES = 8190
LOCK_SUFFIX = ".serving"


class AlreadyServed(Exception):
    """Another server uses the same SQLite file."""

    def __init__(self, path: Path, process: str) -> None:
        super().__init__(process)
        who = f" (process {process})" if process.isdigit() else ""
        self.sentence = f"Another server{who} serves from {path} already."
        self.hint = "Stop it first, or give this one another --data-dir. Several servers share one PostgreSQL."


class AddressTaken(Exception):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(why)
        self.sentence = f"{host} port {port} cannot be listened on: {why}."
        self.hint = "Choose another address with --bind HOST:PORT."


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with our settings; each worker opens the store for itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its configuration; it reads no file and no environment of its own."""
        values: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "worker_class": Worker,
            "logger_class": Journal,
            "worker_connections": CONNECTIONS_PER_WORKER,
            "timeout": WORKER_SILENT_MAX_S,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEP_ALIVE_S,
            "loglevel": "warning",
            "proc_name": "opsmodal",
            # By default a peer on loopback, which a proxy is, may pass on SCRIPT_NAME and PATH_INFO from anybody.
            "forwarder_headers": "",
            # Nor may it say that it came over HTTPS: see `opsmodal.web.proxies`.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "limit_request_line": LINE_MAX_BYTES,
            "limit_request_fields": HEADERS_MAX,
            "limit_request_field_size": HEADER_MAX_BYTES,
            "post_worker_init": self._begin,
            "worker_exit": self._close,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Open the store and make the application, in the worker."""
        self._store = open_store(self._settings.store_url)
        self._app = create_app(self._settings, self._store)
        return Readable(self._app)

    def _begin(self, worker: Worker) -> None:
        worker.leaving = lambda: leave_app(self._app)

    def _close(self, _server: object, _worker: object) -> None:
        if hasattr(self, "_app"):
            close_app(self._app)
            self._store.close()


def demand_free(host: str, port: int) -> None:
    """Raise AddressTaken unless the address can be listened on: gunicorn would try for seconds, and say less."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(host, port, error.strerror or "it is taken") from error


@contextmanager
def prepared(settings: Settings, *, password: str) -> Iterator[Settings]:
    """Take the SQLite file for this server alone, bring the tables up to date, see to a first administrator."""
    with _alone(settings):
        with opened(settings) as installation:
            _see_to_admin(installation, password)
        yield settings


def run(settings: Settings) -> None:
    """Serve until a signal ends it."""
    keep_journal(settings.log_format)
    click.echo(f"opsmodal serves at {_address(settings)}")
    Server(settings).run()


def _see_to_admin(installation: Installation, password: str) -> None:
    """Let somebody in: an administrator by the given password, or by a link while none has a password."""
    people = installation.people
    admins = [user for user in people.users() if user.admin and not user.disabled]
    if any(user.has_password for user in admins):
        if password and people.user(ADMIN) is None:
            note(
                f"OPSMODAL_ADMIN_PASSWORD was not used: there is an administrator already, {admins[0].name}. "
                "“opsmodal user add NAME --admin” adds another."
            )
        return
    if people.user(ADMIN) is None:
        people.add(ADMIN, password=password or None, admin=True)
    elif password:
        people.set_password(ADMIN, password)
    if not password:
        _print_link(people, installation.settings, next((user.name for user in admins), ADMIN))


def _print_link(people: People, settings: Settings, name: str) -> None:
    ticket = people.issue_ticket(name)
    click.echo(f"Nobody has a password yet. Sign in as {name} once, within a minute, with:")
    click.echo(sign_in_link(_address(settings), ticket))
    note(f"Later, “opsmodal user link {name}” prints another one.")


def _address(settings: Settings) -> str:
    return f"http://{settings.bind}"


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold a lock beside the SQLite file; workers inherit it, so that it lasts as long as any of them."""
    if not settings.on_sqlite:
        yield
        return
    database = Path(make_url(settings.store_url).database or "")
    database.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    descriptor = os.open(f"{database}{LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServed(database, file.read(20).strip()) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
