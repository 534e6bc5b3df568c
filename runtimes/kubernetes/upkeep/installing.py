"""Installs Metrics Server and takes it away, tells how far that is, and stops where somebody else's would be broken.

Objects are applied, never replaced whole: what others set on them stays. Only kube-system/metrics-server is touched;
another program that serves the Metrics API is left to whoever installed it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

import yaml

from runtimes.base import Scope
from runtimes.errors import Conflict, Denied, Missing, RuntimeProblem, Stale, Unavailable
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.managers import managed_by
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.objects.neighbours import WorkloadObject
from runtimes.kubernetes.upkeep.manifest import NAME, NAMESPACE, Part, parts
from runtimes.kubernetes.upkeep.serving import Serving, serving
from runtimes.kubernetes.upkeep.standing import answers, standing
from runtimes.planning import Difference, Plan, Progress, Step
from runtimes.upkeep import Telling

APPLY = "application/apply-patch+yaml"
"""Server-side apply; JSON is YAML. https://kubernetes.io/docs/reference/using-api/server-side-apply/"""
RESTARTED = "kubectl.kubernetes.io/restartedAt"
ANSWERS_WITHIN_S = 240.0
"""An image to pull, a start, and two rounds of measuring of 15 s each, with room for a slow registry."""
GONE_WITHIN_S = 60.0
LOOK_S = 2.0
"""How long between two looks; a look is a few small requests."""
AUTOSCALERS = "/apis/autoscaling/v2/horizontalpodautoscalers"
HITS_MAX = 50


@dataclass(frozen=True, slots=True)
class MetricsServers:
    """Installs and removes the Metrics Server of one cluster. `image` and `flags` are settings."""

    client: Client
    image: str
    flags: tuple[str, ...]
    pause: Callable[[float], None] = sleep

    def plan_install(self) -> Plan:
        """Say what would be installed, tried on the server first. Raise RuntimeProblem for what it would be refused."""
        found = serving(self.client)
        _demand_usual(found)
        wanted = parts(self.image, self.flags)
        for part in wanted:
            self._apply(part, dry_run=True)
        before = found.image if found else ""
        return Plan(
            target=f"deployment/{NAME}",
            summary="Reinstall Metrics Server" if found and found.name else "Install Metrics Server",
            command=f"kubectl -n {NAMESPACE} apply --server-side --force-conflicts -f metrics-server.yaml",
            differences=(Difference(what="image", before=before, after=self.image),),
            diff=_written(wanted),
            warnings=tuple(_install_warnings(found)),
            hits=(f"Deployment {NAMESPACE}/{NAME} and its pods",) if before else (),
        )

    def plan_remove(self) -> Plan:
        """Say what would go. Raise Missing where there is none, Conflict for one of another kind."""
        found = serving(self.client)
        if found is None:
            raise Missing("The cluster has no Metrics Server.", hint="Somebody may have removed it meanwhile.")
        _demand_usual(found)
        there = list(reversed(parts(self.image, self.flags)))
        words = shlex.join(["kubectl", "-n", NAMESPACE, "delete", *(_typed(part) for part in there)])
        return Plan(
            target=f"deployment/{NAME}",
            summary="Remove Metrics Server",
            command=words,
            differences=(Difference(what="image", before=found.image, after=""),),
            warnings=(
                "Nobody measures what pods use then: usage is no longer shown for any service.",
                *_keepers(found),
            ),
            hits=(*(part.words for part in there), *self._autoscalers()),
        )

    def install(self, scope: Scope, tell: Telling) -> None:
        """Apply the manifest, and tell of it until the Metrics API answers. Raise RuntimeProblem when it does not."""
        found = serving(self.client)
        _demand_usual(found)
        steps = [
            Step(name="Objects", state="running"),
            Step(name="Pods", state="waiting"),
            Step(name="Metrics API", state="waiting"),
        ]
        self._apply_all(found, steps, tell)
        deadline = monotonic() + ANSWERS_WITHIN_S
        while True:
            problem = self._look(scope, steps)
            if problem is None:
                tell(Progress(state="done", sentence="The Metrics API answers.", steps=tuple(steps)))
                return
            tell(Progress(state="running", sentence=problem.sentence, hint=problem.hint, steps=tuple(steps)))
            if monotonic() > deadline:
                hint = problem.hint or "Its events and log lines are under Diagnostics."
                raise Unavailable(f"Metrics Server is installed, but: {problem.sentence}", hint=hint)
            self.pause(LOOK_S)

    def remove(self, tell: Telling) -> None:
        """Take everything of it away. Raise RuntimeProblem; what went stays gone then."""
        _demand_usual(serving(self.client))
        there = list(reversed(parts(self.image, self.flags)))
        for done, part in enumerate(there):
            step = Step(name="Objects", state="running", detail=f"Deleting {part.words}.", done=done, total=len(there))
            tell(Progress(state="running", sentence=step.detail, steps=(step,)))
            self._delete(part)
        step = Step(name="Objects", state="done", done=len(there), total=len(there))
        tell(Progress(state="done", sentence="Metrics Server was removed.", steps=(step,)))

    def _apply_all(self, found: Serving | None, steps: list[Step], tell: Telling) -> None:
        wanted = parts(self.image, self.flags)
        for done, part in enumerate(wanted):
            steps[0] = Step(name="Objects", state="running", detail=part.words, done=done, total=len(wanted))
            tell(Progress(state="running", sentence=f"Applying {part.words}.", steps=tuple(steps)))
            if part.kind == "Deployment":
                part = self._made_anew(part, found, tell, steps)  # noqa: PLW2901  (the same object, with a mark)
            self._apply(part)
        steps[0] = Step(name="Objects", state="done", done=len(wanted), total=len(wanted))
        steps[1], steps[2] = replace(steps[1], state="running"), replace(steps[2], state="running")

    def _made_anew(self, part: Part, found: Serving | None, tell: Telling, steps: Sequence[Step]) -> Part:
        """Have pods that are there replaced; one whose selector is another's cannot be changed and goes first."""
        there = found.deployment if found is not None else None
        if there is None:
            return part
        template = part.document["spec"]["template"]
        labels = template["metadata"]["labels"]
        selects = self._selects(part)
        if not selects.items() <= labels.items():
            self._delete(part)
            self._await_gone(part, tell, steps)
            return part
        marks = {RESTARTED: datetime.now(UTC).isoformat(timespec="seconds")}
        metadata = {**template["metadata"], "annotations": marks}
        spec = {**part.document["spec"], "template": {**template, "metadata": metadata}}
        return replace(part, document={**part.document, "spec": spec})

    def _selects(self, part: Part) -> dict[str, str]:
        known: dict[str, Any] = self.client.get(part.path, dict, what=part.words)
        return dict((known["spec"].get("selector") or {}).get("matchLabels") or {})

    def _await_gone(self, part: Part, tell: Telling, steps: Sequence[Step]) -> None:
        deadline = monotonic() + GONE_WITHIN_S
        while monotonic() < deadline:
            try:
                self.client.get(part.path, OnlyMetadata, what=part.words)
            except Missing:
                return
            tell(Progress(state="running", sentence=f"Waiting for the old {part.words} to go.", steps=tuple(steps)))
            self.pause(LOOK_S)
        raise Unavailable(f"The old {part.words} does not go away.", hint="Look at its finalizers, then install again.")

    def _look(self, scope: Scope, steps: list[Step]) -> RuntimeProblem | None:
        """See how far it is; give what still is in the way."""
        workload = self._workload()
        ready, wanted = workload.status.ready_replicas, workload.spec.replicas or 1
        state = standing(self.client, scope.namespace, diagnose=ready < wanted)
        pods = Step(name="Pods", state="done" if ready >= wanted else "running", done=ready, total=wanted)
        steps[1] = pods if ready >= wanted else replace(pods, detail=state.sentence)
        problem = answers(self.client, scope.namespace)
        if problem is None and ready >= wanted:
            steps[2] = Step(name="Metrics API", state="done")
            return None
        steps[2] = Step(name="Metrics API", state="running", detail=problem.sentence if problem else "")
        return Unavailable(state.sentence, hint=state.hint)

    def _workload(self) -> WorkloadObject:
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
        return self.client.get(path, WorkloadObject, what=f"Deployment {NAMESPACE}/{NAME}")

    def _apply(self, part: Part, *, dry_run: bool = False) -> None:
        # What an earlier manifest set is taken over: `force` is what makes this one's word count.
        query = {"force": "true", **({"dryRun": "All"} if dry_run else {})}
        self.client.write("PATCH", part.path, OnlyMetadata, part.document, what=part.words, query=query, media=APPLY)

    def _delete(self, part: Part) -> None:
        try:
            known = self.client.get(part.path, OnlyMetadata, what=part.words)
            self.client.delete(part.path, what=part.words, uid=known.metadata.uid)
        except (Missing, Stale):
            return  # it has gone, or another one has its name by now, which nobody looked at

    def _autoscalers(self) -> Iterator[str]:
        """Name the autoscalers of the whole cluster, which stop scaling; none where they may not be listed."""
        try:
            found = self.client.listed(AUTOSCALERS, OnlyMetadata, what="autoscalers")
        except (Denied, Missing):
            return
        for each in found[:HITS_MAX]:
            yield f"The autoscaler {each.metadata.namespace}/{each.metadata.name} stops scaling"
        if len(found) > HITS_MAX:
            yield f"and {len(found) - HITS_MAX} more autoscalers"


def _demand_usual(found: Serving | None) -> None:
    """Refuse to touch what serves the Metrics API from another place. Raise Conflict."""
    if found is not None and found.name and not found.is_usual:
        sentence = f"The Metrics API is served by {found.namespace}/{found.name}, which is not Metrics Server."
        raise Conflict(sentence, hint="Remove it with what installed it, then install Metrics Server.")


def _install_warnings(found: Serving | None) -> Iterator[str]:
    yield "By hand, metrics-server.yaml has to be written first: its objects are those shown here line by line."
    if found is None:
        return
    if not found.name:
        yield "The cluster itself serves the Metrics API: this would put Metrics Server in its place."
    elif not found.ours:
        yield "Somebody else installed the one that is there: its image, flags and pods are replaced by ours."
        yield from _keepers(found)
    yield "While its pods are replaced there may be no figures for a minute, for any service of the cluster."


def _keepers(found: Serving) -> Iterator[str]:
    metadata = found.deployment.metadata if found.deployment else None
    said = managed_by(metadata.labels, metadata.annotations) if metadata else ""
    if said:
        yield said


def _written(wanted: Sequence[Part]) -> str:
    """Give the manifest as a diff from nothing: what `metrics-server.yaml` holds."""
    text = yaml.safe_dump_all([dict(part.document) for part in wanted], sort_keys=False)
    return "".join(f"+{line}\n" for line in text.splitlines())


def _typed(part: Part) -> str:
    return f"{part.kind.lower()}/{part.name}"
