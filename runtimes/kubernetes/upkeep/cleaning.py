"""Cleans the images of nodes: runs one short-lived pod on each, tells what it prints, and leaves nothing of it.

A few nodes are cleaned at once. Pods of a cleaning that was cut off, together with the process that ran it, end by
themselves and are taken away by the next one. Where policy forbids privileged pods, nothing is begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from runtimes.errors import Conflict, Disallowed, Invalid, Missing, RuntimeProblem, Stale
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.common import Metadata, OnlyMetadata
from runtimes.kubernetes.objects.held import Model
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.status import STARTING, TERMINAL
from runtimes.kubernetes.upkeep import cleaner
from runtimes.kubernetes.upkeep.standing import read_log
from runtimes.planning import Progress, Step
from runtimes.structs import make_ready
from runtimes.upkeep import Cleanup, Telling

NODES_PATH = "/api/v1/nodes"
AT_ONCE = 5
"""Nodes cleaned at a time: each deletes much from its disk while it serves."""
NODES_MAX = 200
PULLED_WITHIN_S = 120.0
"""How long a pod may take to begin."""
LOOK_S = 1.0
LOG_LINES = 200
OUTPUT_MAX_CHARS = 1500
"""Of what a node printed, the end: a step is read, not searched."""
BROKEN = frozenset({"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"})
PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})
FORBIDDEN_HINT = (
    "Cleaning images needs a privileged pod for a moment. Who runs the cluster can allow it in kube-system, or clean "
    "on the node itself: crictl rmi --prune"
)


class NodeCondition(Model, frozen=True):
    type: str = ""
    status: str = ""


class NodeImage(Model, frozen=True):
    names: tuple[str, ...] | None = None
    size_bytes: int = 0


class NodeStatus(Model, frozen=True):
    conditions: tuple[NodeCondition, ...] | None = None
    images: tuple[NodeImage, ...] | None = None


class Node(Model, frozen=True):
    """Of a node what says whether pods run there, and which images its kubelet tells of: the 50 largest."""

    metadata: Metadata = Metadata()
    status: NodeStatus = NodeStatus()

    @property
    def is_ready(self) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in self.status.conditions or ())


def nodes(client: Client) -> list[Node]:
    """Read the nodes, by name. Raise RuntimeProblem."""
    return sorted(client.listed(NODES_PATH, Node, what="nodes"), key=lambda node: node.metadata.name)


def chosen(known: Sequence[Node], cleanup: Cleanup) -> list[Node]:
    """Give the nodes that a cleanup is for. Raise Invalid or Missing."""
    if cleanup.image and not cleaner.REFERENCE.fullmatch(cleanup.image):
        raise Invalid(f"{cleanup.image[:100]!r} is no name of an image.", hint="Give it as pods do: registry/name:tag.")
    wanted = [node for node in known if cleanup.node in ("", node.metadata.name)]
    if not wanted:
        names = ", ".join(node.metadata.name for node in known[:10])
        raise Missing(f'There is no node "{cleanup.node[:100]}".', hint=f"There are: {names}." if names else "")
    if len(wanted) > NODES_MAX:
        raise Invalid(f"{len(wanted)} nodes are too many at once.", hint="Clean them one after another, by name.")
    return wanted


@dataclass(slots=True)
class OneNode:
    """A node that is being cleaned."""

    name: str
    step: Step
    pod: str = ""
    uid: str = ""
    began: float = 0.0
    is_over: bool = False

    def end(self, state: str, detail: str) -> None:
        self.step = Step(name=self.name, state="done" if state == "done" else "failed", detail=detail)
        self.is_over = True


@dataclass(slots=True)
class Cleaning:
    """One cleaning, from its first pod to its last."""

    client: Client
    cleanup: Cleanup
    image: str
    pause: Callable[[float], None] = sleep
    clock: Callable[[], float] = monotonic
    all: dict[str, OneNode] = field(default_factory=dict)

    def demand_allowed(self, node: str) -> None:
        """Have the server try the pod. Raise Disallowed where policy forbids it, Denied where we may not make it."""
        try:
            self._create(node, query={"dryRun": "All"})
        except Disallowed as refused:
            sentence = f"This cluster does not let images be cleaned from here. {refused.sentence}"
            raise Disallowed(sentence, hint=FORBIDDEN_HINT, detail=refused.detail, rule=refused.rule) from refused

    def run(self, wanted: Sequence[Node], tell: Telling) -> None:
        """Clean the nodes. Raise Conflict when some could not be; whatever happens, no pod of it stays."""
        self.all = {node.metadata.name: _begun(node) for node in wanted}
        self._sweep()
        try:
            while not all(node.is_over for node in self.all.values()):
                for node in self._at_hand():
                    self._step(node)
                tell(self._progress())
                self.pause(LOOK_S)
        finally:
            self._sweep()
        tell(self._progress())
        failed = [node.name for node in self.all.values() if node.step.state == "failed"]
        if failed:
            raise Conflict(f"{len(failed)} of {len(self.all)} nodes could not be cleaned: {', '.join(failed[:10])}.")

    def _at_hand(self) -> list[OneNode]:
        waiting = [node for node in self.all.values() if not node.is_over]
        return sorted(waiting, key=lambda node: not node.pod)[:AT_ONCE]

    def _step(self, node: OneNode) -> None:
        if not node.pod:
            self._begin(node)
            return
        try:
            pod = self.client.get(self._path(node.pod), Pod, what=f"pod {node.pod}")
        except Missing:
            node.end("failed", "Its pod was deleted by somebody else.")
            return
        if pod.status.phase in TERMINAL:
            self._end(node, pod)
        elif trouble := _trouble(pod, late=self.clock() - node.began > PULLED_WITHIN_S):
            self._take_away(node, "failed", trouble)
        else:
            detail = "Cleaning" if pod.status.phase == "Running" else "Starting the pod"
            node.step = Step(name=node.name, state="running", detail=detail)

    def _begin(self, node: OneNode) -> None:
        try:
            made = self._create(node.name)
        except RuntimeProblem as problem:
            node.end("failed", problem.sentence)
            return
        node.pod, node.uid, node.began = made.metadata.name, made.metadata.uid, self.clock()
        node.step = Step(name=node.name, state="running", detail="Starting the pod")

    def _end(self, node: OneNode, pod: Pod) -> None:
        try:
            output = read_log(self.client, cleaner.NAMESPACE, node.pod, lines=LOG_LINES).strip()
        except RuntimeProblem as problem:
            output = f"What it printed could not be read: {problem.sentence}"
        if pod.status.phase == "Succeeded":
            self._take_away(node, "done", output[-OUTPUT_MAX_CHARS:] or "There was nothing to delete.")
        else:
            why = output[-OUTPUT_MAX_CHARS:] or pod.status.message or "It failed and printed nothing."
            self._take_away(node, "failed", why)

    def _take_away(self, node: OneNode, state: str, detail: str) -> None:
        self._delete(node.pod, node.uid)
        node.end(state, detail)

    def _create(self, node: str, *, query: Mapping[str, str] | None = None) -> OnlyMetadata:
        body = cleaner.pod(node, image=self.image, cleanup_image=self.cleanup.image)
        path = paths.collection(cleaner.NAMESPACE, "pods")
        return self.client.write("POST", path, OnlyMetadata, body, what=f"a pod on {node}", query=query)

    def _sweep(self) -> None:
        """Delete the pods of this cleaning, and those that an earlier one has left: older than any can run."""
        path = paths.collection(cleaner.NAMESPACE, "pods")
        query = {"labelSelector": cleaner.SELECTOR}
        own = {node.pod for node in self.all.values()}
        before = datetime.now(UTC) - timedelta(seconds=cleaner.RUNS_WITHIN_S)
        for pod in self.client.listed(path, Pod, what="pods", query=query):
            made_at = pod.metadata.creation_timestamp
            if pod.metadata.name in own or (made_at is not None and made_at < before):
                self._delete(pod.metadata.name, pod.metadata.uid)

    def _delete(self, name: str, uid: str) -> None:
        try:
            self.client.delete(self._path(name), what=f"pod {name}", uid=uid, grace_s=0)
        except (Missing, Stale):
            return

    def _path(self, name: str) -> str:
        return paths.single(cleaner.NAMESPACE, "pods", name)

    def _progress(self) -> Progress:
        steps = tuple(node.step for node in self.all.values())
        over, failed = sum(node.is_over for node in self.all.values()), [s for s in steps if s.state == "failed"]
        if over < len(steps):
            return Progress(state="running", sentence=f"{over} of {len(steps)} nodes are done.", steps=steps)
        sentence = f"{len(steps) - len(failed)} of {len(steps)} nodes were cleaned."
        return Progress(state="failed" if failed else "done", sentence=sentence, steps=steps)


def _begun(node: Node) -> OneNode:
    name = node.metadata.name
    begun = OneNode(name=name, step=Step(name=name, state="waiting"))
    if not node.is_ready:
        begun.end("failed", "The node is not ready: no pod runs there.")
    return begun


def _trouble(pod: Pod, *, late: bool) -> str:
    """Say why a pod will not begin, "" as long as it may."""
    for status in pod.status.container_statuses or ():
        waiting = status.state.waiting
        if waiting is not None and (waiting.reason in BROKEN or (late and waiting.reason not in STARTING)):
            return f"Its pod cannot start: {waiting.message or waiting.reason}"
        if waiting is not None and waiting.reason in PULLING:
            return f"The image of its pod cannot be pulled: {waiting.message or waiting.reason}"
    if late and pod.status.phase == "Pending":
        return f"Its pod did not start within {PULLED_WITHIN_S:g} s."
    return ""


def unused(node: Node, used: frozenset[str]) -> Iterator[NodeImage]:
    """Give the images of a node that none of `used` (names and ids) names, of those its kubelet tells of."""
    for image in node.status.images or ():
        if used.isdisjoint(image.names or ()):
            yield image


make_ready(globals())
