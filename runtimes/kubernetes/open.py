"""Opens a Kubernetes cluster as a Runtime: checks the kubeconfig, asks who answers, and puts the facets together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from connectors.base import Connection
from runtimes.base import Identity, Runtime
from runtimes.errors import Invalid
from runtimes.kubernetes.accounts.acting import ActingAccess, Certless, Who
from runtimes.kubernetes.accounts.facets import by_account
from runtimes.kubernetes.accounts.identities import Identities
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.commands.facet import KubectlCommands
from runtimes.kubernetes.commands.program import NAME
from runtimes.kubernetes.config.facet import NamespaceConfig
from runtimes.kubernetes.debugging.facet import PodDebugging
from runtimes.kubernetes.deployment.facet import WorkloadDeployment
from runtimes.kubernetes.discovery import Discovery
from runtimes.kubernetes.domains.facet import ClusterDomains
from runtimes.kubernetes.figures.recent import RecentFigures
from runtimes.kubernetes.history.facet import ClusterHistory
from runtimes.kubernetes.instances.facet import PodInstances
from runtimes.kubernetes.login import kubeconfig as kubeconfigs
from runtimes.kubernetes.login.access import Access, Login
from runtimes.kubernetes.login.configuring import Dialled, dialled, from_kubeconfig, from_pod
from runtimes.kubernetes.logs.facet import PodLogs
from runtimes.kubernetes.objects.common import Version
from runtimes.kubernetes.overview import PodOverview
from runtimes.kubernetes.pods.restarts import Restarts
from runtimes.kubernetes.pods.rows import Rows
from runtimes.kubernetes.rights import review
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.upkeep.facet import ClusterUpkeep, UpkeepSettings
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.watched import Pace

USUAL_UPKEEP = UpkeepSettings()
SIMULATED = "opsmodal-simulated"
"""In the version that opsmodal's own simulated cluster gives."""


def open_kubernetes(  # noqa: PLR0913  (all that a cluster is opened with, by name)
    name: str,
    *,
    kubeconfig: str | None,
    context: str | None,
    in_cluster: bool = False,
    connection: Connection,
    namespaces: Sequence[str] = (),
    allowed_exec: Sequence[str] = (),
    kubectl: str = NAME,
    timeout_s: float = 10.0,
    upkeep: UpkeepSettings = USUAL_UPKEEP,
) -> Runtime:
    """Open the cluster that a kubeconfig (its YAML, everything inlined) or our own pod leads to.

    `namespaces` are those of the registered services, looked at where listing them all is denied; `allowed_exec` the
    exec plugins that may be run; `kubectl` what typed commands run, by its path or its name on the PATH; `upkeep` what
    is installed and with what is cleaned. Raise Invalid for the configuration, Denied or Unavailable for what answers.
    """
    target, log_in, notes = _way(kubeconfig, context, in_cluster, connection, allowed_exec, timeout_s)
    access = Access(log_in, server=target.server)
    client = Client(access, runtime=name, timeout_s=timeout_s, standing=connection.standing)
    try:
        identity = _identity(client, target, notes)
    except BaseException:
        client.close()
        raise
    identities, connections = Identities(client, access), Certless()

    def made(sender: Client) -> Runtime:
        commands = KubectlCommands(sender, access, identities, server_version=identity.version, named=kubectl)
        cares = ClusterUpkeep(sender, upkeep)
        return replace(_runtime(name, sender, identity, tuple(namespaces), commands), upkeep=cares)

    def acting(namespace: str, account: str) -> Runtime:
        who = Who(namespace, account)
        return made(client.acting(ActingAccess(access=access, identities=identities, connections=connections, who=who)))

    return by_account(made(client), acting, afterwards=connections.close)


def _way(
    kubeconfig: str | None,
    context: str | None,
    in_cluster: bool,
    connection: Connection,
    allowed_exec: Sequence[str],
    timeout_s: float,
) -> tuple[Dialled, Callable[[Path], Login], tuple[tuple[str, str], ...]]:
    """Give what to dial, how to log in, and what a person should know about that."""
    if in_cluster:
        target, log_in = from_pod(connection)
        return target, log_in, (("Credential", "service account of the pod"),)
    if not kubeconfig:
        raise Invalid("The runtime has no kubeconfig.", hint="Give it one in the registry, or set inCluster.")
    chosen = kubeconfigs.chosen(kubeconfig, context, allowed_exec)
    target = dialled(chosen.cluster.server, connection)
    trusting = chosen.cluster.insecure_skip_tls_verify
    notes = (("TLS", kubeconfigs.UNCHECKED),) if trusting else ()
    return target, from_kubeconfig(chosen, target, timeout_s=timeout_s), (("Context", chosen.context), *notes)


def _identity(client: Client, target: Dialled, notes: tuple[tuple[str, str], ...]) -> Identity:
    version = _version(client)
    detail = (("API server", target.server), ("Platform", version.platform), *notes)
    return Identity(
        program="Kubernetes",
        version=version.git_version,
        detail=tuple((key, value) for key, value in detail if value),
        simulated=SIMULATED in version.git_version,
    )


def _version(client: Client) -> Version:
    return client.get("/version", Version, what="the version")


def _runtime(  # what acts as one identity: the runtime's own, or a service's account (`by_account`)
    name: str, client: Client, identity: Identity, namespaces: tuple[str, ...], commands: KubectlCommands
) -> Runtime:
    together, pace = Together(name), Pace()
    rows = Rows(Restarts())
    live = LivePods(client, name, pace=pace, given_back=rows.forget)
    kept = KeptLists(client, name)
    figures = RecentFigures(client, name=name, tell=live.stir, idle_s=pace.idle_s)
    instances = PodInstances(client, together, live, figures, rows)
    history = ClusterHistory(client, kept)
    shown = (("Cluster version", identity.version), *identity.detail)
    parts = (commands, history, live, kept, figures, together, client)

    def check() -> None:
        _version(client)

    def close() -> None:
        for part in parts:
            part.close()

    return Runtime(
        name=name,
        kind="kubernetes",
        identity=identity,
        overview=PodOverview(client, together, live, kept, instances, shown),
        instances=instances,
        logs=PodLogs(client),
        commands=commands,
        deployment=WorkloadDeployment(client, together, live, kept),
        config=NamespaceConfig(client),
        domains=ClusterDomains(client, together, live, kept),
        debugging=PodDebugging(client, live, kept),
        history=history,
        lacks=lambda scope: review.lacks(client, scope.namespace),
        discover=Discovery(client, together, namespaces),
        check=check,
        close=close,
        counts=lambda: live.counts() + kept.counts(),
    )
