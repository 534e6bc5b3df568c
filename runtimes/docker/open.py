"""Opens a Docker engine. Compose projects are recognised by the labels that docker compose writes."""

from __future__ import annotations

from connectors.base import Connection
from runtimes.base import Runtime
from runtimes.engine.opening import open_engine
from runtimes.engine.tls import TLS
from runtimes.registries import Logins, no_logins
from runtimes.watched import Pace

TIMEOUT_S = 10.0


def open_docker(
    name: str,
    *,
    socket: str,
    connection: Connection,
    tls: TLS | None = None,
    timeout_s: float = TIMEOUT_S,
    pace: Pace | None = None,
    proxy_admin: str = "",
    logins: Logins = no_logins,
) -> Runtime:
    """Open the Docker engine at `socket` (a path, `unix:///path` or `tcp://host:port`) within `timeout_s`.

    `pace` is how its live list is kept, `proxy_admin` the admin address of the host's Caddy ("" without one), `logins`
    gives what signs in to registries. Raise Invalid, Denied or Unavailable with a sentence and what to do.
    """
    return open_engine(
        name,
        kind="docker",
        socket=socket,
        connection=connection,
        tls=tls,
        timeout_s=timeout_s,
        pace=pace,
        proxy_admin=proxy_admin,
        logins=logins,
    )
