"""A service on a real engine behind a real Caddy: containers that answer HTTP, and the Domains facet over both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from connectors.base import Connection
from connectors.direct import Direct
from runtimes.base import Runtime, Scope
from runtimes.docker.open import open_docker
from runtimes.domains import DomainChange, DomainRow, Domains, Proxying
from runtimes.podman.open import open_podman
from tests.contract.worlds import settle
from tests.engines.caddy import Caddy
from tests.engines.containers import ContainerEngine

PROJECT = "com.docker.compose.project"
PORT = "8080"
SERVE = ("httpd", "-f", "-p", PORT, "-h", "/www")


class Host:
    """One host: an engine, Caddy, and the service `own` beside another one."""

    def __init__(
        self,
        kind: Literal["docker", "podman"],
        engine: ContainerEngine,
        caddy: Caddy,
        *,
        over: Connection | None = None,
        admin: str | None = None,
        socket: str = "",
    ) -> None:
        self.kind, self.engine, self.caddy = kind, engine, caddy
        self.scope, self.other = Scope(service="own", project="own"), Scope(service="other", project="other")
        opener = open_docker if kind == "docker" else open_podman
        place = caddy.admin if admin is None else admin
        self.runtime: Runtime = opener(
            "test", socket=socket or str(engine.socket), connection=over or Direct(), proxy_admin=place
        )
        found = self.runtime.domains
        assert found is not None
        self.facet: Domains = found

    def serve(self, name: str, *options: str, service: str = "own", image: str = "") -> str:
        """Run a container that answers `version …` at its port 8080, and wait until its engine has it running."""
        marks = ("--name", name, "--label", f"{PROJECT}={service}")
        more = {"image": image} if image else {}
        self.engine.run(*SERVE, options=[*marks, *options], **more)
        settle(lambda: self.state(name) == "running", f"{name} running")
        return name

    def state(self, name: str) -> str:
        """Ask the engine how a container is."""
        return self.engine.cli("inspect", "--type", "container", "--format", "{{.State.Status}}", name)

    def replace(self, name: str, *options: str, service: str = "own") -> None:
        """Do by hand what an update does: put a container of another image in the place of one, on other addresses."""
        self.engine.cli("rename", name, f"{name}-before")
        self.engine.cli("stop", f"{name}-before")
        self.serve(f"{name}-blocker", service="nobody")  # takes the address that became free
        self.serve(name, *options, service=service, image=self.engine.images[1])
        self.engine.cli("rm", "-f", f"{name}-before")

    def change(self, host: str, name: str = "web", **more: Any) -> DomainChange:
        """Wish for a plain route to a container."""
        options = {name: more.pop(name) for name in Proxying.__slots__ if name in more}
        proxying = Proxying(**{"tls": "none", **options})
        return DomainChange(host=host, backend=name, port=PORT, kind="route", proxying=proxying, **more)

    def rows(self, scope: Scope | None = None) -> dict[str, DomainRow]:
        """Give the rows by host and path."""
        return {f"{row.host}{row.path}": row for row in self.facet.list(scope or self.scope).items}

    def changed(self, row: DomainRow, **more: Any) -> DomainChange:
        """Wish for a row as it is, with something else."""
        options = {name: more.pop(name) for name in Proxying.__slots__ if name in more}
        return DomainChange(
            **{
                "host": row.host,
                "path": row.path,
                "path_type": row.path_type,
                "kind": "route",
                "backend": row.backend,
                "port": row.port,
                "class_name": row.class_name,
                "id": row.id,
                "revision": row.revision,
                "proxying": replace(row.proxying, **options),
                **more,
            }
        )

    def close(self) -> None:
        """Close the runtime."""
        self.runtime.close()
