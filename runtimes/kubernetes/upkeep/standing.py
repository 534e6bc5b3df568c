"""Says how the Metrics API stands: whether it answers, and why it does not. Changes nothing.

Whoever may not look into kube-system still learns whether the API answers: that is asked in the service's namespace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from runtimes.base import Event
from runtimes.errors import Denied, Missing, RuntimeProblem
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.events import newest_first
from runtimes.kubernetes.objects.common import OnlyMetadata, Page
from runtimes.kubernetes.objects.neighbours import EventObject, ObjectReference
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.status import STARTING, condition_is, printed
from runtimes.kubernetes.upkeep.serving import Serving, serving
from runtimes.upkeep import MetricsServer

STARTS_WITHIN = timedelta(minutes=3)
"""How long it may take before what does not answer counts as failing: an image to pull, and two rounds of measuring."""
LOG_LINES = 40
LOG_MAX_BYTES = 64 * 1024
EVENTS_MAX = 20
UNSIGNED = "x509: "
UNSIGNED_HINT = (
    "The kubelets show certificates that nobody signed: let them have signed ones (serverTLSBootstrap), or give "
    "metricsServer of this runtime in the registry the flag --kubelet-insecure-tls."
)
INSTALL_HINT = "Install metrics-server here, or have whoever runs the cluster do it."


def answers(client: Client, namespace: str) -> RuntimeProblem | None:
    """Ask the Metrics API for one pod of a namespace; give why it does not answer, None when it does."""
    try:
        client.get(paths.pod_metrics(namespace), Page[OnlyMetadata], what="the Metrics API", query={"limit": 1})
    except RuntimeProblem as problem:
        return problem
    return None


def standing(client: Client, namespace: str, *, diagnose: bool = False, now: datetime | None = None) -> MetricsServer:
    """Say how the Metrics API stands. Raise RuntimeProblem where the cluster itself does not answer."""
    problem = answers(client, namespace)
    try:
        found = serving(client)
    except Denied as denied:
        return _unseen(problem, denied)
    said = _judged(problem, found, now or datetime.now(UTC))
    said = replace(said, ours=bool(found and found.ours), image=found.image if found else "")
    return _with_diagnostics(client, said, found) if diagnose and found is not None else said


def _unseen(problem: RuntimeProblem | None, denied: Denied) -> MetricsServer:
    if problem is None:
        return MetricsServer(state="answering", sentence="The Metrics API answers.", hint=denied.sentence)
    if isinstance(problem, Missing):
        return MetricsServer(state="absent", sentence="The cluster has no Metrics API.", hint=INSTALL_HINT)
    return MetricsServer(state="unknown", sentence=problem.sentence, hint=f"{denied.sentence} {denied.hint}".strip())


def _judged(problem: RuntimeProblem | None, found: Serving | None, now: datetime) -> MetricsServer:
    if found is None:
        sentence = "The cluster has no Metrics API: nobody measures what pods use, and autoscalers on CPU cannot work."
        return MetricsServer(state="absent", sentence=sentence, hint=INSTALL_HINT)
    by = f"{found.name} in {found.namespace} serves it" if found.name else "the cluster itself serves it"
    if problem is None or (isinstance(problem, Denied) and not found.message):
        return MetricsServer(state="answering", sentence=f"The Metrics API answers: {by}.")
    why = _why(found) or found.message or problem.sentence
    if _is_starting(found, now):
        return MetricsServer(state="starting", sentence=_because("The Metrics API does not answer yet", why))
    hint = "Its events and last log lines say more; reinstalling it replaces its pods."
    return MetricsServer(state="failing", sentence=_because("The Metrics API does not answer", why), hint=hint)


def _is_starting(found: Serving, now: datetime) -> bool:
    """Say whether what does not answer is young, and nothing is known to be wrong with it."""
    if any(_trouble(pod) for pod in found.pods):
        return False
    times = [pod.metadata.creation_timestamp for pod in found.pods] or [found.made_at]
    youngest = max((at for at in times if at is not None), default=None)
    return youngest is not None and now - youngest < STARTS_WITHIN


def _why(found: Serving) -> str:
    """Say what is wrong with the pods, "" when that is not known."""
    if found.name and not found.pods:
        return f"{found.name} in {found.namespace} has no pods."
    for pod in found.pods:
        if not condition_is(pod, "Ready"):
            trouble = _trouble(pod)
            return f"Pod {pod.metadata.name} is {printed(pod).word}{f': {trouble}' if trouble else ''}."
    return ""


def _trouble(pod: Pod) -> str:
    """Give why a container cannot run, in the kubelet's words; "" for one that runs or begins to."""
    for status in pod.status.container_statuses or ():
        waiting = status.state.waiting
        if waiting is not None and waiting.reason not in STARTING:
            return (waiting.message or waiting.reason).rstrip(".")
    return ""


def _with_diagnostics(client: Client, said: MetricsServer, found: Serving) -> MetricsServer:
    logs = tuple(line for pod in found.pods for line in _last_lines(client, pod))
    hint = UNSIGNED_HINT if said.state != "answering" and any(UNSIGNED in line for line in logs) else said.hint
    return replace(said, events=_events(client, found), logs=logs, hint=hint)


def _events(client: Client, found: Serving) -> tuple[Event, ...]:
    if not found.name:
        return ()
    names = {found.name, *(pod.metadata.name for pod in found.pods)}

    def is_its(about: ObjectReference) -> bool:
        # A ReplicaSet's name is the Deployment's with a hash of letters and digits.
        return about.name in names or (about.kind == "ReplicaSet" and about.name.rpartition("-")[0] == found.name)

    try:
        known = client.listed(paths.collection(found.namespace, "events"), EventObject, what="events")
    except RuntimeProblem:
        return ()
    return newest_first(known, only=is_its)[:EVENTS_MAX]


def _last_lines(client: Client, pod: Pod) -> Sequence[str]:
    """Give the last lines of a pod's log, each with the pod's name; what has no log gives none."""
    name = pod.metadata.name
    try:
        text = read_log(client, pod.metadata.namespace, name, lines=LOG_LINES)
    except RuntimeProblem:
        return ()
    return [f"{name}: {line}" for line in text.splitlines()]


def read_log(client: Client, namespace: str, pod: str, *, lines: int) -> str:
    """Read the last lines of a pod's log, at most LOG_MAX_BYTES. Raise RuntimeProblem."""
    path = paths.single(namespace, "pods", pod, sub="log")
    query = {"tailLines": lines, "limitBytes": LOG_MAX_BYTES}
    chunks = client.stream(path, what=f"the log of pod {pod}", query=query)
    try:
        return b"".join(chunks).decode(errors="replace")
    finally:
        chunks.close()


def _because(what: str, why: str) -> str:
    """Put a sentence behind a colon; names keep their case."""
    first = why.split(" ", 1)[0]
    return f"{what}: {why[:1].lower()}{why[1:]}" if first in ("Pod", "The") else f"{what}: {why}"
