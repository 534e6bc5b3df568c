"""The Upkeep facet of a cluster: Metrics Server, and the images on its nodes.

Both are the cluster's, not the service's: whoever offers them says so. Nothing here is done by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runtimes.base import Scope
from runtimes.errors import Conflict, RuntimeProblem
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.held import Model
from runtimes.kubernetes.upkeep import cleaner, manifest, standing
from runtimes.kubernetes.upkeep.cleaning import Cleaning, Node, chosen, nodes, unused
from runtimes.kubernetes.upkeep.installing import MetricsServers
from runtimes.kubernetes.upkeep.lately import Lately
from runtimes.planning import Plan
from runtimes.structs import make_ready
from runtimes.upkeep import Cleanup, MetricsServer, Telling

PODS_PATH = "/api/v1/pods"
GIB = 2**30
ALL_NODES = "all nodes"
BY_HAND = (
    "By hand it is not quite the same: each debugging pod stays in the cluster until somebody deletes it, and a node "
    "of k3s wants “k3s crictl”."
)
BY_HAND_ONE = f"{BY_HAND} It also deletes an image that a container still uses, which is not done here."
KUBELET_TELLS = "The counts are of the 50 largest images of each node: a kubelet tells of no more."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepSettings:
    """What is installed, and with what is cleaned: settings of the runtime in the registry."""

    metrics_image: str = manifest.DEFAULT_IMAGE
    metrics_flags: tuple[str, ...] = ()
    cleaner_image: str = cleaner.DEFAULT_IMAGE


class RunningContainer(Model, frozen=True):
    image: str = ""
    image_id: str = ""


class RunningStatus(Model, frozen=True):
    container_statuses: tuple[RunningContainer, ...] | None = None
    init_container_statuses: tuple[RunningContainer, ...] | None = None


class RunningPod(Model, frozen=True):
    """A pod, of which only the images count."""

    status: RunningStatus = RunningStatus()


class ClusterUpkeep:
    """What can be done about a cluster with the identity of its runtime."""

    def __init__(self, client: Client, settings: UpkeepSettings) -> None:
        self._client = client
        self._settings = settings
        self._metrics = MetricsServers(client, settings.metrics_image, settings.metrics_flags)
        self._answering: Lately[MetricsServer] = Lately()
        self._nodes: Lately[tuple[str, ...]] = Lately()

    def metrics_server(self, scope: Scope, *, diagnose: bool = False, lately: bool = False) -> MetricsServer:
        """Say how the Metrics API stands. Raise RuntimeProblem where the cluster does not answer.

        Whether it answers is asked each time; with `lately` who serves it may be known from a minute ago.
        """
        known = self._answering.known() if lately and not diagnose else None
        if known is not None and standing.answers(self._client, scope.namespace) is None:
            return known
        found = standing.standing(self._client, scope.namespace, diagnose=diagnose)
        if found.state == "answering" and not diagnose:
            self._answering.keep(found)
        return found

    def plan_metrics_server(self, scope: Scope, *, remove: bool = False) -> Plan:  # noqa: ARG002  (as the contract has it)
        """Say what installing or removing would do. Raise RuntimeProblem for what it would be refused with."""
        return self._metrics.plan_remove() if remove else self._metrics.plan_install()

    def install_metrics_server(self, scope: Scope, tell: Telling) -> None:
        """Install or reinstall it, and go on until the Metrics API answers. Raise RuntimeProblem when it does not."""
        try:
            self._metrics.install(scope, tell)
        finally:
            self._answering.forget()

    def remove_metrics_server(self, scope: Scope, tell: Telling) -> None:  # noqa: ARG002  (as the contract has it)
        """Take it away. Raise RuntimeProblem."""
        try:
            self._metrics.remove(tell)
        finally:
            self._answering.forget()

    def nodes(self, scope: Scope, *, lately: bool = False) -> tuple[str, ...]:  # noqa: ARG002  (nodes are the cluster's)
        """Name the nodes. Raise RuntimeProblem, Denied for who may not read nodes."""

        def names() -> tuple[str, ...]:
            return tuple(node.metadata.name for node in nodes(self._client))

        return self._nodes.asked(names) if lately else names()

    def plan_cleanup(self, scope: Scope, cleanup: Cleanup) -> Plan:  # noqa: ARG002  (nodes are the cluster's)
        """Say what a cleanup would hit. Raise Disallowed where policy forbids it, and any other RuntimeProblem."""
        wanted = chosen(nodes(self._client), cleanup)
        ready = [node for node in wanted if node.is_ready]
        if not ready:
            raise Conflict("None of these nodes is ready, so nothing can be cleaned there.", hint="Try again later.")
        self._cleaning(cleanup).demand_allowed(ready[0].metadata.name)
        of = f"image {cleanup.image}" if cleanup.image else "unused images"
        return Plan(
            target=f"node/{cleanup.node}" if cleanup.node else ALL_NODES,
            summary=f"Delete {of} on {cleanup.node or _counted(len(wanted))}",
            command=_command(wanted, cleanup),
            warnings=tuple(_warnings(wanted, cleanup)),
            hits=tuple(self._hits(wanted, cleanup)),
        )

    def clean_images(self, scope: Scope, cleanup: Cleanup, tell: Telling) -> None:  # noqa: ARG002  (as above)
        """Clean, and leave no pod of it. Raise RuntimeProblem where some node could not be cleaned."""
        wanted = chosen(nodes(self._client), cleanup)
        ready = next((node for node in wanted if node.is_ready), wanted[0])
        cleaning = self._cleaning(cleanup)
        cleaning.demand_allowed(ready.metadata.name)
        cleaning.run(wanted, tell)

    def _cleaning(self, cleanup: Cleanup) -> Cleaning:
        return Cleaning(self._client, cleanup, self._settings.cleaner_image)

    def _hits(self, wanted: Sequence[Node], cleanup: Cleanup) -> Iterator[str]:
        for node in wanted:
            name = node.metadata.name
            if not node.is_ready:
                yield f"{name}: not ready, is left out"
            elif cleanup.image:
                yield f"{name}: {cleanup.image}, unless it is in use there"
            else:
                yield f"{name}: {self._room(node)}"

    def _room(self, node: Node) -> str:
        """Say how much would go from a node, as far as that can be known from outside."""
        if not node.status.images:
            return "its unused images"
        query = {"fieldSelector": f"spec.nodeName={node.metadata.name}"}
        try:
            pods = self._client.listed(PODS_PATH, RunningPod, what="pods", query=query)
        except RuntimeProblem:
            return "its unused images"
        used = frozenset(text for pod in pods for text in _images(pod))
        going = list(unused(node, used))
        size = sum(image.size_bytes for image in going) / GIB
        return f"about {len(going)} unused images, {size:.1f} GiB"


def _images(pod: RunningPod) -> Iterator[str]:
    for each in (*(pod.status.container_statuses or ()), *(pod.status.init_container_statuses or ())):
        yield from (each.image, each.image_id)


def _counted(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _command(wanted: Sequence[Node], cleanup: Cleanup) -> str:
    """Give what does the same by hand: one line a node, or a loop over them."""
    crictl = ["crictl", "rmi", cleanup.image or "--prune"]
    debug = ["kubectl", "-n", cleaner.NAMESPACE, "debug", "--profile=sysadmin", "-it", "--image=busybox"]
    if cleanup.node:
        return shlex.join([*debug, f"node/{cleanup.node}", "--", "chroot", "/host", *crictl])
    names = shlex.join(node.metadata.name for node in wanted)
    return (
        f'for node in {names}; do {shlex.join(debug)} "node/$node" -- {shlex.join(["chroot", "/host", *crictl])}; done'
    )


def _warnings(wanted: Sequence[Node], cleanup: Cleanup) -> Iterator[str]:
    yield "The nodes are the cluster's: images that other services use next have to be pulled again."
    yield f"A privileged pod runs on each node for a moment, in {cleaner.NAMESPACE}; nothing of it stays."
    if any(node.status.images for node in wanted) and not cleanup.image:
        yield KUBELET_TELLS
    yield BY_HAND_ONE if cleanup.image else BY_HAND


make_ready(globals())
