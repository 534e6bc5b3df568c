"""The Commands facet of Kubernetes: kubectl as a child of the server, with a kubeconfig of its own for each run.

Nothing is judged here, and nothing is read that was typed: an argv comes from a guard. What a missed bypass could reach
is bounded by the identity (`accounts.identities`), by the one cluster and namespace that the child knows
(`accounts.private`), and by the empty folder and environment that it lives in (`runtimes.child`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from runtimes.base import Scope
from runtimes.child import Child, Children
from runtimes.commands import Command, Containers, Kinds, Scaled, Started
from runtimes.errors import Invalid, Unavailable, Unsupported
from runtimes.kubernetes.accounts import private
from runtimes.kubernetes.accounts.identities import Identities
from runtimes.kubernetes.accounts.private import Identity
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.commands import program, scaled, targets
from runtimes.kubernetes.commands.cache import Cache
from runtimes.kubernetes.commands.customs import Customs
from runtimes.kubernetes.commands.execs import Execs
from runtimes.kubernetes.commands.program import Program
from runtimes.kubernetes.config import tokensecrets
from runtimes.kubernetes.login.access import Access

KUBECONFIG = "kubeconfig"


class KubectlCommands:
    """Commands on one cluster. `server_version` is what it said when it was opened; `named` the kubectl to run."""

    program = program.NAME
    hosts = False

    def __init__(
        self, client: Client, access: Access, identities: Identities, *, server_version: str, named: str
    ) -> None:
        self._client = client
        self._access = access
        self._server_version = server_version
        self._children = Children()
        self._program = Program(self._children, named)
        self._identities = identities
        self._customs = Customs(client)
        self._execs = Execs()
        self._cache = Cache(self._children)

    def missing(self) -> str:
        """Say what to install on the server; "" when kubectl is there."""
        return self._program.missing()

    def containers(self, scope: Scope) -> Containers:  # noqa: ARG002  (the contract's)
        """Name none: on Kubernetes a container is named in the command itself."""
        return Containers(own={}, other={})

    def kinds(self) -> Kinds:
        """Name the custom kinds of the cluster, kept for a minute. Raise RuntimeProblem when it does not tell."""
        return self._customs.get()

    def scaled(self, scope: Scope) -> Scaled:
        """Say what autoscalers own in the namespace, as it is now. Raise RuntimeProblem when it does not tell."""
        return scaled.scaled(self._client, scope)

    def tokens(self, scope: Scope) -> frozenset[str]:
        """Name the Secrets that hold tokens of the cluster. Raise RuntimeProblem when it does not tell."""
        return tokensecrets.names(self._client, scope)

    def run(self, scope: Scope, command: Command) -> Started:
        """Begin to run kubectl; see `runtimes.commands.Commands`."""
        if command.where != "cli" or command.container:
            raise Unsupported("On Kubernetes, commands run as kubectl.", hint="Type: kubectl exec POD -- COMMAND")
        if command.argv[:1] != (program.NAME,):
            raise Invalid(f"On Kubernetes, a command begins with {program.NAME}.")
        kubectl = self._program.get()
        identity = self._identities.of(scope.namespace, command.identity, for_s=command.limit_s)
        given, cache = self._kubeconfig(scope.namespace, identity), self._cache.folder()

        def start(argv: Sequence[str], afterwards: Sequence[str], limit_s: float) -> Child:
            return self._children.run(
                argv,
                program=kubectl.path,
                limit_s=limit_s,
                files={KUBECONFIG: given},
                environment=lambda folder: _environment(folder, cache),
                afterwards=afterwards,
            )

        far = program.skew(kubectl.version, self._server_version)
        notes = (far,) if far else ()
        if not command.inner:
            return Started(stream=start(command.argv, (), command.limit_s), identity=identity.name, notes=notes)
        pinned = targets.pinned(self._client, scope.namespace, command)
        stream, told = self._execs.run(scope.namespace, pinned, start)
        return Started(stream=stream, identity=identity.name, notes=(*notes, *told))

    def close(self) -> None:
        """End what runs and remove what was written. May be called twice."""
        self._children.close()

    def _kubeconfig(self, namespace: str, identity: Identity) -> bytes:
        try:
            return private.kubeconfig(self._access.login(), namespace, identity)
        except OSError as error:  # its key material goes when it is closed
            raise Unavailable("The way to the API server is being closed.", hint="Load the page again.") from error


def _environment(given: Path, cache: Path) -> Mapping[str, str]:
    """Name the kubeconfig. A file of preferences (kuberc, on by default since 1.34) could add flags and aliases."""
    return {"KUBECONFIG": str(given / KUBECONFIG), "KUBERC": "off", "KUBECACHEDIR": str(cache)}
