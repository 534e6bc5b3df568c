"""Makes debug pods, as Jobs: a Job is ended and taken away by the cluster itself, whether or not opsmodal is there.

A bare pod would end by its deadline and then lie there. Every pod is tried out first, by a dry run of the pod itself:
what a quota, a webhook or Pod Security says of it is said before anything is made, and not only as an event of the Job.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from runtimes.base import Scope
from runtimes.debugging import LASTS_S, CopyPod, DebugPod, DebugRequest, Drafted, NewPod
from runtimes.errors import Invalid, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import MANAGER, Client
from runtimes.kubernetes.debugging import specs
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.objects.held import HeldPod, Labels
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.scoped import Pods, checked
from runtimes.kubernetes.upkeep.cleaner import PURPOSE
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.planning import Difference, Plan
from runtimes.reference import reference

DEBUG = "debug"
MANAGED_BY = "app.kubernetes.io/managed-by"
SERVICE, PERSON, REASON = "opsmodal.dev/service", "opsmodal.dev/made-by", "opsmodal.dev/reason"
COPY_OF = "opsmodal.dev/copy-of"
GONE_S = 60
"""How long a Job that has ended is kept (ttlSecondsAfterFinished): somebody may want to see that it did."""
OURS = f"{MANAGED_BY}={MANAGER},{PURPOSE}={DEBUG}"
JOB_NAME = "job-name"
"""The label by which the Job controller marks its pods, see
https://kubernetes.io/docs/reference/labels-annotations-taints/"""
BEGINS_WITHIN_S = 5.0
"""How long is waited for the Job controller to make the pod, so that its name can be told at once."""
LOOK_S = 0.1
RUN_BY_HAND = "By hand it is looser: that pod has a token of the service account, and stays when it has ended."
COPIED_BY_HAND = "By hand it is looser: that copy has the pod's other containers, account and privileges, and stays."
STEM_MAX_CHARS = 40
"""Of the name that a copy is told by; with what is put around it a pod's name stays a label (63)."""


@dataclass(frozen=True, slots=True)
class PodDebugging:
    """Makes, lists and removes the debug pods of services."""

    client: Client
    live: LivePods
    kept: KeptLists

    def draft(self, scope: Scope, wanted: DebugRequest, *, person: str, reason: str = "") -> Drafted:
        """Say what would be made. Raise Missing for another service's pod, Invalid for what is no image, Disallowed."""
        checked(scope)
        marks = {SERVICE: scope.service, PERSON: person, **({REASON: reason} if reason else {})}
        if isinstance(wanted, NewPod):
            spec, plan = self._of_image(scope, wanted)
        else:
            spec, plan = self._of_pod(scope, wanted)
            marks |= {COPY_OF: wanted.instance}
        name = f"debug-{_stem(wanted)}-{secrets.token_hex(3)}"
        metadata = {"labels": {MANAGED_BY: MANAGER, PURPOSE: DEBUG}, "annotations": marks}
        body = _job(name, metadata, spec)
        self._try_out(scope, name, metadata, spec)
        return Drafted(plan=plan, metadata=metadata, spec=spec, body=body)

    def make(self, scope: Scope, drafted: Drafted) -> DebugPod:
        """Make the Job, and wait a moment for its pod."""
        path, name = paths.collection(scope.namespace, "jobs"), str(drafted.body["metadata"]["name"])
        made = self.client.write("POST", path, DeployedObject, drafted.body, what=f"job {name}")
        deadline = monotonic() + BEGINS_WITHIN_S
        while (pod := self._pod_of(scope, name)) is None and monotonic() < deadline:
            sleep(LOOK_S)
        return _debug_pod(scope, made, pod)

    def list(self, scope: Scope) -> tuple[DebugPod, ...]:
        """List the debug pods of a service, newest first."""
        checked(scope)
        own = [job for job in self._jobs(scope) if (job.metadata.annotations or {}).get(SERVICE) == scope.service]
        if not own:
            return ()
        pods = self._pods(scope)
        by_job = {(pod.metadata.labels or {}).get(JOB_NAME, ""): pod for pod in pods}
        found = [_debug_pod(scope, job, by_job.get(job.metadata.name)) for job in own]
        return tuple(sorted(found, key=lambda each: each.ends_at or datetime.max.replace(tzinfo=UTC), reverse=True))

    def remove(self, scope: Scope, name: str) -> None:
        """Delete one with its pod. Raise Missing for anything that was not made here, for this service."""
        path = paths.single(checked(scope).namespace, "jobs", name)
        known = self.client.get(path, OnlyMetadata, what=f"debug pod {name}").metadata
        labels, marks = known.labels or {}, known.annotations or {}
        if (labels.get(PURPOSE), labels.get(MANAGED_BY), marks.get(SERVICE)) != (DEBUG, MANAGER, scope.service):
            raise Missing(f'There is no debug pod "{name[:100]}" in service {scope.service}.')
        # A Job of batch/v1 leaves its pods behind unless told otherwise.
        self.client.delete(path, what=f"debug pod {name}", uid=known.uid, propagation="Background")

    def _of_image(self, scope: Scope, wanted: NewPod) -> tuple[dict[str, Any], Plan]:
        image = str(reference(wanted.image))
        by_hand = ("run", DEBUG, f"--image={image}", "--restart=Never", "--command", "--")
        plan = Plan(
            target="pod/debug",
            summary=f"Run a pod of {image} for an hour",
            command=_line(scope, *by_hand, *specs.sleeping(LASTS_S)),
            differences=(
                Difference(what="image", before="", after=image),
                Difference(what="command", before="", after=shlex.join(specs.sleeping(LASTS_S))),
                Difference(what="user", before="", after=f"{specs.NOBODY}, without privileges"),
                Difference(what="service account", before="", after="no token of any"),
            ),
            warnings=(RUN_BY_HAND,),
        )
        return specs.of_image(image, lasts_s=LASTS_S), plan

    def _of_pod(self, scope: Scope, wanted: CopyPod) -> tuple[dict[str, Any], Plan]:
        known = Pods(self.client).one(scope, wanted.instance)
        name = known.metadata.name
        raw = self.client.get(paths.single(scope.namespace, "pods", name), dict[str, Any], what=f"pod {name}")
        container = _container(raw["spec"], name, wanted.container)
        spec, warnings = specs.of_pod(raw["spec"], container, lasts_s=LASTS_S)
        by_hand = ("debug", name, "--copy-to=debug", f"--container={container['name']}", "--")
        command = [*(container.get("command") or ()), *(container.get("args") or ())]
        plan = Plan(
            target=f"pod/{name}",
            summary=f"Copy {name} for an hour",
            command=_line(scope, *by_hand, *specs.sleeping(LASTS_S)),
            differences=(
                Difference(
                    what=f"command of {container['name']}",
                    before=shlex.join(map(str, command)) or "the image's own",
                    after=shlex.join(specs.sleeping(LASTS_S)),
                ),
                Difference(what="labels", before=_labels(known), after="none of the service's"),
                Difference(
                    what="service account",
                    before=known.spec.service_account_name or "default",
                    after="no token of any",
                ),
            ),
            warnings=(*warnings, COPIED_BY_HAND),
            revision=known.metadata.uid,
        )
        return spec, plan

    def _try_out(self, scope: Scope, name: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "name": name}, "spec": spec}
        path = paths.collection(scope.namespace, "pods")
        self.client.write("POST", path, OnlyMetadata, pod, what=f"pod {name}", query={"dryRun": "All"})

    def _jobs(self, scope: Scope) -> Sequence[DeployedObject]:
        """Give the Jobs that were made here: out of the kept list of all, else only those."""
        path = paths.collection(scope.namespace, "jobs")
        kept = self.kept.held(path, DeployedObject, what="jobs")
        if kept is None:
            return self.client.listed(path, DeployedObject, what="jobs", query={"labelSelector": OURS})
        return [each for each in kept if _is_ours(each.metadata.labels or {})]

    def _pods(self, scope: Scope) -> Sequence[HeldPod]:
        path = paths.collection(scope.namespace, "pods")
        if not self.client.written.lately(path) and self.live.warm(scope):
            snapshot = self.live.whole(scope)
            if not snapshot.stale:
                return [each for each in snapshot.items if _is_ours(each.metadata.labels or {})]
        return self.client.listed(path, HeldPod, what="pods", query={"labelSelector": OURS})

    def _pod_of(self, scope: Scope, job: str) -> HeldPod | None:
        query = {"labelSelector": f"{JOB_NAME}={job}"}
        found = self.client.listed(paths.collection(scope.namespace, "pods"), HeldPod, what="pods", query=query)
        return next(iter(found), None)


def _is_ours(labels: Labels) -> bool:
    return labels.get(MANAGED_BY) == MANAGER and labels.get(PURPOSE) == DEBUG


def _job(name: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata, "name": name},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LASTS_S,
            "ttlSecondsAfterFinished": GONE_S,
            "template": {"metadata": metadata, "spec": spec},
        },
    }


def _container(spec: Mapping[str, Any], pod: str, name: str) -> Mapping[str, Any]:
    containers: list[Mapping[str, Any]] = list(spec.get("containers") or ())
    found = next((each for each in containers if name in ("", each.get("name"))), None)
    if found is None:
        known = ", ".join(str(each.get("name")) for each in containers)
        raise Missing(f'Pod {pod} has no container "{name[:100]}".', hint=f"It has: {known}.")
    return found


def _debug_pod(scope: Scope, job: DeployedObject, pod: HeldPod | None) -> DebugPod:
    marks, made_at = job.metadata.annotations or {}, job.metadata.creation_timestamp
    container = next(iter(job.spec.template.spec.containers), None)
    if container is None:
        raise Invalid(f"The Job {job.metadata.name} has no container.")
    name = pod.metadata.name if pod else ""
    return DebugPod(
        name=job.metadata.name,
        pod=name,
        container=container.name,
        image=container.image,
        state=_state(pod),
        copy_of=marks.get(COPY_OF, ""),
        made_by=marks.get(PERSON, ""),
        made_at=made_at,
        ends_at=made_at + timedelta(seconds=LASTS_S) if made_at else None,
        command=_line(scope, "exec", name, "--", "id") if name else "",
    )


def _state(pod: HeldPod | None) -> str:
    """Say how far a pod is, in a word that kubectl would print."""
    if pod is None:
        return "Being made"
    if pod.metadata.deletion_timestamp is not None:
        return "Terminating"
    for status in pod.status.container_statuses or ():
        if status.state and status.state.waiting and status.state.waiting.reason:
            return status.state.waiting.reason
    return pod.status.phase


def _labels(pod: Pod) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted((pod.metadata.labels or {}).items()))


def _stem(wanted: DebugRequest) -> str:
    text = wanted.instance if isinstance(wanted, CopyPod) else wanted.image.rpartition("/")[2].partition(":")[0]
    plain = "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in text.lower())
    return plain[:STEM_MAX_CHARS].strip("-") or "pod"


def _line(scope: Scope, *words: str) -> str:
    return shlex.join(["kubectl", "-n", scope.namespace, *words])
