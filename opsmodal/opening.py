"""Opens a registered runtime: its credentials, its connections by priority, its adapter. The only place that knows
which adapter belongs to which kind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from connectors import Connectors
from connectors.base import Connection, Probe
from connectors.errors import ConnectionProblem
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import AnyConnection, EngineSpec, KubernetesSpec, RuntimeSpec
from opsmodal.speaking import speaks
from opsmodal.ways import options_of
from runtimes.base import Runtime
from runtimes.errors import Invalid, Unavailable

OPEN_TIMEOUT_S = 10.0
KUBECTL = "kubectl"
CONNECTIONS = "connections"
"""The folder inside the data folder that belongs to the connectors."""
ALWAYS = frozenset({"overview", "instances"})
OPTIONAL = ("deployment", "config", "logs", "commands", "domains")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A runtime that is open, and the way that leads to it. `facets` are the tabs that it has something for."""

    runtime: Runtime
    connection: Connection
    connection_name: str
    connection_kind: str

    @property
    def facets(self) -> frozenset[str]:
        """Name the facets that this runtime offers."""
        return ALWAYS | {name for name in OPTIONAL if getattr(self.runtime, name, None) is not None}


class Opening:
    """Open runtimes from their registration."""

    def __init__(
        self,
        registry: Registry,
        connectors: Connectors,
        *,
        allowed_exec: Sequence[str] = (),
        kubectl: str = KUBECTL,
    ) -> None:
        self._kubectl = kubectl
        self._registry = registry
        self._connectors = connectors
        self._allowed_exec = tuple(allowed_exec)

    def signature(self, name: str) -> str:
        """Give a text that changes whenever what is registered for a runtime does; empty when it is gone."""
        registered = self._registry.signature(name)
        return f"{registered} {' '.join(self._namespaces(name))}" if registered else ""

    def open(self, name: str) -> Opened:
        """Open a runtime over the first of its connections that carries. Raise what the last one that failed said."""
        spec = self._registry.runtime(name)
        if spec is None:
            raise Unavailable(f"The runtime {name} is not registered any more.")
        return self.open_spec(spec)

    def open_spec(self, spec: RuntimeSpec) -> Opened:
        """Open a runtime by its specification, with the credentials stored under its name."""
        problem: Exception | None = None
        for way in spec.ways():
            try:
                return self._over(spec, way)
            except (ConnectionProblem, Unavailable) as failed:
                problem = problem or failed
        raise problem or Unavailable(f"The runtime {spec.name} has no connection.")

    def connect(self, spec: RuntimeSpec, way: AnyConnection) -> Connection:
        """Make a connection of a runtime, without dialling anything. Raise NotAvailable."""
        return self._connectors.open(options_of(self._registry, spec, way))

    def over(self, spec: RuntimeSpec, way: AnyConnection, connection: Connection) -> Opened:
        """Open a runtime over a connection, which stays the caller's to close. Raise what it says."""
        runtime = self._runtime(spec, connection)
        return Opened(runtime=runtime, connection=connection, connection_name=way.name, connection_kind=way.kind)

    def address(self, spec: RuntimeSpec) -> str:
        """Give what a connection of the runtime has to reach. Raise Invalid for a kubeconfig that names nothing."""
        if not isinstance(spec, KubernetesSpec):
            return spec.socket
        if spec.in_cluster:
            # Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
            host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
            if not host:
                raise Invalid("opsmodal does not run in a pod with a service account.", hint="Give a kubeconfig.")
            return f"https://{f'[{host}]' if ':' in host else host}:{port}"
        from runtimes.kubernetes.login.kubeconfig import chosen

        kubeconfig = self._registry.credential("runtimes", spec.name, "kubeconfig") or ""
        context = spec.kubeconfig.context or None if spec.kubeconfig else None
        return chosen(kubeconfig, context, self._allowed_exec).cluster.server

    def probe(self, spec: RuntimeSpec, connection: Connection, *, timeout_s: float) -> Probe:
        """Try whether a runtime's server answers over a connection; never raises for one that does not."""
        began = time.monotonic()
        try:
            address = self.address(spec)
            found = connection.probe(address, timeout_s=timeout_s)
            left_s = max(0.1, timeout_s - (time.monotonic() - began))
            problem = speaks(address, connection.reach(address), timeout_s=left_s) if found.ok else ""
        except (ConnectionProblem, Invalid) as refused:
            return Probe(ok=False, latency_ms=None, sentence=refused.sentence, hint=refused.hint)
        return replace(found, ok=False, sentence=problem) if problem else found

    def _over(self, spec: RuntimeSpec, way: AnyConnection) -> Opened:
        connection = self.connect(spec, way)
        try:
            return self.over(spec, way, connection)
        except BaseException:
            connection.close()
            raise

    def _runtime(self, spec: RuntimeSpec, connection: Connection) -> Runtime:
        if isinstance(spec, KubernetesSpec):
            return self._kubernetes(spec, connection)
        return self._engine(spec, connection)

    def _kubernetes(self, spec: KubernetesSpec, connection: Connection) -> Runtime:
        from runtimes.kubernetes.open import open_kubernetes
        from runtimes.kubernetes.upkeep.facet import UpkeepSettings

        metrics, cleanup, usual = spec.metrics_server, spec.image_cleanup, UpkeepSettings()
        return open_kubernetes(
            spec.name,
            kubeconfig=self._registry.credential("runtimes", spec.name, "kubeconfig"),
            context=spec.kubeconfig.context or None if spec.kubeconfig else None,
            in_cluster=spec.in_cluster,
            connection=connection,
            namespaces=self._namespaces(spec.name),
            allowed_exec=self._allowed_exec,
            kubectl=self._kubectl,
            timeout_s=OPEN_TIMEOUT_S,
            upkeep=UpkeepSettings(
                metrics_image=metrics.image or usual.metrics_image,
                metrics_flags=metrics.flags,
                cleaner_image=cleanup.image or usual.cleaner_image,
            ),
        )

    def _engine(self, spec: EngineSpec, connection: Connection) -> Runtime:
        from runtimes.docker.open import open_docker
        from runtimes.engine.tls import TLS
        from runtimes.podman.open import open_podman

        tls = None
        if spec.tls is not None:
            texts = {
                part: self._registry.credential("runtimes", spec.name, f"tls.{part}")
                for part in ("ca", "certificate", "key")
            }
            tls = TLS(**{part: text or "" for part, text in texts.items()})
        opener = open_docker if spec.kind == "docker" else open_podman
        return opener(
            spec.name,
            socket=spec.socket,
            connection=connection,
            tls=tls,
            timeout_s=OPEN_TIMEOUT_S,
            proxy_admin=spec.proxy_admin or "",
            logins=partial(self._registry.logins.login, spec.name),
        )

    def _namespaces(self, runtime: str) -> list[str]:
        services = self._registry.services()
        return sorted({service.namespace for service in services if service.runtime == runtime and service.namespace})
