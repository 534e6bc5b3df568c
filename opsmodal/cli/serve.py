"""`serve`: the production server, gunicorn with gevent workers.

The standard library is patched for gevent before anything that opens sockets or makes locks is imported; that is why
nothing is imported here that would import such things.
"""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import click

from opsmodal.cli.opened import settings_of

if TYPE_CHECKING:
    from opsmodal.settings import Settings

ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")
ANY_HOST = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared with, not bound to)
PORT_MAX = 65535


@click.command()
@click.option("--data-dir", metavar="DIR", help="Where opsmodal keeps its data. [OPSMODAL_DATA_DIR]")
@click.option("--database-url", metavar="URL", help="SQLite in the data folder unless given. [OPSMODAL_DATABASE_URL]")
@click.option("--bind", metavar="HOST:PORT", help="Where to listen, 127.0.0.1:8080 unless given. [OPSMODAL_BIND]")
@click.option("--workers", metavar="N", help="Processes that serve; more than one needs PostgreSQL. [OPSMODAL_WORKERS]")
def serve(data_dir: str | None, database_url: str | None, bind: str | None, workers: str | None) -> None:
    """Serve opsmodal.

    OPSMODAL_ADMIN_PASSWORD gives the first administrator, admin, a password; without it a link is printed that signs
    admin in once.
    """
    from gevent import monkey

    monkey.patch_all()
    settings = settings_of(data_dir=data_dir, database_url=database_url, bind=bind, workers=workers)
    host, port = bind_address(settings.bind)

    from opsmodal.cli.production import demand_free, prepared, run

    password = os.environ.pop("OPSMODAL_ADMIN_PASSWORD", "")
    demand_free(host, port)
    with prepared(_known_as(settings, host), password=password) as ready:
        run(ready)


def bind_address(text: str) -> tuple[str, int]:
    """Give host and port of HOST:PORT, `[::1]:8080` for IPv6. Raise click.BadParameter."""
    found = ADDRESS.fullmatch(text.strip())
    if found is None or int(found["port"]) > PORT_MAX:
        message = f"must be HOST:PORT, like 127.0.0.1:8080 or [::1]:8080, not {text[:80]!r}"
        raise click.BadParameter(message, param_hint="--bind (OPSMODAL_BIND)")
    return found["host"].strip("[]").lower(), int(found["port"])


def _known_as(settings: Settings, host: str) -> Settings:
    """Answer to the host that is listened on; when that is every one, to this machine's own name."""
    from opsmodal.settings import answering_to

    return answering_to(settings, socket.gethostname().lower() if host in ANY_HOST else host)
